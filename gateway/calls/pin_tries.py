"""Trying a PIN on the phone: counted first, compared outside any transaction, settled after.

argon2 is slow on purpose, so the digits are never looked at while a connection is held; counting before comparing means
that many calls at once cannot slip through the limits of `identity.pins`. Refuses to keep or to say what was keyed.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection

import ivr
from gateway.people import pins
from gateway.store import calls, directory
from gateway.store.calls import StoredCall
from gateway.store.database import Database
from identity.pins import DEFAULT, Locked, may_try
from ivr import events as e


@dataclass(frozen=True, slots=True)
class Line:
    """Which call, and which of its documents this webhook answers."""

    sid: str
    step: int


@dataclass(frozen=True, slots=True)
class PinVerdict:
    """What looking at a PIN came to; made outside the transaction that writes it."""

    answer: e.PinRight | e.PinWrong | e.PinLocked


class PinTries:
    """`rules`: a desk's id -> the rules of its dialogue. `pepper`: what PINs and calling numbers are hashed with."""

    def __init__(self, database: Database, rules: Callable[[str], ivr.Rules], pepper: bytes) -> None:
        self._database = database
        self._rules = rules
        self._pepper = pepper

    def look_at(self, line: Line, event: e.Heard) -> PinVerdict | None:
        """When this webhook brings a PIN: count the try, then compare, outside any transaction."""
        stored = self._database.read(lambda connection: calls.get(connection, line.sid))
        if stored is None:
            return None
        call = ivr.from_json(stored.state)
        if line.step != call.step:  # a repetition: it was looked at, or there is no such step
            return None
        rules = self._rules(stored.state["desk"])
        _, step = ivr.turn(call, event, rules)
        if not isinstance(step, e.CheckPin):
            return None
        hashes = self._database.write(lambda connection: self._begin_try(connection, line, call, stored))
        if hashes is None:
            return PinVerdict(e.PinLocked(looked=False))
        found = pins.which(step.digits, hashes, self._pepper)
        if found is not None:
            self._database.write(lambda connection: self._right(connection, line, found))
            return PinVerdict(e.PinRight())
        self._database.write(lambda connection: calls.end_try(connection, line.sid, line.step, None))
        return PinVerdict(e.PinLocked() if call.pin_tries + 1 >= DEFAULT.per_call else e.PinWrong())

    def _begin_try(
        self, connection: Connection, line: Line, call: ivr.Call, stored: StoredCall
    ) -> tuple[tuple[int, str], ...] | None:
        """The hashes to compare with, or None when no PIN is looked at now."""
        assert call.customer is not None
        now = self._database.clock.now()
        on_file = bool(stored.number and directory.StoredFinder(connection).by_phone(stored.number))
        name = self._hashed(stored.number) if on_file else ""
        calls.alone(connection, f"pin:{name}")
        if not calls.tried(connection, line.sid, line.step):
            tries = calls.tries_since(connection, name, now - DEFAULT.window)
            allowed = may_try(
                now, wrong_in_call=call.pin_tries, on_file=on_file,
                wrong_of_number=tries if on_file else (), wrong_of_unknown=() if on_file else tries,
            )  # fmt: skip
            if isinstance(allowed, Locked):
                return None
            calls.begin_try(connection, line.sid, line.step, name, now)
        return directory.pins_in_force(connection, call.customer, now)

    def _right(self, connection: Connection, line: Line, pin: int) -> None:
        calls.end_try(connection, line.sid, line.step, pin)
        directory.spend_pin(connection, pin)

    def _hashed(self, number: str) -> str:
        return hmac.new(self._pepper, f"caller\0{number}".encode(), sha256).hexdigest()
