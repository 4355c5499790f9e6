"""Who the From names: exactly one address that is not ours, or a reason why the report is held.

Display names, comments and Sender don't identify anybody. Addresses are judged as they came and never repaired.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from identity import normal
from identity.results import without_comments

AMBIGUOUS = "ambiguous-sender"
OWN = "own-address"

_ASIDE = re.compile(r'"(?:[^"\\]|\\.)*"|<[^<>]*>|\[[^\[\]]*\]', re.DOTALL)
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Sender:
    """`address`: normal form, None when held or when there is none. `held`: reason code or None. `written`: as sent."""

    address: str | None
    held: str | None
    written: str | None


def judge(froms: Sequence[str], own: Collection[str], values: Sequence[str] = ()) -> Sender:
    """`froms`: the addr-specs of every From header; `own`: our recipients in normal form; `values`: the headers as written.

    More or fewer than one address is ambiguous (RFC 5322 section 3.6.2 allows several authors; a desk can't), also when
    the same one comes twice: readers disagree on which header counts. A group, even of one (RFC 6854), is no author.
    """
    if len(froms) != 1 or not froms[0].strip() or any(map(_is_group, values)):
        return Sender(None, AMBIGUOUS, None)
    written = froms[0]
    address = normal.address(written)
    if address is not None and is_own(address, own):
        return Sender(None, OWN, written)
    return Sender(address, None, written)


def _is_group(value: str) -> bool:
    """`Desk: mario@acme.example;`: a colon outside quotes, comments and brackets, and a semicolon behind it."""
    _, colon, members = _ASIDE.sub("", without_comments(value[:_LONGEST]) or "").partition(":")
    return bool(colon) and ";" in members


def is_own(address: str, own: Collection[str]) -> bool:
    """Ours with or without a tag: reply addresses carry a token after the plus."""
    local, _, host = address.rpartition("@")
    return address in own or f"{local.partition('+')[0]}@{host}" in own
