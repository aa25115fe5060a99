"""What `listener.js` does, in Python: see there. The bindings are those of the world `listener`, made by componentize-py."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.airssys_core_types import ComponentMetadata, Health, HealthStatus
from wit_world.imports.atomics import Cas, CasError_CasFailed, increment, swap
from wit_world.imports.errors import LifecycleError_InvalidConfig
from wit_world.imports.producer import send
from wit_world.imports.request_reply import RequestOptions, reply, request
from wit_world.imports.store import Bucket, open
from wit_world.imports.wasi_messaging_types import Client, Error_Other, Message

label = "uninitialized"


class ComponentLifecycle(exports.ComponentLifecycle):
    def initialize(self, config: list[tuple[str, str]]) -> None:
        global label
        entries = dict(config)
        if "label" not in entries:
            raise Err(LifecycleError_InvalidConfig("there is no label"))
        label = entries["label"]

    def health(self) -> Health:
        return Health(HealthStatus.HEALTHY, label)

    def shutdown(self, deadline_ms: int) -> None:
        pass

    def metadata(self) -> ComponentMetadata:
        return ComponentMetadata("py-listener", "1.2.3", label)


class IncomingHandler(exports.IncomingHandler):
    def handle(self, message: Message) -> None:
        topic = message.topic()
        text = message.data().decode()
        bucket = open("")
        count = increment(bucket, topic, 1)
        if text.startswith("refuse"):
            raise Err(Error_Other(text))
        if text.startswith("raise"):
            raise RuntimeError(text)
        verb, _, rest = text.partition(" ")
        if verb in ("ask", "hasty"):
            answer = ask(*rest.split(" ", 1), 30_000 if verb == "ask" else 50)
            return reply(message, Message(answer.encode()))
        append(bucket, f"{topic}/said", text)
        then = dict(message.metadata() or []).get("then")
        if then is not None:
            send(Client.connect("default"), then, result(topic, count))
        reply(message, result(topic, count))


def result(topic: str, count: int) -> Message:
    message = Message(f"{label}: {topic} {count}".encode())
    message.set_content_type("text/x-count")
    return message


def ask(topic: str, text: str, timeout_ms: int) -> str:
    """More replies are asked for than there are: it ends when nobody is left who could answer."""
    options = RequestOptions()
    options.set_timeout_ms(timeout_ms)
    options.set_expected_replies(9)
    try:
        replies = request(Client.connect("default"), topic, Message(text.encode()), options)
        return ", ".join(sorted(message.data().decode() for message in replies))
    except Err as error:
        return f"error {type(error.value).__name__.removeprefix('Error_').lower()}"


def append(bucket: Bucket, key: str, line: str) -> None:
    """Adds a line to a value, whoever else does the same at the moment."""
    handle = Cas.new(bucket, key)
    while True:
        value = (handle.current() or b"").decode()
        try:
            return swap(handle, f"{value}{line}\n".encode())
        except Err as error:
            if not isinstance(error.value, CasError_CasFailed):
                raise
            handle = error.value.value
