"""The page in a real browser: asking by keyboard, streaming, citations, languages, phones."""

from __future__ import annotations

import json

import pytest
from tests.e2e.browser import Page
from tests.e2e.scripted import Seen
from tests.e2e.scripted_answers import ANSWERS, DOCUMENTS

from jibu.locales import Catalogue

CATALOGUE = Catalogue()
ENGLISH, HOSTILE = "How much does a passport cost?", "What do I need to register a birth?"
ARABIC, KHMER = "كم تكلفة جواز السفر؟", "តើលិខិតឆ្លងដែនមានតម្លៃប៉ុន្មាន?"
Scripted = tuple[str, Seen]


def visit(page: Page, url: str, language: str = "en") -> None:
    """Open the page and wait until a question can be asked."""
    page.open(f"{url}/?lang={language}")
    page.until("document.getElementById('send')?.disabled === false")


def ask(page: Page, question: str) -> None:
    """Write a question, press Enter, and wait for what becomes of it."""
    page.js("document.getElementById('question').focus(); document.getElementById('question').value = ''")
    page.write(question)
    page.press("Enter")
    page.until("document.querySelector('.actions, #answer .alert')")


def text(page: Page, selector: str) -> str:
    """Return an element's text."""
    return str(page.js(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''"))


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than the window."""
    return int(page.js("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_ask_and_check_by_keyboard_alone(page: Page, scripted: Scripted) -> None:
    """Tab, a question, Enter, Tab to the citation, Enter: the exact words are marked; Escape leads back."""
    url, seen = scripted
    visit(page, url)
    page.press("Tab")
    assert page.js("document.activeElement.className") == "skip"
    page.press("Enter")
    page.tab_to("#question")
    page.write(ENGLISH)
    page.press("Enter")
    page.until("document.querySelector('.actions')")
    assert page.js("document.activeElement.id") == "question"
    page.tab_to(".cite")
    page.press("Enter")
    page.until("document.activeElement?.matches('#source mark')")
    assert text(page, "#source mark") == ANSWERS[ENGLISH]()["citations"][0]["quote"]
    assert "It is valid for ten years." in text(page, "#source .text")
    page.press("Escape")
    page.until("!document.getElementById('source').open && document.activeElement.matches('.cite')")
    assert (seen.bodies, seen.texts) == ([{"question": ENGLISH}], ["version=3"])


@pytest.mark.parametrize("width", [1366, 360])
def test_source_panel_keeps_or_lends_the_focus(page: Page, scripted: Scripted, width: int) -> None:
    """Beside the answer the panel lets one go on to the next citation; over it, it keeps the focus."""
    page.size(width, 800)
    visit(page, scripted[0])
    ask(page, ENGLISH)
    page.js("document.querySelector('.cite').click()")
    page.until("document.activeElement?.matches('#source mark')")
    modal = page.js("document.getElementById('source').matches(':modal')")
    assert modal is (width == 360)
    visited = []
    for _ in range(12):
        page.press("Tab")
        visited.append(page.js("document.activeElement.closest('#source, main, body').localName"))
    assert ("main" in visited) is not modal
    page.js("document.getElementById('source-close').click()")
    page.until("document.activeElement.matches('.cite')")


@pytest.mark.parametrize("question", [ENGLISH, ARABIC, KHMER])
def test_every_citation_marks_its_exact_words(page: Page, scripted: Scripted, question: str) -> None:
    """What is marked is the quote and stands in sight, in any script, after letters outside the basic plane."""
    visit(page, scripted[0])
    ask(page, question)
    for number, citation in enumerate(ANSWERS[question]()["citations"], start=1):
        page.js(f"[...document.querySelectorAll('.cite')].find((b) => b.textContent === '{number}').click()")
        page.until(f"document.querySelector('#source mark')?.textContent === {json.dumps(citation['quote'])}")
        document, start, end = DOCUMENTS[citation["documentId"]], citation["start"], citation["end"]
        assert document[start:end] == citation["quote"]
        assert document[start - 9 : end + 9] in text(page, "#source .text")
        assert page.js("document.querySelector('#source [role=alert]') === null")
        assert text(page, "#source h3") == citation["title"]
        box = page.js(
            "(() => { const [m, b] = ['#source mark', '#source-body'].map((s) => document.querySelector(s)"
            ".getBoundingClientRect()); return m.top >= b.top && m.bottom <= b.bottom; })()"
        )
        assert box
        assert citation["language"] == page.js("document.querySelector('#source .text').lang")
        page.press("Escape")


def test_source_tells_where_it_is(page: Page, scripted: Scripted) -> None:
    """Title, section path, page and a safe link to the original stand above the text."""
    visit(page, scripted[0])
    ask(page, ENGLISH)
    page.js("document.querySelector('.cite').click()")
    page.until("document.querySelector('#source mark')")
    path = page.js("[...document.querySelectorAll('#source .place li')].map((item) => item.textContent)")
    assert path == ["Travel documents", "Fees", "page 3"]
    link = page.js("(({ href, rel, target }) => [href, rel, target])(document.querySelector('#source a'))")
    assert link == ["https://gov.example/fees", "noopener noreferrer", "_blank"]


def test_what_a_service_said_is_shown_with_its_time_and_field(page: Page, scripted: Scripted) -> None:
    """Each field apart, as text; nothing is loaded for it, and nothing is called missing."""
    url, seen = scripted
    visit(page, url)
    ask(page, "And in the registry?")
    assert page.js("document.querySelectorAll('.sources > li').length") == 3
    page.js("[...document.querySelectorAll('.cite')].find((b) => b.textContent === '3').click()")
    page.until("document.querySelector('#source mark')?.textContent === '<i>Kisumu</i>'")
    assert text(page, "#source h3") == "Civil <b>registry</b>"
    told = page.js("[...document.querySelectorAll('#source .place li')].map((item) => item.textContent)")
    assert told[0].startswith("From a service, Nov 22, 2026")
    assert told[1] == "/placeOfBirth"
    assert page.js("document.querySelector('#source [role=alert]') === null")
    assert seen.texts == []


def test_answer_shows_all_that_it_must(page: Page, scripted: Scripted) -> None:
    """Status in words, claims, the table with its header, notice, confidence, sources."""
    visit(page, scripted[0])
    ask(page, ENGLISH)
    assert text(page, ".status") == "Answered"
    assert page.js("!!document.querySelector('.status svg use')")
    assert page.js("[...document.querySelectorAll('.table th')].map((cell) => cell.textContent)") == [
        "Type",
        "Fee in crowns",
        "Ready in",
        "Sources2",
    ]
    rows = page.js(
        "[...document.querySelectorAll('.table tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    assert rows == [["Standard", "45", "10 days", "3"], ["Express", "90", "2 days", "4"]]
    assert CATALOGUE.message("notice.ai", "en") in text(page, ".notice")
    assert "Confidence: 88 %" in text(page, ".measures")
    assert (
        page.js("document.querySelector('.cite').getAttribute('aria-label')")
        == "Open the source of citation 1: Passport fees"
    )


def test_screen_reader_hears_state_and_answer_once(page: Page, scripted: Scripted) -> None:
    """The polite region says that the search runs, then the whole answer; never the tokens."""
    visit(page, scripted[0])
    page.js(
        "window.heard = []; new MutationObserver(() => { const said = document.getElementById('said').textContent;"
        " if (said) window.heard.push(said); }).observe(document.getElementById('said'), { childList: true })"
    )
    ask(page, ENGLISH)
    made = ANSWERS[ENGLISH]()
    assert [
        CATALOGUE.message("page.asking", "en"),
        f"Answered. {made['answer']} {made['notice']}",
    ] == page.js("heard")
    assert page.js("document.getElementById('said').getAttribute('role')") == "status"
    assert page.js("document.querySelectorAll('#answer [aria-live], #answer [role=status]').length") == 0


def test_right_to_left(page: Page, scripted: Scripted) -> None:
    """In Arabic the page is mirrored: brand at the right, panel at the left, claims ruled at the right."""
    visit(page, scripted[0], "ar")
    ask(page, ARABIC)
    page.js("document.querySelector('.cite').click()")
    page.until("document.querySelector('#source mark')")
    assert page.js("document.documentElement.dir") == "rtl"
    left = "Math.round(document.querySelector('%s').getBoundingClientRect().left)"
    assert page.js(left % "#source") == 0
    assert page.js(left % ".brand") > page.js(left % ".choices")
    assert page.js("getComputedStyle(document.querySelector('.claim')).borderRightWidth") == "3px"
    assert page.js("getComputedStyle(document.querySelector('.claim')).direction") == "rtl"


def test_left_to_right_words_in_a_right_to_left_page(page: Page, scripted: Scripted) -> None:
    """An English table keeps its order of columns, and an English claim its side, in the Arabic page."""
    visit(page, scripted[0], "ar")
    ask(page, ENGLISH)
    assert page.js("getComputedStyle(document.querySelector('.claim')).direction") == "ltr"
    lefts = page.js(
        "[...document.querySelectorAll('.table th')].map((th) => th.getBoundingClientRect().left)"
    )
    assert lefts == sorted(lefts)
    assert page.js("getComputedStyle(document.querySelector('.sources .place')).direction") == "rtl"
    assert CATALOGUE.message("answer.other_language", "ar") == text(page, ".lead")


@pytest.mark.parametrize("width", [320, 360])
def test_phone_has_no_sideways_scrolling(page: Page, scripted: Scripted, width: int) -> None:
    """In every language: the start, an answer with a table, and the source panel fit the width."""
    page.size(width, 740, mobile=True)
    for language in CATALOGUE.languages() if width == 320 else ("ar", "en", "km"):
        visit(page, scripted[0], language)
        assert overflow(page) <= 0, language
        ask(page, {"ar": ARABIC, "km": KHMER}.get(language, ENGLISH))
        assert overflow(page) <= 0, language
        page.js("document.querySelector('.cite').click()")
        page.until("document.querySelector('#source mark')")
        assert overflow(page) <= 0, language
        assert width == page.js("document.getElementById('source').getBoundingClientRect().width"), language


def test_touch_targets_are_large(page: Page, scripted: Scripted) -> None:
    """Every control is at least 44 CSS pixels high and wide; numbers in running text reach so far around them."""
    page.size(360, 740, mobile=True)
    visit(page, scripted[0])
    controls = "button:not([hidden]), select, textarea"
    measure = (
        f"[...document.querySelectorAll('{controls}')].filter((e) => e.checkVisibility()).map((e) => {{"
        " const b = e.getBoundingClientRect(), a = getComputedStyle(e, '::after');"
        " const more = e.matches('.cite') ? [-2 * parseFloat(a.left), -2 * parseFloat(a.top)] : [0, 0];"
        " return [e.id || e.className || e.textContent, b.width + more[0], b.height + more[1]]; })"
        ".filter(([, w, h]) => w < 43.5 || h < 43.5)"
    )
    assert page.js(measure) == []
    ask(page, ENGLISH)
    assert page.js(measure) == []


def test_language_changes_in_place(page: Page, scripted: Scripted) -> None:
    """The typed text and the answer stay; words, direction, examples and the address change."""
    visit(page, scripted[0])
    ask(page, ENGLISH)
    page.js("document.getElementById('question').focus()")
    page.write(" And then?")
    page.js(
        "const s = document.getElementById('language'); s.value = 'ar'; s.dispatchEvent(new Event('change'))"
    )
    page.until("document.documentElement.lang === 'ar'")
    assert page.js("document.documentElement.dir") == "rtl"
    assert f"{ENGLISH} And then?" == page.js("document.getElementById('question').value")
    assert CATALOGUE.message("page.title", "ar") == text(page, "h1") == page.js("document.title")
    assert CATALOGUE.message("status.answered", "ar") == text(page, ".status")
    assert ANSWERS[ENGLISH]()["claims"][0]["text"] in text(page, ".claim")
    assert page.js("document.querySelector('.claim').lang") == "en"
    assert page.js("[...document.querySelectorAll('.example')].map((button) => button.textContent)") == [
        ARABIC
    ]
    assert page.js("location.search") == "?lang=ar"


def test_example_can_be_tried(page: Page, scripted: Scripted) -> None:
    """An example is asked with one press, and the focus goes to its answer."""
    visit(page, scripted[0], "km")
    page.tab_to(".example")
    page.press("Enter")
    page.until("document.querySelector('.actions')")
    assert KHMER == text(page, "#answer-title") == page.js("document.getElementById('question').value")
    assert page.js("document.activeElement.id") == "answer-title"


def test_feedback_is_given(page: Page, scripted: Scripted) -> None:
    """A rating is sent once pressed, shown as pressed, and thanked for."""
    visit(page, scripted[0])
    ask(page, ENGLISH)
    page.tab_to("[data-rating=not_helpful]")
    page.press(" ")
    page.until("document.querySelector('[data-rating=not_helpful]').getAttribute('aria-pressed') === 'true'")
    assert scripted[1].feedback == [("a1", {"rating": "not_helpful"})]
    assert CATALOGUE.message("feedback.thanks", "en") == text(page, ".thanks")


def test_sources_and_answers_are_only_text(page: Page, scripted: Scripted) -> None:
    """Markup in a document, a title or an address stays words; a script address is no link."""
    visit(page, scripted[0])
    ask(page, HOSTILE)
    page.js("document.querySelector('.cite').click()")
    page.until("document.querySelector('#source mark')")
    assert "<script>window.hacked = 1</script>" in text(page, "#source mark")
    assert text(page, "#source h3") == "<img src=x onerror=window.hacked=2>"
    assert page.js(
        "[window.hacked === undefined, document.querySelectorAll('#source a').length, document.images.length]"
    ) == [True, 0, 0]


def test_choice_of_theme_is_kept(page: Page, scripted: Scripted) -> None:
    """Dark and light follow the device until one is chosen; the choice outlives a reload."""
    page.media(prefers_color_scheme="dark")
    visit(page, scripted[0])
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.js(ground)
    page.js(
        "const s = document.getElementById('theme'); s.value = 'light'; s.dispatchEvent(new Event('change'))"
    )
    light = page.js(ground)
    visit(page, scripted[0], "fr")
    assert (True, light, "light") == (
        light != dark,
        page.js(ground),
        page.js("document.getElementById('theme').value"),
    )
