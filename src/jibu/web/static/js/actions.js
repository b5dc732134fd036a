// What a person can do with an answer: rate it, copy it, ask another question.

import { giveFeedback } from "./api.js";
import { el, icon, safeUrl } from "./dom.js";
import { moment, t } from "./i18n.js";
import { say } from "./say.js";

export function actions(question, answer, startAgain) {
  return el("div", { class: "actions" },
    answer.answerId ? feedback(answer.answerId) : null,
    el("div", { class: "row" },
      navigator.clipboard ? copyButton(question, answer) : null,
      el("button", { type: "button", class: "second", onclick: startAgain }, t("page.new"))));
}

function feedback(answerId) {
  const result = el("span", { class: "thanks" });
  const group = el("div", { class: "feedback", role: "group", "aria-label": t("feedback.question") },
    el("span", null, t("feedback.question")));
  for (const [rating, picture] of [["helpful", "up"], ["not_helpful", "down"]]) {
    group.append(el("button", { type: "button", class: "second", "aria-pressed": "false", "data-rating": rating,
      onclick: (event) => rate(answerId, rating, event.currentTarget, result) },
    icon(picture), el("span", null, t(`feedback.${rating}`))));
  }
  group.append(result);
  return group;
}

async function rate(answerId, rating, button, result) {
  let key = "feedback.thanks";
  try {
    await giveFeedback(answerId, rating);
    for (const other of button.parentElement.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
  } catch {
    key = "feedback.failed";
  }
  result.textContent = t(key);
  say(t(key));
}

function copyButton(question, answer) {
  const words = el("span", null, t("result.copy"));
  return el("button", { type: "button", class: "second", onclick: async () => {
    await navigator.clipboard.writeText(asText(question, answer));
    words.textContent = t("result.copied");
    say(t("result.copied"));
    setTimeout(() => { words.textContent = t("result.copy"); }, 3000);
  } }, icon("copy"), words);
}

/** The answer with its citation numbers, its sources and its notice, as plain text. */
function asText(question, answer) {
  const claims = (answer.claims ?? []).map((claim) => `${claim.text} ${claim.citations.map((n) => `[${n}]`).join("")}`);
  const sources = (answer.citations ?? []).map((citation) => {
    const field = citation.kind === "service" ? `${t("source.service", { time: moment(citation.retrievedAt) })} — ${citation.fieldPath ?? ""}` : null;
    const page = citation.page ? t("source.page", { page: citation.page }) : null;
    const url = citation.url ? safeUrl(citation.url) : null;
    return `[${citation.number}] ${[citation.title, ...(citation.sectionPath ?? []), page, url, field].filter(Boolean).join(" — ")}`;
  });
  return [question, (claims.length ? claims : [answer.answer]).join("\n\n"), sources.join("\n"), answer.notice].filter(Boolean).join("\n\n");
}
