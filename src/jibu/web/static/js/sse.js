// Server-sent events from a fetch body, as the HTML standard reads them.

/** Turns pieces of text into events {event, data}. Comments (keep-alive) yield nothing. */
export class EventReader {
  #rest = "";
  #event = "";
  #data = [];

  /** Take a piece, return the events it completes. A line may end in CR, LF or both, split anywhere. */
  push(piece) {
    this.#rest += piece;
    const events = [];
    let line;
    while ((line = this.#line()) !== null) {
      const event = this.#take(line);
      if (event) events.push(event);
    }
    return events;
  }

  #line() {
    const end = this.#rest.search(/[\r\n]/);
    if (end < 0) return null;
    const carriage = this.#rest[end] === "\r";
    if (carriage && end + 1 === this.#rest.length) return null; // its LF may be on the way
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + (carriage && this.#rest[end + 1] === "\n" ? 2 : 1));
    return line;
  }

  #take(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    return null;
  }

  #dispatch() {
    const event = this.#data.length ? { event: this.#event || "message", data: this.#data.join("\n") } : null;
    this.#event = "";
    this.#data = [];
    return event;
  }
}

/** Yield the events of a response body. `silence`: ms without a byte (keep-alives count) before giving up. */
export async function* events(body, silence) {
  const bytes = body.getReader();
  const decoder = new TextDecoder(); // drops a byte-order mark, keeps halves of characters for the next piece
  const reader = new EventReader();
  try {
    for (;;) {
      const { value, done } = await within(bytes.read(), silence);
      yield* reader.push(done ? decoder.decode() : decoder.decode(value, { stream: true }));
      if (done) return;
    }
  } finally {
    bytes.cancel().catch(() => {});
  }
}

function within(promise, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new TypeError("the stream fell silent")), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
