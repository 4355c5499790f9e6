"""A block of header lines, its values as text, ids and dates.

Lines end at LF only: a bare CR or a NUL never begins a header (RFC 5322 2.3). Ids are exact: two that differ in one
character stay two, whatever stands between the brackets. It does not read addresses (see `addresses`).
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

from parsers import charset, encoded
from parsers.once import once

_LINE = re.compile(rb"([!-9;-~]{1,200})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)\n?")
_LOST = re.compile(
    rb"(?!--)[^\n]*\n(?=(?:Received|From|To|Cc|Subject|Date|Message-ID|MIME-Version|Content-[A-Za-z-]+|Return-Path|"
    rb"Reply-To|In-Reply-To|References|X-[A-Za-z0-9-]+):)",
    re.IGNORECASE,
)
_ENVELOPE = re.compile(rb">?From [^\n]*\n")
_BLANK = re.compile(rb"\n\r*\n")
_EMPTY = re.compile(rb"\r*\n")
_FOLD = re.compile(r"[\r\n\x00\t]+")
EXACT = frozenset(
    {"authentication-results", "arc-authentication-results", "arc-seal"}
)  # with a space before the colon, whoever removes forged ones may not see them: nor do we
MANY = 2_000  # header lines read; the rest of a longer block is skipped
LONGEST = 1_000_000  # bytes of a block that are read
WIDEST = 250_000  # bytes of one value


class Headers:
    """The lines of one block in order, as (lower-cased name, raw bytes); values are made on demand."""

    def __init__(self, lines: list[tuple[str, bytes]]) -> None:
        self.lines = lines
        self._first: dict[str, bytes] = {}
        self._unfolded: dict[str, str] = {}
        for name, raw in lines:
            self._first.setdefault(name, raw)

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def has_any(self, names: Iterable[str]) -> bool:
        """Say whether there is a header of one of those names."""
        return not self._first.keys().isdisjoint(names)

    def raw(self, name: str) -> str | None:
        """Return the unfolded value of the first header of that name; encoded words are left alone."""
        known = self._unfolded.get(name)
        if known is None and name in self._first:
            known = self._unfolded[name] = unfold(self._first[name], self.label)
        return known

    def all(self, name: str) -> list[str]:
        if name not in self._first:
            return []
        return [unfold(raw, self.label) for found, raw in self.lines if found == name]

    def text(self, name: str) -> str | None:
        """Return the value for people: decoded, on one line."""
        value = self.raw(name)
        return None if value is None else line(encoded.words(value))

    @once
    def content_type(self) -> tuple[str, dict[str, str]]:
        """Return the type and parameters of this part, as written; an absent header is ("", {})."""
        kind, parameters = encoded.parameters(unfold(self._first.get("content-type", b""), None))
        return kind, dict(parameters)

    @once
    def label(self) -> str | None:
        """The body's charset: the best guess for raw 8-bit headers, which nobody labels."""
        if b"charset" not in self._first.get("content-type", b"").lower():
            return None
        return self.content_type[1].get("charset")

    def items(self) -> tuple[tuple[str, str], ...]:
        first = self._first
        return tuple(
            (name, (self.raw(name) or "") if raw is first[name] else unfold(raw, self.label))
            for name, raw in self.lines
        )


def split(raw: bytes, start: int, end: int) -> tuple[Headers, int]:
    """Read the header block at `start`; return it with the position where the body begins."""
    lines: list[tuple[str, bytes]] = []
    at = start
    whole, end = end, min(end, start + LONGEST)
    match = _LINE.match
    while at < end:
        found = match(raw, at, end)
        if found is not None and len(lines) < MANY:
            name = found.group(1).decode("ascii").lower()
            if name not in EXACT or raw[found.end(1)] == 58:  # the colon
                lines.append((name, found.group(2)[:WIDEST]))
            at = found.end()
            continue
        if found is not None:
            break
        blank = _EMPTY.match(raw, at, end)
        if blank is not None:
            return Headers(lines), blank.end()
        # A line that is no header: skipped when a well-known header follows at once, otherwise the body has begun.
        lost = (_ENVELOPE if not lines else _LOST).match(raw, at, end)
        if lost is None:
            break
        at = lost.end()
    if at >= end < whole or len(lines) == MANY:
        blank = _BLANK.search(raw, at, whole)  # the rest of an endless block is skipped
        at = blank.end() if blank is not None else whole
    return Headers(lines), min(at, whole)


def unfold(raw: bytes, label: str | None) -> str:
    """RFC 5322 2.2.3, with bare CR and NUL made harmless; 8-bit is UTF-8, else the body's charset, else a guess."""
    if raw.isascii():
        text = raw.decode("ascii")
    else:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = charset.decode(raw, label)
    text = text.strip("\r\n\t ")
    if "\n" in text:  # nearly always a break with one space or tab behind it
        plain = text.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ")
        text = text if "\n" in plain or "\r" in plain or "\t" in plain else plain
    if "\n" in text or "\r" in text or "\t" in text or "\0" in text:
        text = _FOLD.sub(_folded, text)
    return text.strip(" \t")


def _folded(found: re.Match[str]) -> str:
    """A fold is followed by its own space; NUL becomes visible so that two values never become one."""
    gap = found.group()
    if "\0" in gap:
        return "\ufffd"
    following = found.string[found.end() : found.end() + 1]
    return "" if following == " " and "\n" in gap and "\t" not in gap else " "


_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


def line(text: str) -> str:
    """Return `text` on one line: line breaks and controls that came in encoded become a space."""
    if text.isascii() and text.isprintable():
        return text
    return charset.clean(_BREAKS.sub(" ", text)).strip()


_ID = re.compile(r'<((?:"[^"<>]*"|[^"<>])*)>')
_INSIDE = re.compile(r"<([^<>]*)>")
_BETWEEN = re.compile(r"[\s<>,;()\"]+")


def one_id(value: str | None) -> str | None:
    """Return the exact text of a Message-ID value without its brackets; None when there is none.

    `<a b@c>` gives `a b@c`; `<a>y@c>` gives `a>y@c`, which differs from `<a>z@c>`.
    """
    if not value:
        return None
    whole = _ID.fullmatch(value)
    if whole is not None:
        return whole.group(1).strip() or None
    first, last = value.find("<"), value.rfind(">")
    if first < 0:
        return (*ids(value), value.strip(" >"))[0] or None
    outside = _ID.sub("", value)
    listed = [found.strip() for found in _ID.findall(value) if "@" in found]
    if listed and "<" not in outside and ">" not in outside:
        return str(listed[0])
    return value[first + 1 : last if last > first else len(value)].strip() or None


def ids(value: str | None) -> tuple[str, ...]:
    """Return the ids of In-Reply-To or References in order, without brackets (at most 1,000).

    Words with an @ count only where nothing is bracketed: old mailers write "your message of ... from m@x <id@y>".
    """
    if not value:
        return ()
    if "<" not in value:
        return tuple(word for word in _BETWEEN.split(value) if "@" in word[1:-1])[:1_000]
    return tuple(found.strip() for found in _INSIDE.findall(value) if found.strip())[:1_000]


def date(value: str | None) -> datetime | None:
    """Return a Date value as an instant in UTC; None when it is not one. A missing zone counts as UTC."""
    if not value:
        return None
    try:
        parsed = parsedate_tz(value[:200])
        if parsed is None:
            return None
        moment = datetime(*parsed[:5], min(parsed[5], 59), tzinfo=UTC)  # a leap second is the second before
        return moment - timedelta(seconds=parsed[9] or 0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
