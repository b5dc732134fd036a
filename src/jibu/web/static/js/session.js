// The bearer token. It lives in this variable only: not in storage, not in a cookie, not in the URL.

import { byId } from "./dom.js";
import { t } from "./i18n.js";
import { say } from "./say.js";

let token = null;
let mints = "mints" in document.body.dataset;

/** A token, or null where the person has to bring one. */
export async function bearer() {
  if (token === null && mints) token = await mint();
  return token;
}

/** Drop a refused token. Returns true where trying again with a new one makes sense. */
export function forget() {
  const again = mints && token !== null;
  token = null;
  if (!again) ask();
  return again;
}

async function mint() {
  const response = await fetch(`${document.body.dataset.page}/token`, { method: "POST", referrerPolicy: "same-origin" });
  if (response.ok) return (await response.json()).token;
  mints = false;
  ask();
  return null;
}

function ask() {
  byId("sign-in").hidden = false;
}

export function start() {
  if (!mints) ask();
  byId("sign-in").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = byId("token");
    token = field.value.trim().replace(/^Bearer\s+/i, "") || null;
    if (token === null) return field.focus();
    field.value = "";
    byId("sign-in").hidden = true;
    say(t("page.token.set"));
    byId("question").focus();
  });
}
