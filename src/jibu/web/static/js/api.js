// The calls that the page makes. Every failure is a Failure, whose `kind` picks the phrase to show.

import { events } from "./sse.js";
import { bearer, forget } from "./session.js";

const SILENCE_MS = 60000;
const KINDS = { 400: "invalid", 401: "sign_in", 403: "forbidden", 413: "invalid", 422: "invalid", 429: "overloaded", 503: "overloaded" };

export class Failure extends Error {
  constructor(kind, { seconds = null, reference = null } = {}) {
    super(kind);
    this.kind = kind;
    this.seconds = seconds;
    this.reference = reference;
  }
}

/** Ask, and yield {event, data} with data parsed: sources, token…, done. Raises Failure; AbortError when stopped. */
export async function* ask(question, signal) {
  const response = await call("/query", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify({ question }),
    signal,
  });
  try {
    for await (const { event, data } of events(response.body, SILENCE_MS)) {
      const value = JSON.parse(data);
      if (event === "error") throw problem(value.status, value, null);
      yield { event, data: value };
    }
  } catch (error) {
    throw named(error);
  }
}

/** The canonical text of the version that was cited. */
export async function documentText(documentId, version, signal) {
  const query = version ? `?version=${encodeURIComponent(version)}` : "";
  const path = `/documents/${encodeURIComponent(documentId)}/text${query}`;
  const response = await call(path, { headers: { Accept: "text/plain, application/json;q=0.9" }, signal });
  const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
  try {
    return isJson ? (await response.json()).text : await response.text();
  } catch (error) {
    throw named(error);
  }
}

export async function giveFeedback(answerId, rating) {
  await call(`/answers/${encodeURIComponent(answerId)}/feedback`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ rating }),
  });
}

async function call(path, options, again = true) {
  let response;
  try {
    const token = await bearer();
    if (token === null) throw new Failure("sign_in");
    const headers = { ...options.headers, Authorization: `Bearer ${token}` };
    response = await fetch(document.body.dataset.api + path, { ...options, headers, cache: "no-store" });
  } catch (error) {
    throw named(error);
  }
  if (response.ok) return response;
  if (response.status === 401 && forget() && again) return call(path, options, false);
  throw problem(response.status, await body(response), response.headers);
}

async function body(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

function problem(status, value, headers) {
  const after = Number.parseInt(headers?.get("Retry-After") ?? value?.retryAfter, 10);
  const seconds = Number.isFinite(after) ? Math.max(1, after) : null;
  const reference = value?.traceId ?? headers?.get("X-Request-Id") ?? null;
  const kind = KINDS[status] ?? "unknown";
  return new Failure(kind === "overloaded" && seconds === null ? "unknown" : kind, { seconds, reference });
}

/** Turn what fetch throws into a Failure; leave a stop as it is. */
function named(error) {
  if (error instanceof Failure || error.name === "AbortError") return error;
  return new Failure(error instanceof TypeError ? "offline" : "unknown");
}
