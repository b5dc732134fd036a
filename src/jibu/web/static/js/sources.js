// The list of sources under an answer.

import { el, icon, written } from "./dom.js";
import { moment, number, t } from "./i18n.js";
import { citeButton, open } from "./source.js";

/** A heading and the list; nothing where nothing is cited. `found`: the sources carry the answer. */
export function sourceList(answer, found) {
  const citations = answer.citations ?? [];
  if (!citations.length) return [];
  const key = found ? "result.sources" : "answer.nearest";
  const groups = found ? samePlace(citations) : citations.map((citation) => [citation]);
  return [
    el("h3", { id: "sources-title" }, t(key)),
    el("ol", { class: "sources", "aria-labelledby": "sources-title", role: "list" }, ...groups.map((group) => item(group, found))),
  ];
}

/** Citations of the same section and page stand together. */
function samePlace(citations) {
  const groups = new Map();
  for (const citation of citations) {
    const key = citation.kind === "service" ? citation.number : JSON.stringify([citation.documentId, citation.documentVersion, citation.sectionPath, citation.page]);
    groups.set(key, [...(groups.get(key) ?? []), citation]);
  }
  return [...groups.values()];
}

function item(group, found) {
  const [first] = group;
  const label = t("result.open.aria", { number: first.number, title: first.title });
  const numbers = group.length > 1 ? group.map(citeButton)
    : [el("span", { class: "number", "aria-hidden": "true" }, String(first.number))];
  return el("li", null,
    el("div", { class: "about" },
      el("button", { type: "button", class: "title", "aria-label": label, "aria-haspopup": "dialog",
        onclick: (event) => open(first, event.currentTarget) }, icon("source"), el("span", written(first.language), first.title)),
      place(first),
      found ? null : el("blockquote", { ...written(first.language) }, first.quote)),
    el("div", { class: "numbers" }, ...numbers));
}

/** Where in the document: headings from the outside in, and the page. Of a service: when it was asked, and the field. */
export function place(citation) {
  if (citation.kind === "service") {
    const time = moment(citation.retrievedAt);
    return el("ol", { class: "place", role: "list" }, el("li", null, t("source.service", { time })),
      citation.fieldPath ? el("li", { dir: "ltr" }, el("code", null, citation.fieldPath)) : null);
  }
  const headings = citation.sectionPath ?? [];
  const below = headings[0] === citation.title ? headings.slice(1) : headings; // the title stands above already
  const path = below.map((heading) => el("li", null, el("span", written(citation.language), heading)));
  if (citation.page) path.push(el("li", { class: "page" }, t("source.page", { page: number(citation.page) })));
  return path.length ? el("ol", { class: "place", role: "list" }, ...path) : null;
}
