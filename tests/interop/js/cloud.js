// Answers messages as a component of wasmCloud does: where their `reply-to` says. `keep …` keeps a value under each of
// the words that follow, all at once, and says which of them a batch finds; `lose …` takes them away; `ask <subject> …`
// says what somebody else answers; `refuse …` is refused. `cloud.py` does the same.
import { publish, request } from "wasmcloud:messaging/consumer@0.2.0";
import { open } from "wasi:keyvalue/store@0.2.0-draft";
import { increment } from "wasi:keyvalue/atomics@0.2.0-draft";
import { deleteMany, getMany, setMany } from "wasi:keyvalue/batch@0.2.0-draft";

const PATIENCE_MS = 20_000;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export const handler = {
  handleMessage({ subject, body, replyTo }) {
    const bucket = open("default");
    const count = increment(bucket, subject, 1n);
    const [verb, ...words] = decoder.decode(body).split(" ");
    if (verb === "refuse") {
      throw words.join(" ");
    }
    if (replyTo !== undefined) {
      const answer = `${count} ${act(bucket, verb, words)}`;
      publish({ subject: replyTo, body: encoder.encode(answer), replyTo: undefined });
    }
  },
};

function act(bucket, verb, words) {
  switch (verb) {
    case "keep":
      setMany(bucket, words.map((word) => [word, encoder.encode(`${word}!`)]));
      return kept(bucket, words);
    case "lose":
      deleteMany(bucket, words);
      return kept(bucket, words);
    case "ask":
      return ask(words[0], words.slice(1).join(" "));
    default:
      return [verb, ...words].join(" ");
  }
}

// `nobody` is asked for with them, and is never there.
function kept(bucket, words) {
  const found = getMany(bucket, ["nobody", ...words]);
  return found.map((entry) => (entry === undefined ? "-" : `${entry[0]}=${decoder.decode(entry[1])}`)).join(" ");
}

function ask(subject, text) {
  try {
    return decoder.decode(request(subject, encoder.encode(text), PATIENCE_MS).body);
  } catch (error) {
    return `error ${error.payload ?? error}`;
  }
}
