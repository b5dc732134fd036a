// The answer as it comes and as it stands.

import { actions } from "./actions.js";
import { claimNodes } from "./claims.js";
import { bar, byId, el, icon, written } from "./dom.js";
import { has, language, number, onChange, t } from "./i18n.js";
import { say } from "./say.js";
import { sourceList } from "./sources.js";

const STATUSES = ["answered", "partial", "not_found", "refused"];

let asked = "";
let whole = null; // the finished answer
let stream = null; // the text node that grows
let startAgain = () => {};

export const onNew = (listener) => { startAgain = listener; };
export const heading = () => byId("answer-title");

onChange(() => { if (whole) draw(whole); });

/** Make room for the answer to a question. */
export function begin(question) {
  asked = question;
  whole = null;
  stream = document.createTextNode("");
  const section = byId("answer");
  section.setAttribute("aria-busy", "true");
  section.replaceChildren(
    title(),
    el("p", { class: "progress", id: "progress" }, el("span", { class: "spinner", "aria-hidden": "true" }),
      el("span", { "data-t": "page.asking" }, t("page.asking"))),
    el("p", { class: "stream", dir: "auto" }, stream),
    notice(t("notice.ai")),
  );
  section.hidden = false;
  show(section);
}

export function token(text) {
  stream?.appendData(text);
}

export function finish(answer) {
  whole = answer;
  stream = null;
  draw(answer);
  say(`${t(`status.${statusOf(answer)}`)}. ${answer.answer} ${answer.notice ?? ""}`);
}

export function stopped() {
  end(el("p", { class: "status", "data-status": "stopped" }, icon("refused"),
    el("span", { "data-t": "page.stopped" }, t("page.stopped"))));
  say(t("page.stopped"));
}

export function failed(failure) {
  const reference = failure.reference
    ? el("span", { class: "reference" }, t("error.reference", { id: failure.reference })) : null;
  const key = `error.${failure.kind}`;
  const words = failure.seconds === null
    ? el("span", { "data-t": key }, t(key)) : el("span", null, t(key, { seconds: number(failure.seconds) }));
  end(el("p", { class: "alert", role: "alert" }, icon("error"), words, reference));
  if (failure.kind === "sign_in") byId("token").focus();
}

/** Put an end to an answer that did not come, keeping what did. */
function end(last) {
  const section = byId("answer");
  section.removeAttribute("aria-busy");
  byId("progress")?.remove();
  if (!stream?.length) section.replaceChildren(title(), last);
  else section.append(last);
  stream = null;
}

function draw(answer) {
  const status = statusOf(answer);
  const found = status === "answered" || status === "partial";
  const section = byId("answer");
  section.removeAttribute("aria-busy");
  section.replaceChildren(...[
    title(),
    el("p", { class: "status", "data-status": status }, icon(status), el("span", null, t(`status.${status}`))),
    lead(answer, status),
    el("div", { class: "claims" }, ...(found ? claimNodes(answer) : [plain(answer, status)])),
    notice(answer.notice || t("notice.ai")),
    found ? measures(answer) : null,
    ...sourceList(answer, found),
    actions(asked, answer, startAgain),
  ].filter(Boolean));
}

function statusOf(answer) {
  return STATUSES.includes(answer.status) ? answer.status : "refused";
}

function title() {
  return el("h2", { id: "answer-title", tabindex: "-1", dir: "auto" }, asked);
}

function lead(answer, status) {
  if (status === "partial") return el("p", { class: "lead" }, t("answer.partial.lead"));
  const foreign = (answer.citations ?? []).length > 0 && answer.citations.every((c) => isForeign(c.language));
  return status === "answered" && foreign ? el("p", { class: "lead" }, t("answer.other_language")) : null;
}

function isForeign(tag) {
  return Boolean(tag) && tag !== "und" && tag.split("-")[0] !== language().split("-")[0];
}

function plain(answer, status) {
  const key = `answer.refused.${answer.reason}`;
  const text = answer.answer || (status === "refused" && has(key) ? t(key) : t(`status.${status}`));
  return el("p", { class: "plain-answer", ...written(answer.answer ? answer.language : language()) }, text);
}

function notice(text) {
  const own = text === t("notice.ai");
  return el("p", { class: "notice" }, icon("notice"),
    el("strong", { "data-t": "notice.label" }, t("notice.label")),
    own ? el("span", { "data-t": "notice.ai" }, text) : el("span", written(null), text));
}

function measures(answer) {
  const confidence = Number(answer.confidence) || 0;
  const percent = number(100 * confidence);
  const seconds = number((answer.timings?.totalMs ?? 0) / 1000, 2);
  return el("p", { class: "measures" },
    el("span", { class: "confidence" },
      bar(confidence),
      el("span", null, t("result.confidence.value", { percent }))),
    answer.timings ? el("span", null, t("result.time", { seconds })) : null);
}

function show(section) {
  const top = section.getBoundingClientRect().top;
  if (top < 0 || top > innerHeight * 0.6) section.scrollIntoView({ block: "start" }); // smooth in the style sheet
}
