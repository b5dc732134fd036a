// Claims as paragraphs, rows of tables as tables, each with the numbers of its citations.

import { el, written } from "./dom.js";
import { t } from "./i18n.js";
import { citeButton } from "./source.js";
import { units } from "./spans.js";

/** The answer's claims in order, and any words between them that are no claim. */
export function claimNodes(answer) {
  const byNumber = new Map(answer.citations.map((citation) => [citation.number, citation]));
  const claims = [...answer.claims].sort((a, b) => a.start - b.start);
  const edges = units(answer.answer, claims.flatMap((claim) => [claim.start, claim.end]));
  const nodes = [];
  let at = 0;
  claims.forEach((claim, index) => {
    const cited = claim.citations.map((number) => byNumber.get(number)).filter(Boolean);
    const between = bare(answer.answer.slice(at, edges[2 * index]), answer.language);
    if (between) nodes.push(between);
    at = Math.max(at, edges[2 * index + 1]);
    nodes.push(table(claim.text, cited) ?? paragraph(claim.text, cited));
  });
  const after = bare(answer.answer.slice(at), answer.language);
  return after ? [...nodes, after] : nodes;
}

function paragraph(text, cited) {
  return el("p", { class: "claim", ...written(cited[0]?.language) }, text, cites(cited));
}

function cites(cited) {
  return el("span", { class: "cites" }, ...cited.map(citeButton));
}

function bare(text, language) {
  return text.trim() ? el("p", { class: "between", ...written(language) }, text.trim()) : null;
}

/** A table where the claim is rows of one and the header above them is cited too, else null. */
function table(text, cited) {
  const lines = text.split("\n").filter((line) => line.trim());
  const quoted = cited.map((citation) => (citation.quote ?? "").split("\n"));
  const header = lines.length > 1 ? lines[0] : quoted.flat().find((line) => line !== lines[0] && same(line, lines[0]));
  const above = quoted.findIndex((quote) => quote.includes(header));
  if (above < 0 || cells(header).length < 2 || !lines.every((line) => same(line, header))) return null;
  const rows = lines.filter((line) => line !== header);
  const head = el("tr", null, ...cells(header).map((cell) => el("th", { scope: "col" }, cell)),
    el("th", { scope: "col", lang: document.documentElement.lang }, t("result.sources"), cites([cited[above]])));
  const body = rows.map((row) => el("tr", null, ...cells(row).map((cell) => el("td", null, cell)),
    el("td", null, cites(cited.filter((_, index) => index !== above && quoted[index].includes(row))))));
  return el("div", { class: "table", role: "group", tabindex: "0", "aria-label": cited[above].title },
    // the first letters of the header decide on the direction
    el("table", written(cited[above].language), el("thead", null, head), el("tbody", null, ...body)));
}

/** Cells are joined by " | "; an empty one at either end has lost its blank. */
function cells(line) {
  return ` ${line} `.split(" | ").map((cell) => cell.trim());
}

function same(line, other) {
  return cells(line).length === cells(other).length;
}
