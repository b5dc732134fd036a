// Light, dark, or as the device says.

import { byId } from "./dom.js";

const KEY = "jibu.theme";

export function start() {
  const select = byId("theme");
  select.value = document.documentElement.dataset.theme ?? "auto";
  select.addEventListener("change", () => set(select.value));
}

function set(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // storage is closed to the page: the choice holds until it is left
  }
}
