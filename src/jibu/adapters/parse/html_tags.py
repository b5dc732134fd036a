"""What the elements of a page are for."""

from __future__ import annotations

import re

from lxml import etree

HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}

BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "legend",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)

_SKIPPED = frozenset(
    [
        "applet",
        "area",
        "audio",
        "base",
        "button",
        "canvas",
        "datalist",
        "embed",
        "frame",
        "frameset",
        "head",
        "iframe",
        "input",
        "map",
        "meta",
        "noembed",
        "noframes",
        "noscript",
        "object",
        "optgroup",
        "option",
        "progress",
        "script",
        "select",
        "source",
        "style",
        "svg",
        "template",
        "textarea",
        "title",
        "track",
        "video",
    ]
)

_FURNITURE_ROLES = frozenset(
    (
        "navigation",
        "banner",
        "contentinfo",
        "search",
        "menu",
        "menubar",
        "toolbar",
        "alert",
        "dialog",
        "tablist",
    )
)

# Words in an element's class or id that name furniture on government and content-management sites.
_FURNITURE_NAME = re.compile(
    r"(?:^|[\s_-])(?:cookies?|breadcrumbs?|skip-?(?:link|nav|to-content|to-main)|share|sharing|social(?:-media)?"
    r"|pagination|site-?(?:nav|header|footer)|nav-?bar|main-?menu|side-?(?:bar|nav)|print-link|headerlink"
    r"|feedback-form|related-(?:content|links)|sr-only|visually-?hidden)(?:$|[\s_-])",
    re.IGNORECASE,
)
_HIDING_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_NAMED = frozenset(
    ["div", "ul", "ol", "section", "p", "aside", "span", "nav", "a", "header", "footer", "form"]
)
MOST_FURNITURE = 0.5
"""An element with more of the page's text than this is no furniture, whatever its name."""


def tag_of(node: etree._Element) -> str:
    """Return the local name in lower case."""
    return node.tag.rpartition("}")[2].lower() if isinstance(node.tag, str) else ""


def text_within(node: etree._Element) -> str:
    """Return all text under an element."""
    return "".join(text for text in node.itertext() if isinstance(text, str))


def is_skipped(tag: str) -> bool:
    """Tell elements that hold no running text."""
    return tag in _SKIPPED


def is_hidden(node: etree._Element) -> bool:
    """Tell elements that a reader does not see."""
    if node.get("hidden") is not None or node.get("aria-hidden") == "true":
        return True
    return bool(_HIDING_STYLE.search(node.get("style") or ""))


def is_furniture(node: etree._Element, top: etree._Element) -> bool:
    """Tell navigation, banners, side bars and the like inside ``top``."""
    tag = tag_of(node)
    if tag == "nav" or (node.get("role") or "").lower() in _FURNITURE_ROLES:
        return True
    if tag in ("header", "footer", "aside"):
        return _is_page_level(node, top) and next(node.iter("h1"), None) is None
    if tag not in _NAMED:
        return False
    name = f"{node.get('class') or ''} {node.get('id') or ''}"
    return bool(_FURNITURE_NAME.search(name)) and not _holds_most(node, top)


def _is_page_level(node: etree._Element, top: etree._Element) -> bool:
    """Tell whether an element belongs to the page, not to an article or section in it."""
    if tag_of(top) in ("main", "article"):
        return tag_of(node) == "footer" and node.getparent() is top
    return all(tag_of(parent) not in ("article", "main", "section") for parent in node.iterancestors())


def _holds_most(node: etree._Element, top: etree._Element) -> bool:
    return _length(node) > MOST_FURNITURE * _length(top)


def _length(node: etree._Element) -> int:
    return len(text_within(node))
