"""What `cloud.js` does, in Python: see there. The bindings are those of the world `cloud`, made by componentize-py."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.atomics import increment
from wit_world.imports.batch import delete_many, get_many, set_many
from wit_world.imports.consumer import publish, request
from wit_world.imports.store import Bucket, open
from wit_world.imports.types import BrokerMessage

PATIENCE_MS = 20_000


class Handler(exports.Handler):
    def handle_message(self, msg: BrokerMessage) -> None:
        bucket = open("default")
        count = increment(bucket, msg.subject, 1)
        verb, *words = msg.body.decode().split(" ")
        if verb == "refuse":
            raise Err(" ".join(words))
        if msg.reply_to is not None:
            answer = f"{count} {act(bucket, verb, words)}"
            publish(BrokerMessage(msg.reply_to, answer.encode(), None))


def act(bucket: Bucket, verb: str, words: list[str]) -> str:
    match verb:
        case "keep":
            set_many(bucket, [(word, f"{word}!".encode()) for word in words])
            return kept(bucket, words)
        case "lose":
            delete_many(bucket, words)
            return kept(bucket, words)
        case "ask":
            return ask(words[0], " ".join(words[1:]))
        case _:
            return " ".join([verb, *words])


def kept(bucket: Bucket, words: list[str]) -> str:
    """`nobody` is asked for with them, and is never there."""
    found = get_many(bucket, ["nobody", *words])
    return " ".join("-" if entry is None else f"{entry[0]}={entry[1].decode()}" for entry in found)


def ask(subject: str, text: str) -> str:
    try:
        return request(subject, text.encode(), PATIENCE_MS).body.decode()
    except Err as error:
        return f"error {error.value}"
