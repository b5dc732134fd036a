// Starts the page.

import { byId } from "./dom.js";
import { change, load } from "./i18n.js";
import { start as startAsking } from "./asking.js";
import { start as startSession } from "./session.js";
import { start as startSource } from "./source.js";
import { start as startTheme } from "./theme.js";

async function start() {
  for (const node of document.querySelectorAll(".needs-script")) node.hidden = false;
  startTheme();
  startSession();
  startSource();
  startLanguage();
  await load(document.documentElement.lang);
  startAsking();
}

function startLanguage() {
  const select = byId("language");
  select.value = document.documentElement.lang;
  select.addEventListener("change", () => {
    change(select.value).catch(() => { select.value = document.documentElement.lang; });
  });
}

start();
