"""Ticket numbers: digits only, so that they can be spoken and keyed, ending in a Damm check digit (`PR-1002-4137`).

The database's ticket id gives the number, so numbers need no counter of their own and are never used twice. They are
not a secret: knowing one grants nothing. The Damm code (H. M. Damm, 2004) finds every single wrong digit and every swap
of two neighbours, the slips people make on a keypad.
"""

import re

FIRST = 1_000_000  # the id is added to this: seven digits and the check digit make two groups of four

# The totally anti-symmetric quasigroup of order 10 from Damm's thesis, as widely published.
_TABLE = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
_WRITTEN = re.compile(r"(?:[A-Za-z]{1,8}[- ]?)?(\d[\d -]{4,24}\d)")


def check_digit(digits: str) -> int:
    """The Damm digit to put behind `digits`."""
    interim = 0
    for digit in digits:
        interim = _TABLE[interim][int(digit)]
    return interim


def digits_of(ticket_id: int) -> str:
    """The digits of a ticket's number, check digit last: `"10024137"`."""
    payload = str(FIRST + ticket_id)
    return f"{payload}{check_digit(payload)}"


def number_of(ticket_id: int, prefix: str) -> str:
    """The number as people see it: `PR-1002-4137`; longer ones keep groups of four from the left."""
    digits = digits_of(ticket_id)
    return "-".join([prefix, *(digits[at : at + 4] for at in range(0, len(digits), 4))])


def example(prefix: str) -> str:
    """What a number of a desk looks like, for a sentence that asks for one."""
    return number_of(2_413, prefix)


def ticket_id(written: str) -> int | None:
    """The id behind a number as somebody wrote, spoke or keyed it; None when it is none or its check digit is wrong."""
    found = _WRITTEN.fullmatch(written.strip())
    if found is None:
        return None
    digits = re.sub(r"\D", "", found.group(1))
    if not digits.isascii() or check_digit(digits) != 0 or int(digits[:-1]) <= FIRST:
        return None
    return int(digits[:-1]) - FIRST
