"""Which pictures of a mail its HTML shows in their place: by `cid:` (RFC 2392 section 2), or by their bare name, as some programs
write it. Refuses to fetch, to decode and to look at pictures; an address elsewhere names nothing here.
"""

import re
from collections.abc import Sequence
from html import unescape
from urllib.parse import unquote

from parsers.message import Attachment

LONGEST = 1_000_000  # characters of HTML in which sources are looked for
_SOURCE = re.compile(r"""\bsrc\s{0,20}=\s{0,20}(?:"([^"]{1,500})"|'([^']{1,500})'|([^"'\s>]{1,500}))""", re.IGNORECASE)


def named(html: str | None, attachments: Sequence[Attachment]) -> tuple[str | None, ...]:
    """For each attachment the name by which the HTML shows it, None where it does not."""
    if not html or not attachments:
        return (None,) * len(attachments)
    found = (next(filter(None, one.groups()), "") for one in _SOURCE.finditer(html, 0, LONGEST))
    shown = {name_of(source) for source in found}
    return tuple(next((name for name in _names(one) if name in shown), None) for one in attachments)


def name_of(source: str) -> str | None:
    """The content id or file name that a source means; None for an address elsewhere."""
    said = unescape(source.strip())
    scheme, colon, rest = said.partition(":")
    if colon:
        return unquote(rest).strip("<>") or None if scheme.lower() == "cid" else None
    return None if said.startswith("//") else unquote(said.partition("?")[0]).rpartition("/")[2] or None


def _names(one: Attachment) -> tuple[str, ...]:
    if not one.content_type.startswith("image/"):
        return ()
    return tuple(name for name in (one.content_id, one.filename) if name)
