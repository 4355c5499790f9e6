"""A support desk on a clock that the story moves, in words that let stories read as sentences.

Around `gateway.rehearsal`: everything of Presa is real, only time, telephones and the way out for mail stand in. Whatever waits
for something to be heard lets time go by until then, and no longer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from databases import settings_of
from starlette.testclient import TestClient

import parsers
from gateway.engine import Outcome
from gateway.phone.exchange import Handset
from gateway.phone.simulator import Phone
from gateway.rehearsal import Rehearsal
from gateway.store import calls, jobs, letters, reports, tables, tickets, users
from gateway.store.database import open_database
from gateway.store.letters import StoredLetter
from gateway.store.reports import LedgerRow
from gateway.store.users import StoredUser
from gateway.web import sessions
from parsers import Message
from routing import numbers
from routing.desk import Desk
from routing.tickets import Ticket

ROME = ZoneInfo("Europe/Rome")
EDGE = "mx.example.test"  # the relay in front of the test desk; it writes as 127.0.0.1
STRANGER_PEER = "192.0.2.9"
PASSWORD = "a long enough password"  # one person's, kept out of every row
HASHED = sessions.hash_password(PASSWORD)


@dataclass(frozen=True)
class Alarm:
    kind: str
    words: str
    ticket_id: int | None


class World:
    """Presa, its customers and its engineers."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.engine = rehearsal.engine
        self.database = rehearsal.database
        self.desk = next(iter(rehearsal.settings.desks.values()))
        self.address = next(iter(rehearsal.settings.recipients))
        self._numbers = count(1)

    @classmethod
    def open(cls, url: str, desk: str, at: str, hours: str | None = None) -> "World":
        """`hours`: the calendar in which nobody need be woken, instead of the desk's own."""
        settings = settings_of(desk)
        settings = replace(settings, desks={name: plain(one) for name, one in settings.desks.items()})
        if hours is not None:
            settings = replace(settings, desks={name: _open_in(one, hours) for name, one in settings.desks.items()})
        return cls(Rehearsal(settings, open_database(url), instant(at)))

    def close(self) -> None:
        """The story is over; whatever it was about, the ledger balances."""
        try:
            assert self.read(reports.orphans) == ()
            assert self.read(reports.unreported) == ()
        finally:
            self.rehearsal.close()

    # Time -------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return self.rehearsal.clock.now()

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Time goes by, and what is due happens."""
        self.rehearsal.advance(timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days).total_seconds())

    def wait_until(self, at: str) -> None:
        """Time goes by until that hour in Rome."""
        self.advance((instant(at) - self.now).total_seconds())

    def sleep(self, *, hours: float) -> None:
        """Presa is down for so long: time goes by and nothing happens."""
        self.rehearsal.clock.advance(hours * 3600)

    # Doors ------------------------------------------------------------------------------------------------------

    def mail(
        self,
        from_: str = "mario@acme.example",
        subject: str = "Stampante",
        text: str = "La stampante al secondo piano non stampa a colori.",
        *,
        proof: str | None = "pass",
        to: str | None = None,
        envelope_from: str | None = None,
        peer: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
        message_id: str | None = None,
    ) -> Outcome:
        """A mail reaches the mail door. `proof`: what the relay in front found out about its From (None: nothing)."""
        raw = self.written(from_, subject, text, proof=proof, to=to, headers=headers or {}, message_id=message_id)
        sender = from_ if envelope_from is None else envelope_from
        return self.deliver(raw, to=to, envelope_from=sender, peer=peer)

    def written(
        self,
        from_: str,
        subject: str,
        text: str,
        *,
        proof: str | None = "pass",
        to: str | None = None,
        headers: Mapping[str, str],
        message_id: str | None = None,
    ) -> bytes:
        """The bytes of a mail."""
        domain = from_.rpartition("@")[2].strip(">")
        mail = EmailMessage()
        if proof:
            mail["Authentication-Results"] = f"{EDGE}; dmarc={proof} header.from={domain}"
        mail["From"], mail["To"], mail["Subject"] = from_, to or self.address, subject
        mail["Date"] = format_datetime(self.now)
        mail["Message-ID"] = f"<{message_id or f'{next(self._numbers)}.{int(self.now.timestamp())}@{domain}'}>"
        for name, value in headers.items():
            mail[name] = value
        mail.set_content(text)
        return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def deliver(
        self, raw: bytes, *, to: str | None = None, envelope_from: str | None = None, peer: str = "127.0.0.1"
    ) -> Outcome:
        return self.rehearsal.mail(raw, rcpt=to or self.address, envelope_from=envelope_from, peer=peer)

    def reply(self, letter: StoredLetter, text: str, from_: str = "mario@acme.example", **more: Any) -> Outcome:
        """An answer to one of our letters, as mail programs write it: to its Reply-To, naming its Message-ID."""
        ours = parsers.parse(letter.body)
        (reply_to,) = ours.reply_to
        headers = {"In-Reply-To": f"<{letter.message_id}>", "References": f"<{letter.message_id}>"}
        return self.mail(from_, f"Re: {letter.subject}", text, to=reply_to.addr, headers=headers, **more)

    def call(self, from_: str = "+390612345678") -> "OnThePhone":
        """A customer calls."""
        return OnThePhone(self, self.rehearsal.call(from_))

    def engineer(self, name: str) -> "Engineer":
        """One of the desk's on-call people, by name."""
        assert self.desk.on_call is not None
        (number,) = [one.number for one in self.desk.on_call.people.values() if one.name == name]
        return Engineer(self, number)

    def rings(self) -> list[str]:
        """The names of all engineers whose telephones ring just now."""
        assert self.desk.on_call is not None
        names = {one.number: one.name for one in self.desk.on_call.people.values()}
        return [names[handset.to] for handset in self.rehearsal.exchange.ringing()]

    def orders(self) -> int:
        """How often any telephone was rung so far."""
        return self.rehearsal.exchange.orders

    def agent(self, login: str = "giulia", role: str = "agent") -> "Agent":
        """Somebody who signs in to the console."""
        person = StoredUser(login, login.capitalize(), role, "en", HASHED)
        self.database.write(lambda connection: users.add_missing(connection, {login: person}))
        return Agent(self.rehearsal.client, login)

    # What there is now ------------------------------------------------------------------------------------------

    def read(self, fn: Any, *arguments: Any) -> Any:
        return self.database.read(lambda connection: fn(connection, *arguments))

    def ticket(self, number: str | None = None) -> Ticket:
        """The ticket of that number, or the only one."""
        if number is None:
            (only,) = self.tickets()
            return only
        found = numbers.ticket_id(number)
        assert found is not None, f"{number} is no number"
        ticket = self.read(self.engine.ticket, found)
        assert ticket is not None, f"{number} is not there"
        return ticket  # type: ignore[no-any-return]

    def tickets(self) -> tuple[Ticket, ...]:
        return self.read(tickets.listed, tickets.Wanted(), self.engine.prefixes)  # type: ignore[no-any-return]

    def story(self, ticket: Ticket, kind: str | None = None) -> list[str]:
        """The words of a ticket's entries, oldest first."""
        entries = [entry for entry in self.read(tickets.story, ticket.id) if kind in (None, entry.kind)]
        return [
            str(entry.data.get("words") or entry.data.get("text") or entry.data.get("subject", "")) for entry in entries
        ]

    def letters(self) -> list[StoredLetter]:
        """All that went out, oldest first."""
        return list(reversed(self.read(letters.latest, 1000)))

    def letter(self) -> StoredLetter:
        """The only letter there is."""
        (only,) = self.letters()
        return only

    def ledger(self) -> list[LedgerRow]:
        return self.read(lambda connection: list(reports.ledger(connection)))  # type: ignore[no-any-return]

    def outcomes(self) -> list[tuple[str, str | None]]:
        return [(row.outcome, row.reason) for row in self.ledger()]

    def alarms(self) -> list[Alarm]:
        query = sa.select(tables.alarms).order_by(tables.alarms.c.id)
        rows = self.read(lambda connection: connection.execute(query).all())
        return [Alarm(row.kind, row.words, row.ticket_id) for row in rows]

    def alarm_kinds(self) -> list[str]:
        return [alarm.kind for alarm in self.alarms()]

    def jobs(self, ticket: Ticket) -> list[str]:
        return [job.kind for job in self.read(jobs.of_ticket, ticket.id)]

    def call_events(self, phone: "OnThePhone") -> list[str]:
        return [name for _, name in self.read(calls.events, phone.phone.sid)]

    def callbacks(self) -> list[tuple[str, str]]:
        """(number, state) of every call back that was asked for."""
        query = sa.select(tables.callbacks.c.number, tables.callbacks.c.state)
        return [(row.number, row.state) for row in self.read(lambda connection: connection.execute(query).all())]

    def everything_stored(self) -> str:
        """Every value of every row, as one text."""

        def dump(connection: sa.Connection) -> str:
            every = [connection.execute(sa.select(table)).all() for table in tables.metadata.sorted_tables]
            return "\n".join(repr(tuple(row)) for rows in every for row in rows)

        return str(self.read(dump))

    def rows(self) -> dict[str, int]:
        """How many rows each table has: for "nothing has changed"."""

        def all_counts(connection: sa.Connection) -> dict[str, int]:
            every = tables.metadata.sorted_tables
            return {t.name: connection.execute(sa.select(sa.func.count()).select_from(t)).scalar_one() for t in every}

        return self.read(all_counts)  # type: ignore[no-any-return]


