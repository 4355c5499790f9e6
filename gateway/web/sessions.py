"""Passwords, session tokens, form tokens and the pace of sign-in tries.

A session is 256 random bits in an HttpOnly cookie; the store keeps only its SHA-256, so a stolen table opens nothing.
The form token (against cross-site requests) is derived from the session and needs no place of its own.
This module refuses to store anything or to say which half of a sign-in was wrong.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LONGEST_PASSWORD = 1024
TRIES = 5
WINDOW_SECONDS = 60.0
PACE_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 10.0
LOGINS_WATCHED = 10_000


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    # OWASP's second profile: 19 MiB, two passes, one lane; enough against theft, small enough for two tries at once.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def hash_password(password: str) -> str:
    """An argon2id hash of the password, to be stored with the user."""
    return _hasher().hash(password)


def verify_password(stored_hash: str, password: str) -> bool:
    """Whether the password is right. An empty or unreadable hash costs the same time and is never right."""
    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        return _hasher().verify(stored_hash or _nobody(), password) and bool(stored_hash)
    except (VerificationError, InvalidHashError):
        return False


def new_token() -> str:
    """A new session token: 256 random bits, safe in a cookie."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """What the store keeps of a session token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(token: str) -> str:
    """The token that every form of this session carries."""
    return hmac.new(token.encode(), b"presa form", hashlib.sha256).hexdigest()


def form_token_is_right(token: str, given: str) -> bool:
    """Compares in constant time; whatever bytes were given, it only says yes or no."""
    return hmac.compare_digest(form_token(token).encode(), given.encode("utf-8", "replace"))


class Pace:
    """Slows down guessing: after five tries for one login within a minute, the next ones wait their turn.

    A try counts as wrong until `right` says otherwise, so that a burst of parallel tries is counted too. Logins that
    do not exist are paced like those that do. It is kept per process and only touched from the event loop.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()
        self._turn: dict[str, float] = {}

    def wait(self, login: str) -> float | None:
        """Seconds to wait before this try is looked at; None when too many already stand in line."""
        key, now = _key(login), self._clock()
        tries = self._tries.setdefault(key, deque(maxlen=TRIES))
        self._tries.move_to_end(key)
        self._forget()
        while tries and now - tries[0] >= WINDOW_SECONDS:
            tries.popleft()
        if len(tries) < TRIES:
            tries.append(now)
            return 0.0
        turn = max(now, self._turn.get(key, now)) + PACE_SECONDS
        if turn - now > LONGEST_WAIT_SECONDS:
            return None
        self._turn[key] = turn
        tries.append(turn)
        return turn - now

    def right(self, login: str) -> None:
        """The password was right: earlier tries are forgotten."""
        self._tries.pop(_key(login), None)
        self._turn.pop(_key(login), None)

    def _forget(self) -> None:
        while len(self._tries) > LOGINS_WATCHED:
            oldest, _ = self._tries.popitem(last=False)
            self._turn.pop(oldest, None)


def _key(login: str) -> str:
    return login.strip().casefold()[:200]
