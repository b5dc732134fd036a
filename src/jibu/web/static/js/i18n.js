// The phrases of the chosen language, and changing it without losing what is on the page.

import { byId, el } from "./dom.js";

let current = { language: document.documentElement.lang, direction: document.documentElement.dir, messages: {}, examples: [] };
const listeners = [];

export const language = () => current.language;
export const onChange = (listener) => listeners.push(listener);
export const has = (key) => key in current.messages;

/** The phrase `key` with its placeholders filled. */
export function t(key, values = {}) {
  const phrase = current.messages[key] ?? "";
  return phrase.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** A number as the language writes it. */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(current.language, { maximumFractionDigits: digits }).format(value);
}

/** A time as the language writes it. */
export function moment(text) {
  const format = new Intl.DateTimeFormat(current.language, { dateStyle: "medium", timeStyle: "short" });
  return format.format(new Date(text));
}

export async function load(tag) {
  const response = await fetch(`${document.body.dataset.page}/messages/${encodeURIComponent(tag)}.json`);
  if (!response.ok) throw new Error(`no phrases in ${tag}`);
  current = await response.json();
}

/** Change the page's language. What was typed and answered stays. */
export async function change(tag) {
  await load(tag);
  document.documentElement.lang = current.language;
  document.documentElement.dir = current.direction;
  const url = new URL(location.href);
  url.searchParams.set("lang", current.language);
  history.replaceState(null, "", url);
  translate(document);
  listExamples();
  for (const listener of listeners) listener();
}

function translate(root) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-aria]")) node.setAttribute("aria-label", t(node.dataset.tAria));
  for (const node of root.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
}

function listExamples() {
  const items = current.examples.map((example) =>
    el("li", null, el("button", { type: "button", class: "example", lang: example.language, dir: "auto" }, example.text)));
  byId("example-list").replaceChildren(...items);
}
