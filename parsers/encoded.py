"""Encoded words (RFC 2047) and header parameters (RFC 2045, RFC 2231), whole or broken.

It decodes names and labels for people. It never looks for addresses: callers split a header first and decode after,
so that an encoded comma or angle bracket stays part of a name.
"""

import binascii
import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from parsers import charset

# `?` may stand inside sloppy Q text, so the end is the first `?=`; the language suffix is RFC 2231 section 5. The text
# stops at the next `=?`, which keeps a thousand beginnings without an end linear.
_WORD = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,40})?\?([bBqQ])\?((?:(?!=\?)[^?]|\?(?!=))*=?)\?=")
_CUT = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?\s]*)\??$")  # the end was lost


def words(value: str) -> str:
    """Return `value` with its encoded words decoded; what can't be decoded stays as it came."""
    if "=?" not in value:
        return value
    out: list[str] = []
    pending: list[tuple[str, str, str]] = []  # neighbours are decoded together: characters are cut between them
    at = 0
    for word in _WORD.finditer(value):
        gap = value[at : word.start()]
        at = word.end()
        if gap and not (pending and gap.isspace()):
            out += [_decode(pending), gap]
            pending = []
        pending.append((word.group(1), word.group(2).upper(), word.group(3)))
    out.append(_decode(pending))
    rest = value[at:]
    cut = _CUT.search(rest) if "=?" in rest else None
    if cut is not None:
        rest = rest[: cut.start()] + _decode([(cut.group(1), cut.group(2).upper(), cut.group(3))])
    out.append(rest)
    return "".join(out)


def _decode(pending: list[tuple[str, str, str]]) -> str:
    """Decode neighbouring words, joined wherever charset and so the character may continue."""
    out: list[str] = []
    run = b""
    name = ""
    for label, how, text in pending:
        piece = _base64(text) if how == "B" else _quoted(text)
        if run and label.lower() != name:
            out.append(charset.decode(run, name))
            run = b""
        name, run = label.lower(), run + piece
    if run:
        out.append(charset.decode(run, name))
    return "".join(out)


_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")


def _quoted(text: str) -> bytes:
    """The Q encoding; 8-bit characters that should not be there are taken as they are."""
    raw = text.replace("_", " ").encode("utf-8", "replace")
    return _HEX.sub(lambda found: bytes((int(found.group(1), 16),)), raw)


def _base64(text: str) -> bytes:
    raw = re.sub(rb"[^A-Za-z0-9+/]", b"", text.encode("ascii", "ignore"))
    raw = raw[:-1] if len(raw) % 4 == 1 else raw
    try:
        return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return b""


# name = "quoted" or anything up to the next semicolon: unquoted spaces are common in file names.
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
_FIRST = re.compile(r"[\s;=]")
_SEGMENT = re.compile(r"^([^*]+)\*(?:(\d{1,3})(\*)?)?$")
_EXTENDED = re.compile(r"^([A-Za-z0-9._:+-]*)'([A-Za-z-]*)'(.*)$", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')  # a backslash before anything else is a Windows path, not an escape


def parameters(value: str) -> tuple[str, Mapping[str, str]]:
    """Split `value` as of Content-Type into its first word, lower-cased, and its decoded parameters.

    A parameter given twice keeps its first value; an RFC 2231 form wins over the plain one (RFC 6266 4.3).
    """
    head = _FIRST.split(value.lstrip(), maxsplit=1)[0]
    rest = value.lstrip()[len(head) :].lstrip()
    if rest.startswith("="):  # no first word at all
        head, rest = "", value
    head = head.lower()
    if "=" not in rest:
        return head, {}
    value = rest if rest.startswith(";") else ";" + rest  # `text/html charset=utf-8`
    plain: dict[str, str] = {}
    segments: dict[str, list[tuple[int, bool, str]]] = {}
    for found in _PARAMETER.finditer(value):
        name = found.group(1).lower()
        quoted = found.group(2)
        text = _ESCAPED.sub(r"\1", quoted) if quoted is not None else found.group(3).strip()
        segment = _SEGMENT.match(name)
        if segment is None:
            plain.setdefault(name, text)
        else:
            number, star = segment.group(2), segment.group(3)
            segments.setdefault(segment.group(1), []).append((int(number or 0), bool(star) or number is None, text))
    decoded = {name: _plain(text) for name, text in plain.items()}
    decoded.update({name: _joined(parts) for name, parts in segments.items()})
    return head, decoded


def _plain(text: str) -> str:
    """A value without stars: RFC 2047 words are against the rules and everywhere."""
    if "''" in text and (found := _EXTENDED.match(text)) and charset.codec(found.group(1)):
        return charset.decode(unquote_to_bytes(found.group(3)), found.group(1))
    return words(text) if "=?" in text else text


def _joined(parts: list[tuple[int, bool, str]]) -> str:
    """RFC 2231 section 3: segments in order of their numbers, charset from the first, percent-decoded where starred."""
    parts.sort(key=lambda part: part[0])
    label: str | None = None
    raw = b""
    for index, (_, starred, text) in enumerate(parts):
        piece = text
        if index == 0 and starred and (found := _EXTENDED.match(text)):
            label, piece = found.group(1), found.group(3)
        raw += unquote_to_bytes(piece) if starred else piece.encode("utf-8", "replace")
    return words(charset.decode(raw, label or None))
