"""What an opaque S/MIME part holds (RFC 5652, RFC 8551): signed or compressed content taken out, encryption told.

A reader of just so much BER as that takes, with bounds on depth and on steps. It verifies no signature: that something
was signed is shown to people as a claim, never used as proof.
"""

import zlib
from dataclasses import dataclass

STEPS = 100_000
DEPTH = 30
LARGEST = 50_000_000  # bytes of content
_KINDS = {
    bytes.fromhex("2a864886f70d010701"): "data", bytes.fromhex("2a864886f70d010702"): "signed",
    bytes.fromhex("2a864886f70d010703"): "encrypted", bytes.fromhex("2a864886f70d010706"): "encrypted",
    bytes.fromhex("2a864886f70d0109100109"): "compressed", bytes.fromhex("2a864886f70d0109100117"): "encrypted",
}  # fmt: skip
_SEQUENCE, _SET, _OID, _OCTETS, _CONTENT = 0x30, 0x31, 0x06, 0x04, 0xA0


@dataclass(frozen=True, slots=True)
class Envelope:
    """`kind` is signed, compressed, encrypted or "" (no CMS at all); `content` is what it holds, if it can be read."""

    kind: str
    content: bytes | None


def unwrap(raw: bytes) -> Envelope:
    """Return what kind of envelope `raw` is, and its content where no key is needed."""
    reader = _Reader(raw)
    try:
        body = reader.element(0, _SEQUENCE)
        oid = reader.element(body.start, _OID)
        kind = _KINDS.get(raw[oid.start : oid.end], "")
        if kind not in ("signed", "compressed"):
            return Envelope(kind if kind == "encrypted" else "", None)
        inside = reader.element(reader.element(oid.after, _CONTENT).start, _SEQUENCE)
        version = reader.element(inside.start, 0x02)
        algorithms = reader.element(version.after, _SET if kind == "signed" else _SEQUENCE)
        held = reader.element(algorithms.after, _SEQUENCE)
        wrapped = reader.element(reader.element(held.start, _OID).after, _CONTENT)
        content = reader.octets(wrapped.start)
    except (ValueError, IndexError):
        return Envelope(_first(raw), None)
    return Envelope(kind, _inflated(content) if kind == "compressed" else content)


def _first(raw: bytes) -> str:
    """The kind of a damaged envelope, by the first identifier in it."""
    places = [(place, kind) for oid, kind in _KINDS.items() if (place := raw[:60].find(oid)) >= 0]
    kind = min(places, default=(0, ""))[1]
    return kind if kind != "data" else ""


def _inflated(content: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(content, LARGEST)
    except zlib.error:
        return None


@dataclass(frozen=True, slots=True)
class _Element:
    tag: int
    start: int
    end: int  # of the content
    after: int  # where the next element begins


class _Reader:
    """Elements by their positions in one byte string; indefinite lengths are walked to their end."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.steps = 0

    def element(self, at: int, wanted: int | None = None, depth: int = 0) -> _Element:
        self.steps += 1
        if self.steps > STEPS or depth > DEPTH:
            raise ValueError("too much")
        tag, size, at = self.raw[at], self.raw[at + 1], at + 2
        if wanted is not None and tag != wanted:
            raise ValueError(tag)
        if tag & 0x1F == 0x1F:
            raise ValueError(tag)  # no long tags in CMS
        if size == 0x80:
            end = self._indefinite(at, depth)
            return _Element(tag, at, end, end + 2)
        if size > 0x80:
            width = size & 0x7F
            size = int.from_bytes(self.raw[at : at + width], "big") if width <= 8 else len(self.raw)
            at += width
        end = min(at + size, len(self.raw))  # cut off in transit: what is there is read
        return _Element(tag, at, end, end)

    def _indefinite(self, at: int, depth: int) -> int:
        while at < len(self.raw) and self.raw[at : at + 2] != b"\0\0":
            at = self.element(at, depth=depth + 1).after
        return min(at, len(self.raw))

    def octets(self, at: int, depth: int = 0) -> bytes:
        """An OCTET STRING, also one sent in pieces (BER constructed)."""
        one = self.element(at, depth=depth)
        if one.tag == _OCTETS:
            return self.raw[one.start : one.end][:LARGEST]
        if one.tag != 0x24:
            raise ValueError(one.tag)
        pieces: list[bytes] = []
        at = one.start
        while at < one.end and self.raw[at : at + 2] != b"\0\0":
            pieces.append(self.octets(at, depth + 1))
            at = self.element(at, depth=depth + 1).after
        return b"".join(pieces)
