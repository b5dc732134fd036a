// What a screen reader is told: the state and the finished answer, never token by token.

import { byId } from "./dom.js";

const STAYS_MS = 20000;
let timer = 0;

/** Announce politely. The words go again later, so that nobody meets them twice when reading the page. */
export function say(text) {
  const place = byId("said");
  clearTimeout(timer);
  place.textContent = text;
  timer = setTimeout(() => { place.textContent = ""; }, STAYS_MS);
}
