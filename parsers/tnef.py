"""Outlook's winmail.dat (MS-OXTNEF) opened: the files in it and the body, from bounded reads only.

Every count and length in it is a claim of the sender: a property or file that reaches beyond the content ends the
reading, and what was read so far stands. It does not run, render or trust anything it finds.
"""

import re
import struct
from dataclasses import dataclass, field

from parsers import charset, rtf

SIGNATURE = b"\x78\x9f\x3e\x22"
OBJECTS = 5_000  # attributes read
FILES = 500
_TYPES = frozenset(("application/ms-tnef", "application/vnd.ms-tnef", "application/x-tnef"))

# Attributes (MS-OXTNEF 2.1.3.2), by their identifiers.
_RENDERING, _TITLE, _DATA, _FILE, _PROPERTIES, _BODY, _CODEPAGE = (
    0x9002, 0x8010, 0x800F, 0x9005, 0x9003, 0x800C, 0x9007,
)  # fmt: skip
# Properties (MS-OXPROPS).
_TEXT, _PAGE, _RTF, _INTERNET = 0x1000, 0x1013, 0x1009, 0x3FDE
_LONG, _SHORT, _DISPLAY, _OBJECT, _MIME, _CID = 0x3707, 0x3704, 0x3001, 0x3701, 0x370E, 0x3712
_WANTED = frozenset((_TEXT, _PAGE, _RTF, _INTERNET, _LONG, _SHORT, _DISPLAY, _OBJECT, _MIME, _CID))
_FIXED = {0x2: 4, 0x3: 4, 0x4: 4, 0x5: 8, 0x6: 8, 0x7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16, 0x0: 4, 0x1: 4}
_VARIABLE = frozenset((0xD, 0x1E, 0x1F, 0x102))
_MESSAGE = b"\x07\x03\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"  # IID_IMessage: a mail within


@dataclass(slots=True)
class File:
    """One file in it. `content_type` is "" where the sender did not say."""

    name: str = ""
    content: bytes = b""
    content_type: str = ""
    content_id: str | None = None


@dataclass(slots=True)
class Opened:
    """What came out."""

    text: str | None = None
    html: str | None = None
    files: list[File] = field(default_factory=list)


def is_one(kind: str, filename: str | None, content: bytes) -> bool:
    """Say whether these bytes are such a container; its name and type may be anything, its first bytes may not."""
    named = kind in _TYPES or (filename or "").lower().endswith(("winmail.dat", "win.dat"))
    return named and content.startswith(SIGNATURE)


def unpack(content: bytes, depth: int = 2) -> Opened:
    """Return what the container holds; mails inside it give their files too, two levels deep."""
    out = Opened()
    codepage = "cp1252"
    current: File | None = None
    for name, data in _attributes(content):
        if name == _CODEPAGE and len(data) >= 4:
            codepage = _codec(struct.unpack_from("<I", data)[0])
        elif name == _RENDERING:
            current = File()
            if len(out.files) < FILES:
                out.files.append(current)
        elif name == _BODY:
            out.text = out.text or _said(charset.decode(data, codepage))
        elif name == _PROPERTIES:
            _describe(out, _properties(data), codepage)
        elif current is not None:
            _fill(current, name, data, codepage, depth, out)
    out.files = [one for one in out.files if one.content]
    return out


def _fill(current: File, name: int, data: bytes, codepage: str, depth: int, out: Opened) -> None:
    """Put one attribute of an attachment in its place."""
    if name == _TITLE:
        current.name = current.name or _said(charset.decode(data, codepage)) or ""
    elif name == _DATA:
        current.content = data
    elif name == _FILE:
        found = _properties(data)
        names = (_string(found.get(key), codepage) for key in (_LONG, _SHORT, _DISPLAY))
        current.name = next((one for one in names if one), current.name)
        current.content_type = _string(found.get(_MIME), codepage).lower()
        current.content_id = _string(found.get(_CID), codepage) or None
        inner = found.get(_OBJECT, (0, b""))[1]
        if inner.startswith(_MESSAGE):
            current.content = b""
            out.files += unpack(inner[16:], depth - 1).files[: FILES - len(out.files)] if depth else []
        elif inner and not current.content:
            current.content = inner


