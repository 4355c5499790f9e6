"""Rich text as Outlook packs it (MS-OXRTFCP), unpacked and read as plain words. Used when a mail has no other body.

No layout, no pictures, no objects: text only, and at most a megabyte of it.
"""

import re
import struct

LONGEST = 1_000_000
_START = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)  # MS-OXRTFCP 2.1.2.1: what the dictionary holds before the first byte


def to_text(packed: bytes) -> str:
    """Return the words of a PidTagRtfCompressed value; "" when it is none."""
    return _words(_unpacked(packed))


def _unpacked(packed: bytes) -> bytes:
    """LZFu (MS-OXRTFCP 2.2): runs of eight, each a literal or a reference into a ring of 4,096 bytes."""
    if len(packed) < 16:
        return b""
    _, size, kind = struct.unpack_from("<II4s", packed)
    if kind == b"MELA":
        return packed[16 : 16 + min(size, LONGEST)]
    if kind != b"LZFu":
        return b""
    ring = bytearray(_START.ljust(4_096, b" "))
    place = len(_START)
    out = bytearray()
    at, limit = 16, min(size, LONGEST)
    while at < len(packed) and len(out) < limit:
        control = packed[at]
        at += 1
        for bit in range(8):
            if at >= len(packed) or len(out) >= limit:
                break
            if not control >> bit & 1:
                run = packed[at : at + 1]
                at += 1
            else:
                word = int.from_bytes(packed[at : at + 2], "big")
                at += 2
                start = word >> 4
                if start == place:
                    return bytes(out)
                run = _run(ring, place, start, (word & 15) + 2)
            for byte in run:
                ring[place] = byte
                place = (place + 1) % 4_096
            out += run
    return bytes(out)


def _run(ring: bytearray, place: int, start: int, length: int) -> bytes:
    """The bytes a reference means; a run may overlap what it writes, which repeats it."""
    distance = (place - start) % 4_096
    return bytes(ring[(start + step % distance) % 4_096] for step in range(length))


_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-f]{2})|\\(.)|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.I | re.S
)
_ASIDE = frozenset((b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"htmltag", b"mhtmltag",
                    b"themedata", b"datastore", b"listtable", b"listoverridetable", b"generator"))  # fmt: skip
_BREAKS = {b"par": b"\n", b"line": b"\n", b"tab": b"\t", b"row": b"\n", b"cell": b"\t", b"emdash": b"\x97",
           b"endash": b"\x96", b"lquote": b"\x91", b"rquote": b"\x92", b"ldblquote": b"\x93", b"rdblquote": b"\x94",
           b"bullet": b"\x95"}  # fmt: skip


def _words(rtf: bytes) -> str:
    """Text outside the tables; Unicode characters drop the substitute that follows them."""
    out: list[str] = []
    silent: list[bool] = [False]
    skip = 0
    page = "cp1252"
    for found in _TOKEN.finditer(rtf):
        word, number, code, symbol, brace, plain = found.groups()
        if brace == b"{":
            silent.append(silent[-1])
            continue
        if brace == b"}":
            silent = silent[:-1] or [False]
            continue
        if word in _ASIDE or symbol == b"*":
            silent[-1] = True
        elif word == b"ansicpg" and number:
            page = f"cp{int(number)}" if int(number) in range(1250, 1259) else page
        elif silent[-1]:
            continue
        elif word == b"u" and number:
            out.append(chr(int(number) % 0x10000))
            skip = 1
        elif word in _BREAKS:
            out.append(_BREAKS[word].decode("cp1252"))
        elif code or plain or symbol in (b"\\", b"{", b"}"):
            raw = bytes((int(code, 16),)) if code else plain or symbol
            out.append(raw[skip:].decode(page, "replace"))
            skip = 0
    return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
