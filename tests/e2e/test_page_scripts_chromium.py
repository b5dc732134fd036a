"""The page's own reading of streams and offsets, run in the browser against Python's."""
# ruff: noqa: RUF001 - look-alike letters outside the basic plane are the point

from __future__ import annotations

import json

from tests.e2e.browser import Page
from tests.e2e.scripted import Seen

TEXT = "a🛂é\n𝒜 ខ្មែរ\nالعربية 👩‍👩‍👧 end\n"
STREAM = (
    "\ufeff: keep-alive\r\n\r\nevent: sources\rdata: {}\r\revent:token\ndata:one\ndata: two\nid: 7\nretry: 9\n\n"
    "event: empty\n\ndata: 🛂ខ្មែ\r\n\r\nevent: cut\ndata: lost"
)
EVENTS = [["sources", "{}"], ["token", "one\ntwo"], ["message", "🛂ខ្មែ"]]
READ_IN_PIECES = """
async (m, raw, sizes) => {
  const all = [];
  for (const widths of sizes) {
    const body = new ReadableStream({ start(stream) {
      for (let at = 0, i = 0; at < raw.length; at += widths[i % widths.length], i += 1)
        stream.enqueue(new Uint8Array(raw.slice(at, at + widths[i % widths.length])));
      stream.close();
    } });
    const found = [];
    for await (const { event, data } of m.events(body, 1000)) found.push([event, data]);
    all.push(found);
  }
  return all;
}
"""


def module(page: Page, url: str, name: str) -> str:
    """Open the page; return JavaScript that imports one of its modules."""
    page.open(f"{url}/?lang=en")
    page.until("document.getElementById('send')?.disabled === false")
    source = page.js("document.querySelector('script[type=module]').src")
    return f"import({json.dumps(source.replace('main.js', name))})"


def test_code_points_become_string_positions(page: Page, scripted: tuple[str, Seen]) -> None:
    """Every slice by code points is the one that Python makes."""
    spans = [(start, end) for start in range(len(TEXT) + 1) for end in range(start, len(TEXT) + 1)]
    load = module(page, scripted[0], "spans.js")
    sliced = page.js(
        f"{load}.then((m) => {json.dumps(spans)}.map(([a, b]) => m.slice({json.dumps(TEXT)}, a, b)))"
    )
    assert [TEXT[start:end] for start, end in spans] == sliced


def test_text_around_a_span_is_cut_between_lines(page: Page, scripted: tuple[str, Seen]) -> None:
    """The shown parts join to a stretch of the text, the marked part is exact, no letter is halved."""
    load = module(page, scripted[0], "spans.js")
    spans = [(s, e, reach) for s in range(0, len(TEXT), 3) for e in (s + 1, len(TEXT)) for reach in range(8)]
    shown = page.js(
        f"{load}.then((m) => {json.dumps(spans)}.map(([a, b, r]) => m.around({json.dumps(TEXT)}, a, b, r)))"
    )
    for (start, end, _), part in zip(spans, shown, strict=True):
        assert part["marked"] == TEXT[start:end]
        assert TEXT[:start].endswith(part["before"])
        assert TEXT[end:].startswith(part["after"])
        assert part["cutBefore"] is (len(part["before"]) < start)
        assert part["cutAfter"] is (len(part["after"]) < len(TEXT) - end)


def test_stream_is_read_however_it_is_cut(page: Page, scripted: tuple[str, Seen]) -> None:
    """Any cut of the bytes, inside characters, line ends and fields, gives the same events."""
    load = module(page, scripted[0], "sse.js")
    raw = list(STREAM.encode())
    sizes = [[n] for n in range(1, 12)] + [[1, 2, 3], [5, 1], [len(raw)]]
    results = page.js(f"{load}.then((m) => ({READ_IN_PIECES})(m, {raw}, {sizes}))")
    assert [EVENTS] * len(sizes) == results


def test_silent_stream_is_given_up(page: Page, scripted: tuple[str, Seen]) -> None:
    """A stream that sends nothing, not even a comment, ends with an error and is let go."""
    load = module(page, scripted[0], "sse.js")
    assert page.js(
        f"{load}.then(async (m) => {{ let left = false;"
        " const body = new ReadableStream({ cancel() { left = true; } });"
        " try { for await (const e of m.events(body, 50)); } catch (error) { return [error.message, left]; } })"
    ) == ["the stream fell silent", True]
