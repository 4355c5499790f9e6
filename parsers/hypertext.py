"""HTML to plain text, with the quotes and signatures that mail programs mark up taken out where asked.

Used only when a mail has no plain text. It produces text for reading and matching; it does not sanitise HTML.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape

import lxml.html
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml import etree

LONGEST = 300_000  # characters given to the layout engine; beyond it tags are merely stripped
_CONFIG = ParserConfig(css=CSS_PROFILES["strict"], display_links=False, display_images=False)

# A class or id that a program gives to the old mail; Outlook on the web prefixes foreign names with x_.
_QUOTE = re.compile(
    r"(?:^|\s)(?:x_|ydp[0-9a-f]{1,12})*(?:gmail_attr|moz-cite-prefix|yahoo_quoted|protonmail_quote|zmail_extra|OLK_SRC_BODY_SECTION|"
    r"ms-outlook-mobile-reference-message|mail-editor-reference-message-container|reply-intro|tutanota_quote|"
    r"gmx_quote|quote-header|mail_quote|wl-quote)(?:\s|$)"
)
_SIGNATURE = re.compile(
    r"(?:^|\s)(?:x_)*(?:gmail_signature|gmail_signature_prefix|moz-signature|Signature|AppleMailSignature|"
    r"protonmail_signature_block|ms-outlook-mobile-signature|lineBreakAtBeginningOfSignature|tutanota_signature|"
    r"_rc_sig|bloop_sign|[\w-]{1,30}[_-]signature)(?:\s|$)"
)
_LEAD = re.compile(r"(?:\b\d{1,2}[:.]\d\d\b|@)[^\n]{0,200}:$")
_QUOTE_NAMES = ("quote", "messageReplySection")
_CONTROL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # read by lxml, but not taken back
_HIDDEN = ("script", "style", "title", "head", "noscript", "template", "object", "svg")
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6]|/blockquote|hr|/table)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_SPACES = re.compile(r"[ \t\xa0\u200b]+")


@dataclass(frozen=True, slots=True)
class Views:
    """One page read three times: all of it, without the marked old mails, without the marked signature too."""

    whole: str
    own: str
    bare: str


def views(html: str) -> Views:
    """Return `html` as text in its three forms; each is laid out only where it differs from the one before."""
    tree = _tree(html)
    if tree is not None:
        _prune(tree, lambda tag, node, marks: tag in _HIDDEN)
    whole = _laid_out(tree, html) if tree is not None else ""
    if tree is None or not whole:  # too large, or nested deeper than the reader goes
        text = _stripped(html)
        return Views(text, text, text)
    own = _laid_out(tree, html) if _prune(tree, _quotes, mark=">") else whole
    bare = _laid_out(tree, html) if _prune(tree, _signs) else own
    return Views(whole, own, bare)


def _tree(html: str) -> lxml.html.HtmlElement | None:
    if len(html) > LONGEST or html.count("<table") > 150:
        return None
    try:
        return lxml.html.document_fromstring(html.replace("\0", ""))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return None


def _laid_out(tree: lxml.html.HtmlElement, html: str) -> str:
    try:
        text = Inscriptis(tree, _CONFIG).get_text()
    except (RecursionError, ValueError, IndexError, KeyError, AttributeError, TypeError):
        return _stripped(html)  # odd tables and style values upset the layout engine; the words are what counts
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(lines).strip()


def _prune(
    tree: lxml.html.HtmlElement, goes: Callable[[str, lxml.html.HtmlElement, str], bool], mark: str = ""
) -> bool:
    """Take out the nodes that go, with `mark` on a line where each stood; say whether there were any."""
    found = False
    for node in list(tree.iter(etree.Element)):
        marks = f"{node.get('class', '')} {node.get('id', '')}" if node.attrib else ""
        if goes(node.tag, node, marks) and node.getparent() is not None:
            _remove(node, mark)
            found = True
    return found


def _quotes(tag: str, node: lxml.html.HtmlElement, marks: str) -> bool:
    if "gmail_attr" in marks and (node.text or "").lstrip().startswith("-----"):
        return False  # a forward's header lines: they are what tells it from a quote
    if tag == "blockquote" and _cites(node, marks):
        return True
    return bool(marks) and (_QUOTE.search(marks) is not None or node.get("name") in _QUOTE_NAMES)


def _signs(tag: str, node: lxml.html.HtmlElement, marks: str) -> bool:
    return bool(marks) and (_SIGNATURE.search(marks) is not None or node.get("name") == "messageSignatureSection")


def _cites(node: lxml.html.HtmlElement, marks: str) -> bool:
    style = (node.get("style") or "").replace(" ", "").lower()
    return (
        node.get("type") == "cite" or node.get("cite") is not None or "gmail_quote" in marks or "border-left" in style
        or "quote" in marks.lower() or _led(node)
    )  # fmt: skip


def _led(node: lxml.html.HtmlElement) -> bool:
    """A time or an address and a colon stand right above: `16.11.2026, 15:04, "Desk" <d@y>:` in any language."""
    above = node.getprevious()
    if above is None:
        return False
    said = (above.tail or "").strip() or "".join(above.itertext())
    return _LEAD.search(said[-300:].strip()) is not None


def _remove(node: lxml.html.HtmlElement, mark: str) -> None:
    """Empty a node and keep the text behind it: the place stays a line of its own."""
    tail = _CONTROL.sub("", node.tail or "")
    node.clear()
    node.tag, node.text, node.tail = "div", mark, tail


def _stripped(html: str) -> str:
    """The words without tags: for pages too large or too strange to lay out."""
    page = html[: 4 * LONGEST]
    for opening, closing in (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"), ("<title", "</title")):
        page = _without(page, opening, closing)
    text = _TAG.sub(" ", _BREAK.sub("\n", page))
    lines = (_SPACES.sub(" ", line).strip() for line in unescape(text).split("\n"))
    return "\n".join(line for line in lines if line)


def _without(page: str, opening: str, closing: str) -> str:
    """Drop what stands between the two, up to the first opening that nothing closes."""
    lower = page.lower()
    lower = lower if len(lower) == len(page) else page
    kept: list[str] = []
    at = 0
    while (start := lower.find(opening, at)) >= 0 and (end := lower.find(closing, start)) >= 0:
        kept.append(page[at:start])
        at = end + len(closing)
    return " ".join([*kept, page[at:]])
