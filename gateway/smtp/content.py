"""Where a mail ends: the bytes between 354 and the lone dot. No I/O.

A mail ends at exactly <CRLF>.<CRLF> (RFC 5321 section 4.1.1.4), and nothing else is ever taken for a line end here, so
there is no second reading of "where the line ends" that could smuggle in a second mail.

Lone CRs and LFs in the text are kept as they came. Refusing them all would turn away reports from scanners, alarm boxes
and old scripts on the customer's own network, and a report lost is worse than an untidy one; normalising them would
break signatures and falsify what was received. A dot alone between any *other* mixture of CR and LF is refused: an
honest sender never writes it (its line ends are CRLF, or it doubles the dot), and the known smuggling sequences are
made of it. The session then ends, so bytes that follow are never commands.
"""

import io
import re
from typing import Literal

Fault = Literal["large", "full", "smuggled"]

_LONE_DOT = re.compile(rb"[\r\n]\.(?:\r\n|\n|\r[^\n])")
_LINE_END = re.compile(rb"[\r\n]")
_REACH = 5  # <CR><CR><LF>.<CR> may still become a lone dot with the next byte: five bytes are kept back


class Content:
    """Collects one mail from pieces of any size; holds at most `limit` bytes and one piece.

    After a fault nothing is kept any more, but the end is still looked for.
    """

    __slots__ = ("_body", "_keep_beginning", "_limit", "_skip", "_tail", "cut", "fault", "received")

    def __init__(self, limit: int, *, keep_beginning: bool = False) -> None:
        self._limit = limit
        self._keep_beginning = keep_beginning  # of a mail beyond the limit, instead of refusing it
        self.cut = False
        """Was more than the limit sent, and only the beginning kept?"""
        self._body: io.BytesIO | None = io.BytesIO()
        self._tail = b"\r\n"  # the line end of DATA itself: a dot may stand at the very beginning
        self._skip = 2  # it is not part of the mail
        self.received = 0
        """Bytes fed so far."""
        self.fault: Fault | None = None

    @property
    def held(self) -> int:
        """Bytes kept so far."""
        return min(self._body.tell(), self._limit) if self._body else 0

    def feed(self, piece: bytes) -> bytes | None:
        """Take the next bytes; return those after the end of the mail once it has come, None while it has not."""
        self.received += len(piece)
        window = self._tail + piece if self._tail else piece
        at = _lone_dot(window)
        if at is None:
            cut = _safe_cut(window)
            self._tail = window[cut:]
            self._keep(window[:cut])
            return None
        if window[at : at + 4] != b"\n.\r\n" or window[at - 1 : at] != b"\r" or window[at - 2 : at - 1] == b"\r":
            self.refuse("smuggled")
            return b""
        self._keep(window[: at + 1])
        return window[at + 4 :]

    def take(self) -> bytes:
        """Give the mail away. BytesIO hands out its own memory without a copy, so one mail is held once."""
        body = self._body.getvalue() if self._body else b""
        self._body = None
        return body

    def refuse(self, fault: Fault) -> None:
        """Keep nothing of this mail."""
        self.fault = fault
        self._body = None

    def _keep(self, text: bytes) -> None:
        if self._body is None or self.cut or not text:
            return
        # RFC 5321 section 4.5.2: a dot at the beginning of a line was doubled by the sender.
        if b"\r\n." in text:
            text = text.replace(b"\r\n.", b"\r\n")
        self._body.write(text[self._skip :] if self._skip else text)
        self._skip = 0
        if self._body.tell() <= self._limit:
            return
        if self._keep_beginning:
            self._body.truncate(self._limit)
            self.cut = True
        else:
            self.refuse("large")


def _lone_dot(window: bytes) -> int | None:
    """Where the line end before the first lone dot stands, if there is one; three plain searches spare the regex."""
    found = [at for mark in (b"\n.\r", b"\n.\n", b"\r.") if (at := window.find(mark)) >= 0]
    match = _LONE_DOT.search(window, min(found)) if found else None
    return match.start() if match else None


def _safe_cut(window: bytes) -> int:
    """Up to where no byte to come can change what the bytes mean: before a line end within the last five bytes."""
    match = _LINE_END.search(window, max(len(window) - _REACH, 0))
    if match is None:
        return len(window)
    cut = match.start()
    return cut - 1 if window[cut - 1 : cut + 1] == b"\r\n" else cut