def _attributes(content: bytes) -> list[tuple[int, bytes]]:
    """Level, identifier, type, length, data, checksum: one after the other behind signature and key."""
    found: list[tuple[int, bytes]] = []
    at = 6
    while at + 9 <= len(content) and len(found) < OBJECTS:
        _, name, _, size = struct.unpack_from("<BHHI", content, at)
        data = content[at + 9 : at + 9 + size]
        found.append((name, data))
        if len(data) < size:
            break
        at += 9 + size + 2
    return found


def _describe(out: Opened, found: dict[int, tuple[int, bytes]], codepage: str) -> None:
    """Take the bodies from the properties of the message."""
    kind, label = found.get(_INTERNET, (0, b""))
    page = _codec(struct.unpack_from("<I", label)[0]) if kind == 0x3 and len(label) >= 4 else codepage
    out.text = _string(found.get(_TEXT), page) or out.text
    out.html = _string(found.get(_PAGE), page) or out.html
    if out.text is None and out.html is None and _RTF in found:
        out.text = _said(rtf.to_text(found[_RTF][1]))


def _properties(data: bytes) -> dict[int, tuple[int, bytes]]:
    """Read a list of MAPI properties (MS-OXTNEF 2.1.3.4) up to the first that does not fit."""
    found: dict[int, tuple[int, bytes]] = {}
    at = 4
    try:
        for _ in range(min(struct.unpack_from("<I", data)[0], len(data) // 4, 20_000)):
            kind, name = struct.unpack_from("<HH", data, at)
            at = _named(data, at + 4) if name >= 0x8000 else at + 4
            value, at = _value(data, at, kind)
            if name in _WANTED:
                found.setdefault(name, (kind & 0xFFF, value))
    except (struct.error, ValueError):
        pass  # a length that lies: what stands before it is good
    return found


def _named(data: bytes, at: int) -> int:
    """Skip the GUID and the number or name of a named property."""
    (how,) = struct.unpack_from("<I", data, at + 16)
    if how == 0:
        return at + 24
    (size,) = struct.unpack_from("<I", data, at + 20)
    return int(at + 24 + _padded(size))


def _value(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    """The first value of a property and where the next property begins."""
    several = bool(kind & 0x1000)
    base = kind & 0xFFF
    if base in _FIXED:
        size = _FIXED[base]
        if not several:
            return data[at : at + size], at + size
        (count,) = struct.unpack_from("<I", data, at)
        size = 2 if base in (0x2, 0xB) else size
        return b"", at + 4 + _padded(size * count)
    if base not in _VARIABLE:
        raise ValueError(kind)
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    first = b""
    for place in range(min(count, len(data) // 4 + 1)):
        (size,) = struct.unpack_from("<I", data, at)
        if at + 4 + size > len(data):
            raise ValueError(size)
        first = data[at + 4 : at + 4 + size] if not place else first
        at += 4 + _padded(size)
    return first, at


def _padded(size: int) -> int:
    return size + -size % 4


def _string(value: tuple[int, bytes] | None, codepage: str) -> str:
    if value is None:
        return ""
    kind, raw = value
    if kind not in (0x1E, 0x1F, 0x102):
        return ""
    text = raw[: len(raw) & ~1].decode("utf-16-le", "replace") if kind == 0x1F else charset.decode(raw, codepage)
    return _said(charset.clean(text)) or ""


def _said(text: str) -> str | None:
    """Strings end at their NUL, which `charset` has made visible."""
    text = re.split("[\0\ufffd]+$", text, maxsplit=1)[0] if text[-1:] in ("\0", "\ufffd") else text
    return text.replace("\r\n", "\n") if text.strip() else None


def _codec(number: int) -> str:
    return {20127: "us-ascii", 20866: "koi8-r", 21866: "koi8-u", 65001: "utf-8", 65000: "utf-7", 50220: "iso-2022-jp",
            51932: "euc-jp", 54936: "gb18030"}.get(number) or (
        f"iso-8859-{number - 28590}" if 28591 <= number <= 28605 else f"cp{number}"
    )  # fmt: skip
