"""Which parts are the text, which the HTML, and which are attachments (after RFC 8621 4.1.4).

Every part that is not the body is an attachment, by its exact bytes: signatures, delivery reports, calendars and
whole messages too. It does not unpack, render or trust any of them.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import IncrementalNewlineDecoder

from parsers import charset, transfer
from parsers.encoded import parameters
from parsers.headers import line, one_id
from parsers.message import Attachment
from parsers.mime import Part

_LABEL = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}encoding\s*=\s*[\"']([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bodies:
    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...]


def choose(raw: bytes, parts: Iterable[Part]) -> Bodies:
    """Return the bodies and attachments of the walked `parts` of `raw`."""
    texts: list[str] = []
    pages: list[str] = []
    attachments: list[Attachment] = []
    for part in parts:
        if part.children:
            continue
        disposition, about = _disposition(part)
        content = transfer.decode(raw[part.start : part.end], part.headers.raw("content-transfer-encoding") or "")
        filename = _filename(part, about)
        if _is_body(part, disposition, filename):
            (texts if part.kind == "text/plain" else pages).append(_text(part, content))
        else:
            attachments.append(_attachment(part, content, filename, disposition))
    return Bodies("\n".join(texts) if texts else None, "\n".join(pages) if pages else None, tuple(attachments))


def _disposition(part: Part) -> tuple[str, dict[str, str]]:
    value = part.headers.raw("content-disposition")
    if value is None:
        return "", {}
    kind, about = parameters(value)
    return kind.strip("\"'"), dict(about)


def _is_body(part: Part, disposition: str, filename: str | None) -> bool:
    if part.kind not in ("text/plain", "text/html") or disposition == "attachment":
        return False
    if part.index == 0 or part.around == "multipart/alternative":
        return True
    return part.around not in ("multipart/related", "multipart/report") and filename is None


def _filename(part: Part, about: dict[str, str]) -> str | None:
    named = about.get("filename") or part.headers.content_type[1].get("name")
    if not named:
        return None
    return line(named) or None


def _text(part: Part, content: bytes) -> str:
    """The text with LF line ends. HTML without a label in its headers may carry its own."""
    label = part.headers.content_type[1].get("charset")
    if part.kind == "text/html" and charset.codec(label) in (None, "ascii") and not content.isascii():
        found = _LABEL.search(content[:4_000]) or _DECLARED.search(content[:200])
        label = found.group(1).decode("ascii") if found else label
    text = charset.decode(content, label).removeprefix("\ufeff")
    return IncrementalNewlineDecoder(None, translate=True).decode(text, final=True)  # faster than two replacements


def _attachment(part: Part, content: bytes, filename: str | None, disposition: str) -> Attachment:
    content_id = one_id(part.headers.raw("content-id"))
    inline = disposition == "inline" or (not disposition and content_id is not None)
    kind = part.kind if part.headers.content_type[0] or not disposition else "application/octet-stream"
    digest = hashlib.sha256(content).hexdigest()
    return Attachment(filename, kind, len(content), digest, inline, content_id, content)
