"""Transfer encodings (RFC 2045 section 6), whole or broken: bytes in, bytes out, nothing raised.

It never changes line ends; that is done for texts only, by those who show them.
"""

import binascii
import re
from contextlib import suppress

_NOISE = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_PROSE = re.compile(rb"\s*[^\s]+ +[^\s]+ +[^\s]+")  # a first line of several words is no base64
LINES = 1_000_000  # uuencoded lines read: 45 MB of content
_SOFT = re.compile(rb"=[ \t]+(?=\r?\n)")


def decode(raw: bytes, encoding: str) -> bytes:
    """Return the content of `raw` under the named encoding; an unknown name leaves it as it is."""
    name = encoding.split(";", maxsplit=1)[0].split("(", maxsplit=1)[0].strip(" \"'\t").lower()
    if name == "base64":
        return _base64(raw)
    if name in ("quoted-printable", "quoted_printable", "quotedprintable", "qp"):
        return binascii.a2b_qp(_SOFT.sub(b"=", raw) if b"= " in raw or b"=\t" in raw else raw)
    if name in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return _uuencoded(raw)
    return raw


def _base64(raw: bytes) -> bytes:
    if _PROSE.match(raw[:200]):
        return raw
    padding = raw.find(b"=")
    if padding < 0 or (len(raw) - padding < 8 and not raw[padding:].strip(b"=\r\n")):
        with suppress(binascii.Error):  # nearly always; it makes no copy of what may be large
            return binascii.a2b_base64(raw)
    body = raw.translate(None, _NOISE)
    content, _, rest = body.partition(b"=")
    if rest.strip(b"="):
        return _pieces(raw)
    return _quads(content)


def _quads(content: bytes) -> bytes:
    """Decode base64 digits whose padding may be missing or wrong; a lone last digit says nothing and is dropped."""
    content = content[:-1] if len(content) % 4 == 1 else content
    return binascii.a2b_base64(content + b"=" * (-len(content) % 4))


def _pieces(raw: bytes) -> bytes:
    """Padding in the middle: encoded pieces strung together, or a footer that somebody added in plain text."""
    out: list[bytes] = []
    for piece in re.split(rb"=+", raw, maxsplit=1_000):
        if out and re.search(rb"[^A-Za-z0-9+/\s]", piece):
            break
        out.append(_quads(piece.translate(None, _NOISE)))
    return b"".join(out)


def _uuencoded(raw: bytes) -> bytes:
    """The lines between `begin` and `end`; a line whose length byte lies is read as far as it goes."""
    out = []
    lines = raw.splitlines()
    lies = 0
    start = next((i for i, text in enumerate(lines) if re.match(rb"begin \d{3,4} ", text)), -1)
    for text in lines[start + 1 : start + 1 + LINES]:
        if text.strip() in (b"end", b"`", b""):
            break
        try:
            out.append(binascii.a2b_uu(text))
        except binascii.Error:
            lies += 1
            usable = ((text[0] - 32) & 63) * 4 + 5
            try:
                out.append(binascii.a2b_uu(text[: usable // 3 + 1]))
            except binascii.Error:
                break
            if lies > 10_000:
                break
    return b"".join(out)
