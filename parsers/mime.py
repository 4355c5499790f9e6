"""The structure of a mail: which bytes are which part (RFC 2046), in one pass over the lines that begin with `--`.

A flat walk with a stack of open boundaries, so depth costs nothing and an outer boundary ends any inner part
(RFC 2046 5.1.2). It decodes no content and opens no message/rfc822. At most 1,000 parts and 100 levels: what lies
deeper stays one attachment, what comes later is not split off.
"""

import re
from dataclasses import dataclass

from parsers import headers
from parsers.headers import Headers

PARTS = 1_000
DEPTH = 100
LINES = 200_000  # lines beginning with `--` that are looked at

_GUESS = re.compile(rb"^--([^\s][^\r\n]{0,200}?)[ \t]*\r?\nContent-", re.MULTILINE | re.IGNORECASE)
_TYPE = re.compile(r"[!#-'*+.0-9A-Z^-~-]+/[!#-'*+.0-9A-Z^-~-]+")


@dataclass(slots=True)
class Part:
    """One entity: its headers and where its body lies. `parent` is the multipart around it; `index` its place there."""

    headers: Headers
    kind: str
    start: int
    end: int
    parent: "Part | None" = None
    index: int = 0
    children: int = 0
    depth: int = 0

    @property
    def around(self) -> str:
        """The type of the multipart around this part; "" for the message itself."""
        return self.parent.kind if self.parent is not None else ""


def walk(raw: bytes) -> list[Part]:
    """Return the message itself and all its parts in order; multiparts are the entries that have children."""
    start = 3 if raw[:3] == b"\xef\xbb\xbf" else 0
    while start < len(raw) and raw[start : start + 1] in b"\r\n":
        start += 1  # blank lines before the first header are left by sloppy exports
    block, body = headers.split(raw, start, len(raw))
    root = Part(block, _kind(block, ""), body, len(raw))
    parts = [root]
    if root.kind.startswith("multipart/"):
        _split(raw, root, parts)
        if not root.children:
            root.kind = "text/plain"  # multipart in name only: its body is all there is to read
    return parts


def _kind(block: Headers, around: str) -> str:
    kind = block.content_type[0]
    if _TYPE.fullmatch(kind):
        return kind
    return "message/rfc822" if around == "multipart/digest" and not kind else "text/plain"  # RFC 2045 5.2, 2046 5.1.5


def _boundary(raw: bytes, part: Part) -> bytes | None:
    declared = part.headers.content_type[1].get("boundary", "").rstrip()
    boundary = declared.encode("utf-8", "replace")
    if part.parent is None and (not boundary or raw.find(b"--" + boundary, part.start) < 0):
        guessed = _GUESS.search(raw, part.start)
        return guessed.group(1) if guessed else boundary or None
    if not boundary and (guessed := _GUESS.search(raw, part.start, part.start + 2_000)):
        return guessed.group(1)
    return boundary or None


def _split(raw: bytes, root: Part, parts: list[Part]) -> None:
    """Fill `parts` with everything inside `root`."""
    boundary = _boundary(raw, root)
    if boundary is None:
        return
    open_ = {boundary: root}  # insertion order is depth; the same boundary used again inside means the inner one
    current: Part | None = None  # the part whose body is being passed over
    at = root.start
    for _ in range(LINES):
        found = raw.find(b"\n--", at - 1) + 1
        if not found or len(parts) > PARTS:
            break
        at = raw.find(b"\n", found) + 1 or len(raw)
        text = raw[found + 2 : min(at, found + 1_000)].rstrip()
        around, last = open_.get(text), False
        if around is None and text.endswith(b"--"):
            around, last = open_.get(text[:-2]), True
        if around is None:
            continue
        _close(raw, current, around, found)
        while next(reversed(open_.values())) is not around:
            open_.popitem()
        current = None
        if last:
            continue
        block, at = headers.split(raw, at, len(raw))
        current = Part(block, _kind(block, around.kind), at, len(raw), around, around.children, depth=around.depth + 1)
        around.children += 1
        parts.append(current)
        if current.kind.startswith("multipart/") and current.depth < DEPTH:
            inner = _boundary(raw, current)
            if inner is not None and inner not in open_:
                open_[inner] = current


def _close(raw: bytes, current: Part | None, around: Part, end: int) -> None:
    """End the open part and every multipart inside `around` before the delimiter at `end` and its line break."""
    end -= raw[end - 1 : end] == b"\n"
    end -= raw[end - 1 : end] == b"\r"
    while current is not None and current is not around:
        current.end = max(current.start, end)
        current = current.parent
