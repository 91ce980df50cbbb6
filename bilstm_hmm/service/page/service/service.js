// What is asked of the service. No other module does.

/** The page may stand under any path; this module lies two folders below it. */
const ROOT = new URL("../../", import.meta.url);

let token = null;

/** The token that goes with what is asked from now on. It is kept nowhere. */
export function useToken(text) {
  token = text;
}

/** What the service says instead of an answer, in a sentence for people. */
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function ask(path, query = {}, options = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, value);
  }
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  let response;
  try {
    response = await fetch(url, { ...options, headers });
  } catch {
    throw new Refusal(0, "The service cannot be reached; it may have been stopped.");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Refusal(response.status, problem.detail ?? `The service answers ${response.status}.`);
}

function form(files, voice) {
  const data = new FormData();
  // Before the recordings, which are read as they come.
  if (voice) data.append("voice", new Blob([voice]), "profile.voice");
  for (const file of files) data.append("file", file, file.name);
  return data;
}

/** The models that are loaded, and the figures of their cards. */
export async function models() {
  return (await ask("v1/models")).json();
}

/** Formats, limits and the version. */
export async function settings() {
  return (await ask("page/settings.json")).json();
}

/** Label a recording; the response has it in the format of the query. */
export function predict(file, query, voice = null) {
  return ask("v1/predict", query, { method: "POST", body: form([file], voice) });
}

/** Label several recordings as a folder is. */
export function predictBatch(files, query, voice = null) {
  return ask("v1/predict/batch", query, { method: "POST", body: form(files, voice) });
}

/** Learn a voice from recordings of it; returns the text of its profile. */
export async function learnVoice(files, query) {
  return (await ask("v1/voice", query, { method: "POST", body: form(files, null) })).text();
}

/**
 * Open a stream.
 *
 * @param {object} first Its first message, see StreamSchema in /docs.
 * @param {(update: object) => void} onUpdate
 * @returns {Stream}
 */
export function openStream(first, onUpdate) {
  return new Stream(first, onUpdate);
}

class Stream {
  #waiting = [];
  #socket;

  constructor(first, onUpdate) {
    const url = new URL("v1/stream", ROOT);
    url.protocol = url.protocol.replace("http", "ws");
    this.#socket = new WebSocket(url);
    this.#socket.onopen = () => {
      this.#socket.send(JSON.stringify(token === null ? first : { ...first, token }));
      this.#waiting.splice(0).forEach((message) => this.#socket.send(message));
    };
    /** Settles once the stream is closed; fails where it is refused. */
    this.closed = new Promise((resolve, reject) => {
      this.#socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.detail) reject(new Refusal(message.status, message.detail));
        else onUpdate(message);
      };
      this.#socket.onclose = ({ code }) => {
        if (code === 1000) resolve();
        else reject(new Refusal(0, "The stream has ended before its time; begin a new one."));
      };
    });
  }

  /** Send samples, 16-bit integers. */
  push(samples) {
    this.#send(samples);
  }

  /** Say that all has been sent. */
  end() {
    this.#send('{"end": true}');
  }

  #send(message) {
    if (this.#socket.readyState === WebSocket.CONNECTING) this.#waiting.push(message);
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }
}