class OnThePhone:
    """Somebody on the telephone, with what they hear."""

    def __init__(self, world: World, phone: Phone) -> None:
        self.world = world
        self.phone = phone
        self._listened = 0

    def hears(self, *words: str) -> None:
        """Listens until each of these was said, one after the other; fails when the line waits for us, or is dead, before."""
        for wanted in words:
            while not self._hears_now(wanted):
                assert not self.phone.over, f"the call is over; «{wanted}» was not said but {self.everything()}"
                assert not self.phone.waits_for, f"the line waits; «{wanted}» was not said but {self.everything()}"
                self._time_goes_by()

    def everything(self) -> list[str]:
        return [utterance.text for utterance in self.phone.heard]

    def presses(self, keys: str) -> None:
        self.phone.keys(keys)

    def waits(self) -> None:
        """Does nothing until the line stops waiting for it: the silence runs out, or what was keyed is taken."""
        while not self.phone.over and not self.phone.waits_for:
            self._time_goes_by()
        if not self.phone.over:
            self._time_goes_by()

    def says(self, text: str) -> None:
        """Waits for the tone, speaks, and stops."""
        while self.phone.waits_for not in ("record", "speech"):
            assert not self.phone.over, f"nobody listens any more: {self.everything()}"
            self._time_goes_by()
        self.phone.speak(text)

    def hangs_up(self) -> None:
        self.phone.hang_up()

    @property
    def over(self) -> bool:
        return self.phone.over

    def _hears_now(self, wanted: str) -> bool:
        for at in range(self._listened, len(self.phone.heard)):
            if wanted in self.phone.heard[at].text:
                self._listened = at
                return True
        return False

    def _time_goes_by(self) -> None:
        """To the next thing that happens on any telephone."""
        due = self.world.rehearsal.exchange.line.timeline.next_at()
        assert due is not None, f"nothing will ever happen; heard {self.everything()}"
        self.world.advance((datetime.fromtimestamp(due, UTC) - self.world.now).total_seconds())


