// Counts the messages of each topic and keeps what they say, in the store; says the count to who asked, and to the topic
// in the message's metadata `then`. `ask <topic> …` says what all who listen there answer within half a minute, `hasty …`
// what they answer at once; `refuse …` is refused, `raise …` throws. `listener.py` does the same.
import { Client, Message } from "wasi:messaging/types@0.2.0-draft";
import { send } from "wasi:messaging/producer@0.2.0-draft";
import { reply, request, RequestOptions } from "wasi:messaging/request-reply@0.2.0-draft";
import { open } from "wasi:keyvalue/store@0.2.0-draft2";
import { Cas, increment, swap } from "wasi:keyvalue/atomics@0.2.0-draft2";

const decoder = new TextDecoder();
const encoder = new TextEncoder();
let label = "uninitialized";

export const componentLifecycle = {
  initialize(config) {
    label = new Map(config).get("label");
    if (label === undefined) {
      throw { tag: "invalid-config", val: "there is no label" };
    }
  },
  health() {
    return { status: "healthy", detail: label };
  },
  shutdown(_deadline) {},
  metadata() {
    return { name: "js-listener", version: "1.2.3", description: label };
  },
};

export const incomingHandler = {
  handle(message) {
    const topic = message.topic();
    const text = decoder.decode(message.data());
    const bucket = open("");
    const count = increment(bucket, topic, 1n);
    if (text.startsWith("refuse")) {
      throw { tag: "other", val: text };
    }
    if (text.startsWith("raise")) {
      throw new Error(text);
    }
    const [verb, whom, ...words] = text.split(" ");
    if (verb === "ask" || verb === "hasty") {
      return reply(message, new Message(encoder.encode(ask(whom, words.join(" "), verb === "ask" ? 30_000 : 50))));
    }
    append(bucket, `${topic}/said`, text);
    const then = new Map(message.metadata() ?? []).get("then");
    if (then !== undefined) {
      send(Client.connect("default"), then, result(topic, count));
    }
    reply(message, result(topic, count));
  },
};

function result(topic, count) {
  const message = new Message(encoder.encode(`${label}: ${topic} ${count}`));
  message.setContentType("text/x-count");
  return message;
}

// More replies are asked for than there are: it ends when nobody is left who could answer.
function ask(topic, text, timeoutMs) {
  const options = new RequestOptions();
  options.setTimeoutMs(timeoutMs);
  options.setExpectedReplies(9);
  try {
    const replies = request(Client.connect("default"), topic, new Message(encoder.encode(text)), options);
    return replies.map((message) => decoder.decode(message.data())).sort().join(", ");
  } catch (error) {
    return `error ${error.payload?.tag ?? error}`;
  }
}

// Adds a line to a value, whoever else does the same at the moment.
function append(bucket, key, line) {
  let handle = Cas.new(bucket, key);
  for (;;) {
    const value = handle.current();
    const before = value === undefined ? "" : decoder.decode(value);
    try {
      return swap(handle, encoder.encode(`${before}${line}\n`));
    } catch (error) {
      if (error.payload?.tag !== "cas-failed") throw error;
      handle = error.payload.val;
    }
  }
}
