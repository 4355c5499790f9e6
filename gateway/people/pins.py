"""Hashes PINs and compares them: argon2 behind a pepper that is not in the database. Slow on purpose, so never on the
event loop and never inside a transaction. Refuses to say, by its answer or its time, which PIN was nearly right.
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from identity.pins import well_formed

# OWASP's smallest profile for argon2id (2 passes, 19 MiB): a PIN has few digits, so the tries are limited as well.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODY = _HASHER.hash("nobody")


def _peppered(digits: str, pepper: bytes) -> bytes:
    return hmac.new(pepper, f"pin\0{digits}".encode(), sha256).digest()


def hashed(digits: str, pepper: bytes) -> str:
    """The argon2id hash to keep."""
    return _HASHER.hash(_peppered(digits, pepper))


def fingerprint(digits: str, customer: str, pepper: bytes) -> str:
    """Tells whether an imported PIN is the one already there. Keyed, so without the pepper it says nothing."""
    return hmac.new(pepper, f"import\0{customer}\0{digits}".encode(), sha256).hexdigest()


def verify(digits: str, hashes: Iterable[str], pepper: bytes) -> bool:
    """Whether the digits are one of the PINs behind `hashes`. Every hash is looked at, and one always is."""
    return which(digits, enumerate(hashes), pepper) is not None


def which(digits: str, known: Iterable[tuple[int, str]], pepper: bytes) -> int | None:
    """The id of the PIN that the digits are, of (id, hash). Every hash is looked at, and one always is."""
    given = _peppered(digits if well_formed(digits) else "", pepper)
    right = None
    for one, hashed in tuple(known) or ((0, _NOBODY),):
        try:
            _HASHER.verify(hashed, given)
        except (VerificationError, InvalidHashError):
            continue
        right = one
    return right if well_formed(digits) else None
