// The source of a citation: the document's text with the exact span marked.

import { documentText } from "./api.js";
import { byId, el, icon, safeUrl, written } from "./dom.js";
import { t } from "./i18n.js";
import { place } from "./sources.js";
import { around } from "./spans.js";

const REACH = 6000;
const KEPT = 4;
const ROOMY = matchMedia("(min-width: 75rem)");

const texts = new Map(); // the newest documents that were opened, so that a second citation opens at once
let opener = null;
let opening = null;

export function start() {
  const dialog = byId("source");
  byId("source-close").addEventListener("click", close);
  dialog.addEventListener("close", closed);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); }); // the backdrop
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && dialog.hasAttribute("open") && !dialog.matches(":modal")) close();
  });
}

/** The button that opens a citation's source. */
export function citeButton(citation) {
  const label = t("result.open.aria", { number: citation.number, title: citation.title });
  return el("button", { type: "button", class: "cite", "aria-label": label, "aria-haspopup": "dialog",
    onclick: (event) => open(citation, event.currentTarget) }, String(citation.number));
}

export async function open(citation, from) {
  opening?.abort();
  opening = new AbortController();
  const mine = opening;
  opener = from;
  byId("source-head").replaceChildren(...head(citation));
  byId("source-body").replaceChildren(el("p", { class: "progress" },
    el("span", { class: "spinner", "aria-hidden": "true" }), el("span", null, t("source.loading"))));
  show();
  if (citation.kind === "service") return told(citation); // nothing of it is kept that could be loaded
  let text = null;
  try {
    text = await textOf(citation, mine.signal);
  } catch {
    // shown below: the quote that came with the answer is still there
  }
  if (mine === opening) fill(citation, text);
}

/** Beside the answer where there is room for both, so that the next citation can be opened; else over it. */
function show() {
  const dialog = byId("source");
  if (dialog.open || dialog.hasAttribute("open")) return byId("source-close").focus();
  if (!dialog.showModal) dialog.setAttribute("open", "");
  else if (ROOMY.matches) dialog.show();
  else dialog.showModal();
  document.documentElement.classList.add("source-open");
  byId("source-close").focus();
}

function close() {
  const dialog = byId("source");
  if (dialog.close) return dialog.close();
  dialog.removeAttribute("open");
  closed();
}

function closed() {
  opening?.abort();
  opening = null;
  document.documentElement.classList.remove("source-open");
  if (opener?.isConnected) opener.focus();
  else byId("answer-title")?.focus(); // the answer was drawn again
}

function head(citation) {
  const url = citation.url ? safeUrl(citation.url) : null;
  return [
    el("h3", { class: "source-title", ...written(citation.language) }, citation.title),
    place(citation),
    url ? el("p", null, el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, icon("out"),
      el("span", null, t("source.original")))) : null,
  ].filter(Boolean);
}

function told(citation) {
  const mark = el("mark", { tabindex: "-1" }, citation.quote ?? "");
  byId("source-body").replaceChildren(el("div", { class: "text", ...written(citation.language) }, mark));
  mark.focus({ preventScroll: true });
}

function fill(citation, text) {
  const span = text === null ? null : around(text, citation.start, citation.end, REACH);
  const exact = span?.marked === citation.quote;
  const mark = el("mark", { tabindex: "-1" }, citation.quote);
  const body = byId("source-body");
  const shown = exact
    ? [span.cutBefore ? "…\n" : "", span.before, mark, span.after, span.cutAfter ? "\n…" : ""] : [mark];
  const nodes = [];
  if (!exact) nodes.push(el("p", { class: "alert", role: "alert" }, icon("error"), el("span", null, t("source.failed"))));
  body.replaceChildren(...nodes, el("div", { class: "text", ...written(citation.language) }, ...shown));
  mark.scrollIntoView({ block: "center", behavior: "instant" });
  const held = document.activeElement; // whoever has moved on in the meantime is left alone
  if (!held || held === document.body || held === byId("source-close")) mark.focus({ preventScroll: true });
}

async function textOf(citation, signal) {
  const key = `${citation.documentId} ${citation.documentVersion ?? ""}`;
  if (!texts.has(key)) {
    texts.set(key, await documentText(citation.documentId, citation.documentVersion, signal));
    if (texts.size > KEPT) texts.delete(texts.keys().next().value);
  }
  return texts.get(key);
}
