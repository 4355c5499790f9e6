"""A ticket's own secret marks: its reply address and the ids of the mails about it.

A ticket number is never a secret, so adding to a ticket by mail needs one of these marks (and a verified party to the
ticket, which is judged elsewhere). A mark is the first 80 bits of an HMAC-SHA-256 over the ticket's digits, in base32:
it survives servers that fold the case of a local part (RFC 5321 section 2.4 says they must not; some do). Reading never
raises, whatever stands in an address, and compares in constant time. Refuses to know tickets: it says what a mark
proves, no more.
"""

import hmac
import re
from base64 import b32encode, b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Literal

MARK_BYTES = 10  # 80 bits: 16 base32 characters without padding, beyond guessing through a mail door
LEAST_SECRET = 16
LONGEST_LOCAL_PART = 64  # RFC 5321 section 4.5.3.1.1

_REPLY = re.compile(r"\S*\+(?P<digits>[0-9]{2,20})\.(?P<mark>[a-z2-7]{16})@[^@\s]+", re.ASCII)
_ID = re.compile(r"(?P<digits>[0-9]{2,20})\.(?P<n>[0-9]{1,9})\.(?P<mark>[a-z2-7]{16})@[^@\s]+", re.ASCII)
# Either of them in a longer text: what is rare in it is looked for first, so that no text costs more than its length.
_MARKED = re.compile(rb"\.[A-Za-z2-7]{16}@[A-Za-z0-9.-]{1,253}", re.ASCII)
_BEFORE = re.compile(rb"(?:[A-Za-z0-9_.=-]{1,40}\+)?[0-9]{2,20}(?:\.[0-9]{1,9})?\Z", re.ASCII)
_REACH = 72  # bytes before a mark that may belong to it
_BASE64 = re.compile(rb"^(?:[A-Za-z0-9+/]{40,76}\r?\n)+[A-Za-z0-9+/]{0,76}", re.MULTILINE)
MOST_MARKS, MOST_FINDS = 100, 5_000
MOST_BYTES = 1 << 20  # of a bounce: the header of what it returns stands near its beginning
_PREFIX = re.compile(r"^[^-]*[A-Za-z][^-]*-")


@dataclass(frozen=True, slots=True)
class Reading:
    """What an address or id proves. `digits` is the ticket that it claims: proven only when the verdict is "right"."""

    verdict: Literal["none", "wrong", "right"]
    digits: str | None = None


def digits_of(number: str) -> str:
    """A ticket number without its prefix and dashes: "PR-1002-4137" -> "10024137". Raises ValueError without digits."""
    digits = _PREFIX.sub("", number).replace("-", "").replace(" ", "")
    if not re.fullmatch(r"[0-9]{2,20}", digits, re.ASCII):
        raise ValueError(f"not a ticket number: {number!r}")
    return digits


def reply_address(base: str, number: str, secret: bytes) -> str:
    """The address that adds to a ticket: "support@example.test" -> "support+10024137.<mark>@example.test".

    Raises ValueError when the base is no address or the local part would be longer than 64 octets (RFC 5321)."""
    local, at, domain = base.rpartition("@")
    digits = digits_of(number)
    tagged = f"{local}+{digits}.{_mark('reply', digits, secret)}"
    if not (local and at and domain) or len(tagged.encode()) > LONGEST_LOCAL_PART:
        raise ValueError(f"no reply address can be made of {base!r}: its local part must have 1 to 38 octets")
    return f"{tagged}@{domain}"


def message_id(number: str, n: int, domain: str, secret: bytes) -> str:
    """The id, without <>, of the n-th mail about a ticket: "10024137.1.<mark>@domain"."""
    digits = digits_of(number)
    return f"{digits}.{n}.{_mark(f'id.{n}', digits, secret)}@{domain}"


def judge_address(address: str, secret: bytes) -> Reading:
    """What a recipient's address proves: no mark, a mark that is not this ticket's, or the right one."""
    match = _REPLY.fullmatch(_folded(address))
    return _judge(match, "reply", secret)


def judge_message_id(text: str, secret: bytes) -> Reading:
    """The same for one id of In-Reply-To or References, with or without <>."""
    match = _ID.fullmatch(_folded(text).strip("<>"))
    # Our own ids carry plain decimals, so "01" is not "1": the MAC is over the number as written.
    return _judge(match, f"id.{match['n']}" if match else "id", secret)


def judge_all(raw: bytes, secret: bytes) -> list[Reading]:
    """What every mark in these bytes proves: a bounce returns our mail's header, in whatever form it likes."""
    beginning = raw[:MOST_BYTES]
    plain = beginning.replace(b"=\r\n", b"").replace(b"=\n", b"")  # quoted-printable wraps where it likes
    hidden = b" ".join(map(_decoded, _BASE64.findall(beginning)))
    found = dict.fromkeys([*_anywhere(plain), *_anywhere(hidden)])
    texts = [text.decode("ascii") for text in list(found)[:MOST_MARKS]]
    readings = [judge(text, secret) for text in texts for judge in (judge_message_id, judge_address)]
    return [reading for reading in readings if reading.verdict == "right"]


def _anywhere(text: bytes) -> Iterator[bytes]:
    for mark in islice(_MARKED.finditer(text), MOST_FINDS):
        before = _BEFORE.search(text[max(0, mark.start() - _REACH) : mark.start()])
        if before is not None:
            yield before[0] + mark[0]


def _decoded(run: bytes) -> bytes:
    """Of base64 that is cut anywhere, what is whole."""
    letters = run.translate(None, b"\r\n")
    return b64decode(letters[: len(letters) // 4 * 4])


def read_address(address: str, secret: bytes) -> str | None:
    """The digits of the ticket whose reply address this is, else None."""
    reading = judge_address(address, secret)
    return reading.digits if reading.verdict == "right" else None


def read_message_id(text: str, secret: bytes) -> str | None:
    """The digits of the ticket that our mail with this id was about, else None."""
    reading = judge_message_id(text, secret)
    return reading.digits if reading.verdict == "right" else None


def _judge(match: re.Match[str] | None, purpose: str, secret: bytes) -> Reading:
    if match is None:
        return Reading("none")
    right = hmac.compare_digest(match["mark"], _mark(purpose, match["digits"], secret))
    return Reading("right" if right else "wrong", match["digits"])


def _mark(purpose: str, digits: str, secret: bytes) -> str:
    if len(secret) < LEAST_SECRET:
        raise ValueError(f"the secret for reply addresses needs {LEAST_SECRET} bytes or more")
    mac = hmac.new(secret, f"presa.{purpose}\0{digits}".encode(), sha256).digest()
    return b32encode(mac[:MARK_BYTES]).decode().lower()


def _folded(text: str) -> str:
    # Only ASCII is folded: str.lower would turn the Kelvin sign into our "k". Anything longer is no address of ours.
    return text.lower() if text.isascii() and len(text) <= 320 else ""
