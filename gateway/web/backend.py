"""What the console needs from the rest of Presa, as one protocol of plain functions.

All of them may block (they run in threads) but `wait_for_change`, which is awaited on the event loop. They raise
`gateway.errors.Permanent` or `Temporary` with words for people and nothing else that a page would have to explain.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from gateway.store.sight import ALL, Sight
from gateway.web.views import (
    Action,
    AlarmRow,
    CallRow,
    Choices,
    File,
    Filters,
    LedgerRow,
    OnCallView,
    OutboxRow,
    TicketPage,
    TicketRow,
    User,
)


class Backend(Protocol):
    """The console's only way to anything that is stored."""

    def now(self) -> datetime:
        """The database's time."""

    # people who sign in

    def user(self, login: str) -> User | None:
        """Whoever has this login, compared without regard to case."""

    def open_session(self, fingerprint: str, login: str) -> None:
        """Remember a session by the SHA-256 of its token, for twelve hours."""

    def session(self, fingerprint: str) -> User | None:
        """Whose session this is; None when it is unknown, closed or over."""

    def close_session(self, fingerprint: str) -> None:
        """Forget a session."""

    # what there is to see

    def may_see(self, asked: Mapping[str, str], user: User) -> bool:
        """Is what a path names (`number` of a ticket, `report`, `request` to be called back) not restricted to others?"""

    def choices(self, language: str, sight: Sight = ALL) -> Choices:
        """What the filters of the ticket list offer."""

    def tickets(self, filters: Filters) -> tuple[TicketRow, ...]:
        """At most `filters.limit` tickets, next deadline first, then those without one, newest first."""

    def ticket(self, number: str, language: str, sight: Sight = ALL) -> TicketPage | None:
        """One ticket with its story; explanations in the reader's language where there are any. `sight`: for the other
        tickets that it names."""

    def letter_html(self, number: str, letter: str) -> str | None:
        """The HTML body of a letter of that ticket, as it came."""

    def raw(self, number: str, letter: str) -> File | None:
        """A letter of that ticket, byte for byte."""

    def file(self, number: str, letter: str, file: str) -> File | None:
        """An attachment of a letter of that ticket."""

    def recording(self, number: str, recording: str) -> File | None:
        """What was said in a call of that ticket, as long as it is kept."""

    def outbox(self, limit: int, sight: Sight = ALL) -> tuple[OutboxRow, ...]:
        """The mails that left or will, newest first."""

    def calls(self, limit: int, sight: Sight = ALL) -> tuple[CallRow, ...]:
        """The calls, newest first."""

    def oncall(self, language: str) -> tuple[OnCallView, ...]:
        """Who is on call now, desk by desk."""

    def ledger(self, outcome: str, limit: int, sight: Sight = ALL) -> tuple[LedgerRow, ...]:
        """Reports and their outcomes, newest first; outcome "" means all of them."""

    def unseen(self, sight: Sight = ALL) -> int:
        """How many alarms nobody has seen."""

    def alarms(self, limit: int, offset: int, *, only_unseen: bool, sight: Sight = ALL) -> tuple[AlarmRow, ...]:
        """The alarms, newest first."""

    # what a person does

    def see(self, alarm: int, user: User, *, older: bool) -> None:
        """This person has seen that alarm, and with `older` all that came before it. Who saw one first stays."""

    def act(self, number: str, action: Action, user: User, fields: Mapping[str, str], once: str) -> None:
        """Do it, in one transaction. `once` is a key (64 hex digits) of the form: sent twice, it acts once.

        fields: answer {text, then}: then is "", "wait" or "resolve"; note {text}; pause {reason}; resume {text};
        priority {priority, text}; escalate {to, text}; resolve {text}; reopen {text}; close, take {}.
        """

    # what happens

    def changes(self, after: int) -> int:
        """The number of the latest change to anything on the pages; it only grows."""

    async def wait_for_change(self, after: int, timeout: float) -> int:
        """The latest change as soon as it is beyond `after`, or what it is when `timeout` seconds have passed.

        Negative when the house is closing: streams end then, so that a shutdown need not wait for browsers.
        """
