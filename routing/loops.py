"""Is a mail going round in circles? Signs that one mail shows by itself, and what tells equal words from others.

Counting is the store's; the caps are the configuration's. Refuses to call a mail a loop because it is automatic: alarm
boxes write nothing else.
"""

import re
from functools import lru_cache
from hashlib import sha256

MOST_HOPS = 100  # RFC 5321 section 6.3: at least this many Received lines before a mail is called a loop
_LONGEST = 20_000  # characters that are compared
_HEADER = 262_144  # bytes in which Received lines are looked for
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}")
_NO_LETTERS = bytes(one for one in range(0x80) if not chr(one).isalpha())


@lru_cache(maxsize=8)  # it is asked twice of one mail
def words_key(subject: str, text: str) -> str:
    """The same for texts that differ only in addresses, numbers, punctuation and spaces: a responder changes those."""
    said = f"{subject}\n{text}"[:_LONGEST]
    if "@" in said:
        said = _ADDRESS.sub(" ", said)
    return sha256(said.lower().encode(errors="replace").translate(None, _NO_LETTERS)).hexdigest()


def hops(raw: bytes) -> int:
    """How many servers say that they had this mail; 0 for at most MOST_HOPS, found without looking closely."""
    if raw[:_HEADER].lower().count(b"received:") <= MOST_HOPS:
        return 0
    head = raw[:_HEADER].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return (b"\n" + head.lower()).count(b"\nreceived:")
