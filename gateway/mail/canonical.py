"""The body of a mail as its DKIM or ARC signature has hashed it (RFC 6376 section 3.4), in time and memory by its length.

dkimpy does it with a regular expression that a line of spaces makes quadratic (a megabyte of them takes minutes and stops
the whole process), and takes a mail apart line by line. So it gets the header alone, the body beside it, and these two in
the place of its own. Refuses to judge a signature.
"""

import re
from collections.abc import Callable
from typing import Any

_GAP = re.compile(rb"\r?\n\r?\n")
PIECE = 1 << 16
MOST_BYTES, MOST_LINES = 1 << 20, 5_000  # of a header: what dkimpy does with one grows by their product


def opened(kind: Callable[..., Any], raw: bytes, **options: Any) -> Any:
    """A mail for dkimpy: `dkim.DKIM` or `dkim.ARC`. Raises what that raises on a header that is none, ValueError on one whose
    check would take too long."""
    import dkim.canonicalization as library

    library.ALGORITHMS.update({b"simple": Simple, b"relaxed": Relaxed})
    gap = _GAP.search(raw)
    header = raw[: gap.start()] + b"\r\n\r\n" if gap else raw
    if len(header) > MOST_BYTES or header.count(b"\n") > MOST_LINES:
        raise ValueError("the header is too long to be checked")
    mail = kind(header, **options)
    if gap:
        mail.body = raw[gap.end() :].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return mail


class Simple:
    """Section 3.4.1 and 3.4.3."""

    name = b"simple"

    @staticmethod
    def canonicalize_headers(headers: Any) -> Any:
        return headers

    @staticmethod
    def canonicalize_body(body: bytes) -> bytes:
        return without_last_lines(body) + b"\r\n"


class Relaxed:
    """Section 3.4.2 and 3.4.4."""

    name = b"relaxed"

    @staticmethod
    def canonicalize_headers(headers: Any) -> Any:
        return [
            (name.lower().rstrip(), _one_space(value.replace(b"\r\n", b"").replace(b"\n", b"")).strip() + b"\r\n")
            for name, value in headers
        ]

    @staticmethod
    def canonicalize_body(body: bytes) -> bytes:
        text = without_last_lines(_one_space(body).replace(b" \r\n", b"\r\n"))
        return text + b"\r\n" if text else b""


def _one_space(text: bytes) -> bytes:
    """Each run of spaces and tabs as one space: every pass halves the runs, so the longest takes some twenty."""
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def without_last_lines(body: bytes) -> bytes:
    """Without the CRLFs at its end."""
    end = len(body)
    while end and body.endswith(b"\r\n", 0, end):
        block = body[max(0, end - PIECE) : end]
        kept = block.rstrip(b"\r\n")
        stray = block.rfind(b"\r\r", len(kept))  # a CR of its own is no line end, and what is before it stays
        end -= len(block) - (stray + 1 if stray >= 0 else len(kept))
        if stray >= 0 or kept:
            break
    return body[:end]
