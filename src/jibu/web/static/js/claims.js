// Claims as paragraphs, rows of tables as tables, each with the numbers of its citations.

import { el, written } from "./dom.js";
import { t } from "./i18n.js";
import { units } from "./spans.js";
import { citeButton } from "./source.js";

const CELLS = " | ";

/** The answer's claims in order, and any words between them that are no claim. */
export function claimNodes(answer) {
  const byNumber = new Map(answer.citations.map((citation) => [citation.number, citation]));
  const claims = [...answer.claims].sort((a, b) => a.start - b.start);
  const edges = units(answer.answer, claims.flatMap((claim) => [claim.start, claim.end]));
  const nodes = [];
  let at = 0;
  let table = null;
  claims.forEach((claim, index) => {
    const cited = claim.citations.map((number) => byNumber.get(number)).filter(Boolean);
    const between = bare(answer.answer.slice(at, edges[2 * index]), answer.language);
    if (between) nodes.push(between);
    at = Math.max(at, edges[2 * index + 1]);
    const rows = tableRows(claim.text, cited);
    table = rows && !between && table?.header === rows.header ? table : null;
    if (rows && !table) nodes.push((table = newTable(rows.header, cited)).node);
    if (rows) addRows(table, rows.rows, cited);
    else nodes.push(paragraph(claim.text, cited));
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

/** {header, rows} where a claim is rows of a table whose header is cited too, else null. */
function tableRows(text, cited) {
  const lines = text.split("\n").filter((line) => line.trim());
  const width = lines[0]?.split(CELLS).length ?? 0;
  if (width < 2 || lines.some((line) => line.split(CELLS).length !== width)) return null;
  const quoted = new Set(cited.flatMap((citation) => citation.quote.split("\n")));
  if (lines.length > 1) return quoted.has(lines[0]) ? { header: lines[0], rows: lines.slice(1) } : null;
  const header = [...quoted].find((line) => line !== lines[0] && line.split(CELLS).length === width);
  return header ? { header, rows: lines } : null;
}

function newTable(header, cited) {
  const attributes = written(cited[0]?.language); // the first letters of the header decide on the direction
  const head = el("tr", null, ...header.split(CELLS).map((cell) => el("th", { scope: "col" }, cell)),
    el("th", { scope: "col", class: "cites-head", lang: document.documentElement.lang }, t("result.sources")));
  const body = el("tbody");
  const node = el("div", { class: "table", role: "group", tabindex: "0", "aria-label": cited[0]?.title ?? header },
    el("table", attributes, el("thead", null, head), body));
  return { header, node, body };
}

function addRows(table, rows, cited) {
  for (const row of rows) {
    table.body.append(el("tr", null, ...row.split(CELLS).map((cell) => el("td", null, cell)),
      el("td", null, cites(cited))));
  }
}
