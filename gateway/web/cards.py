"""The card of a customer: who they are to us, what they are entitled to now, who speaks for them, what is open.

The same that `presa who` explains. This module refuses to change anything, to hold SQL, and to show a PIN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

from starlette.responses import Response

from gateway.store.sight import Sight
from gateway.web.labels import mark as _
from gateway.web.rendering import redirect
from gateway.web.views import TicketRow
from gateway.web.visits import Draw, Handler, Refused, Visit

PAGE = 50  # customers on a page of the list


@dataclass(frozen=True, slots=True)
class Person:
    """A contact. `grants`: kinds in the reader's words, empty for every kind."""

    name: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    authorised: bool
    end_user: bool
    grants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """One contract at this hour. `why_not`: why it does not cover, in words, "" when it does. `opens`: the next instant at
    which the hours begin, or end where they are open."""

    desk: str
    plan: str
    add_ons: tuple[str, ...]
    hours: str
    open: bool
    until: datetime | None
    channels: tuple[str, ...]
    on_call: str
    starts: str
    ends: str
    why_not: str
    products: tuple[tuple[str, str], ...] = ()
    manager: str = ""
    engineer: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Everything on the page. `evidence`: how the latest report was recognised."""

    id: str
    name: str
    code: str
    aliases: tuple[str, ...]
    domains: tuple[str, ...]
    language: str
    region: str
    partner: str
    partner_name: str
    serves: tuple[tuple[str, str], ...]
    restrictions: tuple[str, ...]
    pins: int
    terms: tuple[Terms, ...]
    people: tuple[Person, ...]
    remembered: tuple[tuple[str, str, datetime], ...]
    tickets: tuple[TicketRow, ...] = ()
    evidence: tuple[str, ...] = ()
    evidence_at: datetime | None = None


class Cards(Protocol):
    """What these pages need of the rest of Presa; all of it may block."""

    def card(self, customer: str, language: str, sight: Sight) -> Card | None:
        """A customer's card at this hour."""

    def find(self, written: str) -> Sequence[tuple[str, str, str]]:
        """(id, name, why) of customers by an address, a number, a code or a word of their name."""

    def listed(self, after: str, limit: int) -> Sequence[tuple[str, str, str]]:
        """(id, name, code) of a page of the directory, by id, behind `after`."""


class CardPages:
    """The customer's card, and the way to it."""

    def __init__(self, cards: Cards, draw: Draw) -> None:
        self._cards = cards
        self._draw = draw

    def pages(self) -> tuple[tuple[str, Handler], ...]:
        return (("/customers", self.find), ("/customers/{customer}", self.card))

    def card(self, visit: Visit) -> Response:
        card = self._cards.card(visit.path("customer"), visit.user.language, visit.user.sight)
        if card is None:
            raise Refused(404, _("There is no such customer."))
        return self._draw(visit, "customer.html", {"card": card})

    def find(self, visit: Visit) -> Response:
        written = visit.request.query_params.get("q", "").strip()[:100]
        found = self._cards.find(written) if written else ()
        if len(found) == 1:
            return redirect(f"/customers/{quote(found[0][0], safe='')}")
        after = visit.request.query_params.get("after", "")[:200]
        page = () if written else self._cards.listed(after, PAGE + 1)
        more = f"/customers?after={quote(page[PAGE - 1][0], safe='')}" if len(page) > PAGE else ""
        known = {"asked": written, "found": found or page[:PAGE], "more": more, "after": after}
        return self._draw(visit, "customers.html", known)
