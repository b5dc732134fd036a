// The question box: what may be asked, Enter, Stop, and one question at a time.

import { ask, Failure } from "./api.js";
import * as answer from "./answer.js";
import { byId } from "./dom.js";
import { number, onChange, t } from "./i18n.js";
import { say } from "./say.js";
import { length } from "./spans.js";

const LIMIT = Number(document.body.dataset.limit);
const NEARLY = 100;
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

let running = null; // the AbortController of the question under way
let problem = null; // [key, values] of what is wrong with the question
let left = LIMIT;

export function start() {
  const box = byId("question");
  byId("ask").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  box.addEventListener("keydown", sendOnEnter);
  box.addEventListener("input", () => { complain(null); count(); });
  byId("stop").addEventListener("click", () => running?.abort());
  byId("example-list").addEventListener("click", useExample);
  answer.onNew(clear);
  onChange(() => { showProblem(); count(); });
  count();
  byId("send").disabled = false;
}

function sendOnEnter(event) {
  const writing = event.isComposing || event.keyCode === 229; // Enter chooses a word in an input method
  if (event.key !== "Enter" || event.shiftKey || writing) return;
  event.preventDefault();
  submit();
}

function useExample(event) {
  const button = event.target.closest("button");
  if (!button) return;
  byId("question").value = button.textContent;
  count();
  submit();
}

function clear() {
  running?.abort();
  byId("question").value = "";
  byId("examples").hidden = byId("example-list").children.length === 0;
  complain(null);
  count();
  byId("question").focus();
}

function count() {
  const before = left;
  left = LIMIT - length(byId("question").value);
  byId("remaining").textContent = t("page.question.remaining", { count: number(left) });
  byId("remaining").classList.toggle("over", left < 0);
  if ((left < 0 && before >= 0) || (left <= NEARLY && before > NEARLY)) say(byId("remaining").textContent);
}

function wrong(question) {
  if (!/[\p{L}\p{N}]/u.test(question)) return ["error.empty", {}];
  if (length(question) > LIMIT) return ["error.too_long", { limit: LIMIT }];
  if (CONTROL.test(question)) return ["error.invalid", {}];
  return null;
}

function complain(found) {
  problem = found;
  const box = byId("question");
  if (found) box.setAttribute("aria-invalid", "true");
  else box.removeAttribute("aria-invalid");
  showProblem();
}

function showProblem() {
  byId("problem").textContent = problem ? t(...problem) : "";
}

function submit() {
  const question = byId("question").value.trim();
  const found = wrong(question);
  complain(found);
  if (found) {
    say(t(...found));
    byId("question").focus();
    return;
  }
  running?.abort();
  running = new AbortController();
  run(question, running);
}

async function run(question, mine) {
  busy(true);
  answer.begin(question);
  say(t("page.asking"));
  try {
    await read(question, mine);
  } catch (error) {
    if (mine !== running) return; // another question took its place
    if (error.name === "AbortError") answer.stopped();
    else answer.failed(error instanceof Failure ? error : new Failure("unknown"));
  }
  if (mine !== running) return;
  running = null;
  busy(false);
}

async function read(question, mine) {
  for await (const { event, data } of ask(question, mine.signal)) {
    if (mine !== running) return;
    if (event === "token") answer.token(data.text ?? "");
    if (event === "done") return answer.finish(data);
  }
  throw new Failure("unknown"); // the stream ended before the answer did
}

function busy(on) {
  const stop = byId("stop");
  const held = document.activeElement === stop || document.activeElement?.closest?.(".examples");
  stop.hidden = !on;
  byId("send").hidden = on;
  if (on) byId("examples").hidden = true;
  if (held) (on ? stop : answer.heading())?.focus();
}