class Engineer:
    """An on-call person beside their telephone."""

    def __init__(self, world: World, number: str) -> None:
        self.world = world
        self.number = number
        self.line: OnThePhone | None = None

    @property
    def is_rung(self) -> bool:
        return bool(self.world.rehearsal.exchange.ringing(self.number))

    @property
    def times_rung(self) -> int:
        return sum(handset.to == self.number for handset in self.world.rehearsal.exchange.calls.values())

    def answers(self) -> None:
        (handset,) = self.world.rehearsal.exchange.ringing(self.number)
        handset.answer()
        self.line = OnThePhone(self.world, handset)

    def refuses(self) -> None:
        """Presses the red button while it rings."""
        (handset,) = self.world.rehearsal.exchange.ringing(self.number)
        handset.reject()

    def hears(self, *words: str) -> None:
        assert self.line is not None
        self.line.hears(*words)

    def presses(self, keys: str) -> None:
        assert self.line is not None
        self.line.presses(keys)

    def hangs_up(self) -> None:
        assert self.line is not None
        self.line.hangs_up()

    @property
    def handset(self) -> Handset:
        return self.world.rehearsal.exchange.last(self.number)


class Agent:
    """Somebody before the console, with nothing but its pages and forms."""

    def __init__(self, client: TestClient, login: str) -> None:
        self.client = client
        csrf = _hidden(client.get("/login").text)["csrf"]
        answer = client.post(
            "/login", data={"login": login, "password": PASSWORD, "csrf": csrf}, follow_redirects=False
        )
        assert answer.status_code == 303, answer.text

    def sees(self, path: str) -> str:
        """The words of a page."""
        page = self.client.get(path)
        assert page.status_code == 200, page.text
        return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())

    def does(self, ticket: Ticket, action: str, **fields: str) -> None:
        """Fills in one of the ticket's forms and sends it."""
        self.sends(ticket, action, self.form(ticket, action, **fields))

    def form(self, ticket: Ticket, action: str | None, **fields: str) -> dict[str, str]:
        """A form of the ticket's page, filled in."""
        page = self.client.get(f"/tickets/{ticket.number}").text
        assert action is None or f'action="/tickets/{ticket.number}/{action}"' in page, f"the page offers no '{action}'"
        return {**_hidden(page), **fields}

    def posts(self, ticket: Ticket, action: str, **fields: str) -> None:
        """Sends a small form of the ticket's page."""
        answer = self.tries(ticket, action, **fields)
        assert answer.status_code == 303, answer.text

    def tries(self, ticket: Ticket, action: str, **fields: str) -> Any:
        form = self.form(ticket, None, **fields)
        return self.client.post(f"/tickets/{ticket.number}/{action}", data=form, follow_redirects=False)

    def sends_to(self, path: str) -> None:
        """Presses a button of a list."""
        page = self.client.get(path.rpartition("/")[0].rpartition("/")[0]).text
        answer = self.client.post(path, data=_hidden(page), follow_redirects=False)
        assert answer.status_code == 303, answer.text

    def sends(self, ticket: Ticket, action: str, form: Mapping[str, str]) -> None:
        answer = self.client.post(f"/tickets/{ticket.number}/{action}", data=dict(form), follow_redirects=False)
        assert answer.status_code == 303, answer.text


