// Small helpers. Text goes in as text nodes only; nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** Make an element. `props`: attributes, `class`, and listeners as `onclick`. Null and false leave one out. */
export function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** An icon of the sprite, unseen by screen readers: its meaning always stands beside it in words. */
export function icon(name) {
  return drawing("icon", "use", { href: `#i-${name}` });
}

/** A bar that is filled by a share from 0 to 1; the words beside it say the same. */
export function bar(share) {
  const percent = 100 * Math.min(1, Math.max(0, share));
  return drawing("bar", "rect", { width: `${percent}%`, height: "100%" });
}

function drawing(name, tag, attributes) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", name);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const shape = svg.appendChild(document.createElementNS(SVG, tag));
  for (const [attribute, value] of Object.entries(attributes)) shape.setAttribute(attribute, value);
  return svg;
}

/** `lang` and `dir` for text that came from a document. "und" and nothing mean: not known. */
export function written(language) {
  const known = language && language !== "und";
  return { lang: known ? language : "", dir: "auto" };
}

/** Return the URL if it is http(s), else null. */
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
