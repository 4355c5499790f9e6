"""A customer's HTML, made harmless: nh3's allow list of tags, no style, no script, no remote picture.

What comes out is shown in a sandboxed frame with a policy of its own, so that a mistake here still runs nothing.
Pictures of the mail itself (by `cid:` or by their name) are put in as data; remote ones are counted and never fetched. This
module refuses to fetch anything.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

import nh3

from gateway.web.views import PICTURE_BYTES, PICTURES, Attachment, File
from parsers import pictures

LONGEST_HTML = 1_000_000

_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align"},
    "ol": {"start"},
    "*": {"dir", "lang"},
}


@dataclass(frozen=True, slots=True)
class Body:
    """Sanitised HTML and how many remote pictures were left out."""

    html: str
    blocked: int


def sanitise(html: str, attachments: tuple[Attachment, ...], open_file: Callable[[str], File | None]) -> Body:
    """The harmless form of a mail's HTML. `open_file` gives an attachment's bytes by its id."""
    pictures = _Pictures(attachments, open_file)
    clean = nh3.clean(
        html[:LONGEST_HTML],
        attributes=_ATTRIBUTES,
        attribute_filter=pictures.source,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return Body(clean, pictures.blocked)


class _Pictures:
    """Answers, attribute by attribute, what a picture's source becomes."""

    def __init__(self, attachments: tuple[Attachment, ...], open_file: Callable[[str], File | None]) -> None:
        self._by_name = {
            name: a for a in reversed(attachments) for name in (a.filename, a.content_id.strip("<>")) if name
        }
        self._open = open_file
        self._room = PICTURE_BYTES
        self.blocked = 0

    def source(self, tag: str, attribute: str, value: str) -> str | None:
        if attribute == "href":
            # data: is allowed for our own pictures only; a link never leads to one.
            return None if value.strip().lower().startswith("data:") else value
        if (tag, attribute) != ("img", "src"):
            return value
        name = pictures.name_of(value)
        if name is not None:
            return self._embedded(name)
        self.blocked += value.strip().lower().startswith(("http:", "https:", "//", ":"))
        return None

    def _embedded(self, name: str) -> str | None:
        attachment = self._by_name.get(name)
        if attachment is None or attachment.content_type not in PICTURES or attachment.size > self._room:
            return None
        file = self._open(attachment.id)
        if file is None or len(file.content) > self._room:
            return None
        self._room -= len(file.content)
        return f"data:{attachment.content_type};base64,{base64.b64encode(file.content).decode('ascii')}"