def plain(desk: Desk) -> Desk:
    """Without a menu and without agents, unless the story wants them (`telephone.staffed`)."""
    return desk if desk.phone is None else replace(desk, phone=replace(
        desk.phone, menu={}, greets=False, agents={}, agent_hours=None,
        callbacks=desk.phone.callbacks and replace(desk.phone.callbacks, from_hour=8, to_hour=20),
    ))  # fmt: skip


def _open_in(desk: Desk, hours: str) -> Desk:
    assert desk.phone is not None
    plans = {
        name: replace(plan, on_call=replace(plan.on_call, outside=hours)) if plan.on_call else plan
        for name, plan in desk.plans.items()
    }
    return replace(desk, phone=replace(desk.phone, hours=hours), plans=plans)


def instant(at: str) -> datetime:
    """An hour in Rome."""
    return datetime.fromisoformat(at).replace(tzinfo=ROME)


def read_letter(letter: StoredLetter) -> Message:
    """One of our letters as the customer's mail program reads it."""
    return parsers.parse(letter.body)


def header(letter: StoredLetter, name: str) -> str | None:
    """A header of one of our letters."""
    return dict(read_letter(letter).headers).get(name.lower())


def _hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's last form."""
    return dict(re.findall(r'type="hidden" name="(csrf|once)" value="([\w-]+)"', page))
