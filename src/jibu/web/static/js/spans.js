// Offsets in the API count code points; strings here count UTF-16 units.

/** The number of code points in a text. */
export function length(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** The UTF-16 positions of ascending code-point offsets. */
export function units(text, offsets) {
  const found = [];
  let unit = 0;
  let point = 0;
  for (const offset of offsets) {
    while (point < offset && unit < text.length) {
      unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
      point += 1;
    }
    found.push(unit);
  }
  return found;
}

/** `text[start:end]` with code-point offsets. */
export function slice(text, start, end) {
  const [from, to] = units(text, [start, end]);
  return text.slice(from, to);
}

/** The text around a span: {before, marked, after, cutBefore, cutAfter}; about `reach` units each side. */
export function around(text, start, end, reach) {
  const [from, to] = units(text, [start, end]);
  const first = from <= reach ? 0 : firstShown(text, from - reach, from);
  const last = text.length - to <= reach ? text.length : lastShown(text, to, to + reach);
  return {
    before: text.slice(first, from),
    marked: text.slice(from, to),
    after: text.slice(to, last),
    cutBefore: first > 0,
    cutAfter: last < text.length,
  };
}

/** The first whole line from `low` on; inside a very long line, `low` itself. */
function firstShown(text, low, high) {
  const line = text.indexOf("\n", low) + 1;
  return line > 0 && line <= high ? line : whole(text, low);
}

function lastShown(text, low, high) {
  const line = text.lastIndexOf("\n", high);
  return line >= low ? line : whole(text, high);
}

/** Step out of the middle of a surrogate pair. */
function whole(text, unit) {
  const code = text.charCodeAt(unit);
  return code >= 0xdc00 && code <= 0xdfff ? unit + 1 : unit;
}
