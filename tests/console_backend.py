"""A desk in memory for the console's tests, and to look at the console with one's own eyes:

    python tests/console_backend.py 8123

It keeps the rules that the pages rely on (a form sent twice acts once, a session is found by its fingerprint) and
nothing of the real store.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.errors import Permanent
from gateway.store.sight import ALL, Sight
from gateway.web import sessions
from gateway.web.views import (
    Action,
    AlarmRow,
    Attachment,
    CallRow,
    Choice,
    Choices,
    ClockView,
    Decision,
    Due,
    Duty,
    Entry,
    Escalation,
    File,
    Filters,
    Gap,
    Handoff,
    LedgerRow,
    Letter,
    OnCallView,
    OutboxRow,
    Ring,
    Step,
    TicketPage,
    TicketRow,
    User,
)

NOW = datetime(2026, 11, 23, 9, 41, 12, tzinfo=UTC)
PASSWORDS = {"giulia": "mele-rosse-7", "marco": "pere-verdi-3", "ada": "uva-nera-5", "elena": "fichi-dolci-2"}

MAIL = """Buongiorno,

da stamattina alle 8 nessuno in magazzino riesce a stampare le bolle: la coda resta su "in attesa" e dopo due minuti
compare l'errore 0x00000709. Abbiamo già riavviato il server di stampa SRV-PRT-02.

I camion partono alle 12, ci serve una risposta prima.

Grazie
Mario"""
QUOTED = """--
Mario Rossi
Responsabile logistica, ACME S.p.A.
Tel. +39 06 1234 5678

Il giorno 20 nov 2026, alle ore 17:02, Presa <support@example.test> ha scritto:
> La stampante è stata sostituita, buon fine settimana."""


def ago(minutes: float, seconds: float = 0) -> datetime:
    return NOW - timedelta(minutes=minutes, seconds=seconds)


def ahead(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def row(number: str, subject: str, **fields: object) -> TicketRow:
    sample: dict[str, object] = {
        "customer": "ACME S.p.A.",
        "plan": "Platinum",
        "priority": "P2",
        "rank": 2,
        "state": "taken",
        "queue": "Second level",
        "opened": ago(95),
        "changed": ago(12),
        "owner": "Giulia Ferri",
    }
    return TicketRow(number, subject, **{**sample, **fields})  # type: ignore[arg-type]


def sample_rows() -> tuple[TicketRow, ...]:
    return (
        row(
            "PR-1002-4137",
            "Stampa delle bolle ferma in magazzino",
            priority="P1",
            rank=1,
            state="new",
            owner="",
            queue="First level",
            opened=ago(7),
            changed=ago(0, 20),
            next=Due("take_charge", ahead(3), 0.7, "running"),
        ),
        row(
            "PR-1002-4095",
            "VPN drops every ten minutes from the Lyon office",
            customer="Beta Consulting",
            plan="Gold",
            next=Due("technical_contact", ago(18), 1.0, "missed"),
            owner="Marco Bassi",
        ),
        row(
            "PR-1002-4129",
            "Call: nothing works at the Verona branch",
            channel="phone",
            priority="P1",
            rank=1,
            state="taken",
            owner="Marco Bassi",
            next=Due("resolution", ahead(48), 0.82, "running"),
        ),
        row(
            "PR-1002-4111",
            "New mailbox for Sara Conti, starts on Monday",
            customer="Gamma Srl",
            plan="Basic",
            priority="P4",
            rank=4,
            state="new",
            owner="",
            queue="First level",
            next=Due("take_charge", ahead(171), 0.35, "running"),
        ),
        row(
            "PR-1002-4088",
            "Rinnovo certificato del portale clienti",
            priority="P3",
            rank=3,
            next=Due("resolution", ahead(60 * 27), 0.4, "running"),
            customer="Gamma Srl",
            plan="Basic",
        ),
        row(
            "PR-1002-4071",
            "Backup job of NAS-04 reports a warning",
            channel="event",
            customer="Beta Consulting",
            plan="Gold",
            priority="P3",
            rank=3,
            state="waiting",
            next=Due("resolution", ahead(60 * 5), 0.5, "paused"),
        ),
        row(
            "PR-1002-4145",
            "Urgent: please reset my password",
            customer="",
            plan="",
            priority="P3",
            rank=3,
            state="new",
            owner="",
            verified=False,
            queue="First level",
            next=Due("take_charge", None, 0.0, "running"),
        ),
    )


def sample_alarms() -> tuple[AlarmRow, ...]:
    from gateway.web.phrases import ALARMS

    return (
        AlarmRow("3", ago(2), ALARMS["page-exhausted"], "nobody accepted the page (every number was tried); ring somebody by hand", True, "PR-1002-4137"),
        AlarmRow("2", ago(18), ALARMS["breach"], "deadline missed: technical_contact", ticket="PR-1002-4095"),
        AlarmRow("1", ago(300), ALARMS["bounce"], "Our mail on PR-1002-4088 did not reach luca.verdi@gamma.example; call the customer or correct the address", False, "PR-1002-4088", "Elena Riva", ago(280)),
    )  # fmt: skip


def sample_page(summary: TicketRow) -> TicketPage:
    letter = Letter(
        "l1",
        "Mario Rossi <mario@acme.example>",
        "support@example.test",
        summary.subject,
        MAIL,
        QUOTED,
        cc="logistica@acme.example",
        has_html=True,
        attachments=(
            Attachment("f1", "errore stampante.png", "image/png", 184_320),
            Attachment("f2", "bolle-in-coda.csv", "text/csv", 2_140),
        ),
    )
    answer = Letter(
        "l2",
        "Presa <support@example.test>",
        "mario@acme.example",
        f"[{summary.number}]",
        "Buongiorno,\n\nabbiamo ricevuto la sua segnalazione: il numero è "
        f"{summary.number}. Un tecnico la prende in carico entro le 10:44.",
        delivery="sent",
        has_raw=True,
    )
    entries = (
        Entry("1", ago(7), "mail-in", "Mario Rossi", "wrote", letter=letter),
        Entry("2", ago(7), "state", "Presa", "opened the ticket: P1 incident, First level"),
        Entry("3", ago(6, 50), "mail-out", "Presa", "acknowledged", letter=answer),
        Entry(
            "4",
            ago(6),
            "page",
            "Presa",
            "rang the on-call chain",
            rings=(Ring(ago(6), "Marco Bassi", "no-answer"), Ring(ago(5), "Elena Riva", "accepted", "pressed 1")),
        ),
        Entry(
            "5",
            ago(4),
            "call",
            "Mario Rossi",
            "called: +39 06 1234 5678",
            steps=(
                Step(ago(4), "Chose Italian"),
                Step(ago(3, 48), "Customer code 100001: ACME S.p.A."),
                Step(ago(3, 30), "PIN right"),
                Step(ago(3, 12), "Severity 1: nothing works"),
                Step(ago(2, 40), "Added to this ticket"),
            ),
        ),
        Entry(
            "6",
            ago(2),
            "note",
            "Giulia Ferri",
            "noted",
            "SRV-PRT-02 got KB5048685 last night. Rolling it back on the twin first, then here.",
        ),
        Entry(
            "7", ago(1), "event", "Presa", "warned: three minutes left to take charge", "Told: Giulia Ferri, supervisor"
        ),
    )
    clocks = (
        ClockView(
            "take_charge",
            ahead(3),
            False,
            "PT10M",
            "24 hours, every day",
            "running",
            0.7,
            arithmetic=(
                "Received Monday 23 November at 10:34:12 (SMTP)",
                "10 minutes, counted on the wall clock",
                "10:34:12 + 10 min = 10:44:12",
            ),
        ),
        ClockView(
            "technical_contact",
            ahead(23),
            False,
            "PT30M",
            "24 hours, every day",
            "running",
            0.23,
            arithmetic=("10:34:12 + 30 min = 11:04:12",),
        ),
        ClockView(
            "resolution",
            ahead(60 * 7),
            False,
            "PT8H",
            "Mon-Fri 09:00-18:00, Italian holidays",
            "running",
            0.02,
            arithmetic=(
                "Monday 10:34:12 to 18:00:00: 7 h 25 min 48 s",
                "Tuesday 09:00:00 to 09:34:12: 34 min 12 s",
                "Together 8 h: due Tuesday 24 November at 09:34:12",
            ),
        ),
        ClockView("notify", ago(6), False, "PT15M", "24 hours, every day", "met", 0.1, met=ago(6, 50)),
    )
    decisions = (
        Decision(
            "who",
            "ACME S.p.A., Mario Rossi: certain",
            (
                "The address mario@acme.example is listed for the contact Mario Rossi",
                "DKIM passed for acme.example, aligned with From (DMARC pass)",
            ),
            ago(7),
        ),
        Decision("kind", "Incident", ('The words "nessuno riesce" and "errore" speak of a fault',)),
        Decision(
            "priority",
            "P1",
            (
                '"nessuno in magazzino": many users (+3)',
                '"I camion partono alle 12": urgent (+2)',
                "The plan Platinum allows P1",
            ),
        ),
        Decision(
            "merge",
            "A new matter",
            (
                "No ticket token in the reply address",
                "The two open tickets of ACME name other objects (VPN, portal certificate)",
            ),
        ),
        Decision("queue", "First level", ("Rule 3: incidents of Platinum go to First level first",)),
        Decision("page", "Marco Bassi, then Elena Riva", ("P1 of a Platinum customer, verified sender",)),
        Decision(
            "answer", "Acknowledged in Italian", ("The contact's language is Italian", "Nothing suppresses answers")
        ),
    )
    return TicketPage(
        summary,
        "incident",
        summary.opened,
        "Mario Rossi",
        "mario@acme.example",
        "support+t.9f31c2@example.test",
        "it",
        "Level 1",
        "Demo desk",
        clocks=clocks,
        escalations=(Escalation("Team leader", ahead(110)),),
        updates_every="PT4H",
        why_unverified="" if summary.verified else "No DKIM signature; SPF is neutral for example.org.",
        provisional=not summary.verified,
        pause_reason="waiting for the supplier" if summary.state == "waiting" else "",
        entries=entries,
        decisions=decisions,
        priorities=tuple(Choice(f"P{n}", f"P{n}") for n in (1, 2, 3, 4)),
        escalate_to=(
            Choice("l2", "Second level"),
            Choice("lead", "Team leader"),
            Choice("on-call", "The on-call chain"),
        ),
    )


class DemoBackend:
    """Everything the console asks for, from a few dictionaries."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now
        self.pages = {r.number: sample_page(r) for r in sample_rows()}
        self.sessions: dict[str, str] = {}
        self.acted: list[tuple[str, str, str, dict[str, str]]] = []
        self.seen: set[str] = set()
        self.alarm_rows = sample_alarms()
        self.change = 1
        self.refusal = ""
        self.html = "<p>Buongiorno,</p><p>la coda resta <b>in attesa</b>.</p><img src='cid:foto'>"
        self.files = {
            "f1": File("errore stampante.png", "image/png", b"\x89PNG demo"),
            "f2": File("bolle.csv", "text/csv", b"a;b"),
        }
        roles = {
            "giulia": ("Giulia Ferri", "agent", "en"),
            "marco": ("Marco Bassi", "on-call", "it"),
            "ada": ("Ada Neri", "read-only", "en"),
            "elena": ("Elena Riva", "supervisor", "it"),
        }
        self.users = {
            login: User(login, name, role, language, password=sessions.hash_password(PASSWORDS[login]))  # type: ignore[arg-type]
            for login, (name, role, language) in roles.items()
        }

    def now(self) -> datetime:
        return self.time

    def user(self, login: str) -> User | None:
        return self.users.get(login.casefold())

    def open_session(self, fingerprint: str, login: str) -> None:
        self.sessions[fingerprint] = login

    def session(self, fingerprint: str) -> User | None:
        return self.users.get(self.sessions.get(fingerprint, ""))

    def close_session(self, fingerprint: str) -> None:
        self.sessions.pop(fingerprint, None)

    def choices(self, language: str, sight: Sight = ALL) -> Choices:
        rows = [page.row for page in self.pages.values()]
        return Choices(
            tuple(Choice(q, q) for q in sorted({r.queue for r in rows})),
            tuple(Choice(c, c) for c in sorted({r.customer for r in rows if r.customer})),
        )

    def tickets(self, filters: Filters) -> tuple[TicketRow, ...]:
        rows = [page.row for page in self.pages.values()]
        far = datetime.max.replace(tzinfo=UTC)
        rows.sort(key=lambda r: r.next.due if r.next and r.next.due else far)
        wanted = [
            r
            for r in rows
            if filters.queue in ("", r.queue)
            and filters.customer in ("", r.customer)
            and (
                filters.state in ("all", r.state) or (filters.state == "open" and r.state not in ("resolved", "closed"))
            )
            and (
                filters.search.casefold() in f"{r.number} {r.subject}".casefold()
                or (filters.search.isdigit() and filters.search in r.number.replace("-", ""))
            )
        ]
        return tuple(wanted[filters.offset : filters.offset + filters.limit])

    def ticket(self, number: str, language: str, sight: Sight = ALL) -> TicketPage | None:
        return self.pages.get(number)

    def letter_html(self, number: str, letter: str) -> str | None:
        return self.html if number in self.pages and letter == "l1" else None

    def raw(self, number: str, letter: str) -> File | None:
        return (
            File(f"{number}.eml", "message/rfc822", b"From: mario@acme.example\r\n\r\nciao") if letter == "l1" else None
        )

    def file(self, number: str, letter: str, file: str) -> File | None:
        return self.files.get(file) if number in self.pages and letter == "l1" else None

    def recording(self, number: str, recording: str) -> File | None:
        return None

    def outbox(self, limit: int, sight: Sight = ALL) -> tuple[OutboxRow, ...]:
        return (
            OutboxRow(
                "o1",
                ago(6, 50),
                "mario@acme.example",
                "[PR-1002-4137] Segnalazione ricevuta",
                "sent",
                "Buongiorno,\n\nabbiamo ricevuto la sua segnalazione.\nNumero: PR-1002-4137",
                "PR-1002-4137",
            ),
            OutboxRow(
                "o2",
                ago(18),
                "anna@beta.example",
                "[PR-1002-4095] Your report",
                "waiting",
                "Good morning,\n\nwe are on it.",
                "PR-1002-4095",
                attempts=3,
                error="The mail server of beta.example did not answer; next try at 10:52.",
            ),
        )

    def calls(self, limit: int, sight: Sight = ALL) -> tuple[CallRow, ...]:
        return (
            CallRow(
                "c1",
                ago(4),
                "+39 06 1234 5678",
                "in-progress",
                "ACME S.p.A.",
                "PR-1002-4137",
                events=(Step(ago(4), "Chose Italian"), Step(ago(3, 30), "PIN right")),
            ),
            CallRow("c2", ago(71), "", "completed", seconds=48, events=(Step(ago(71), "Hung up before saying who"),)),
        )

    def oncall(self, language: str) -> tuple[OnCallView, ...]:
        return (
            OnCallView(
                "Demo desk",
                "Europe/Rome",
                (
                    Duty("Marco Bassi", "+39 320 000 0001", "rota", 30, ahead(60 * 8)),
                    Duty("Elena Riva", "+39 320 000 0002", "override", 30, ahead(60 * 32)),
                    Duty("Paolo Sala", "+39 320 000 0003", "fallback", 0),
                ),
                (
                    Handoff(ahead(60 * 8), "Nights", "Marco Bassi", "Elena Riva"),
                    Handoff(ahead(60 * 32), "Nights", "Elena Riva", "Paolo Sala"),
                ),
                (Gap(ahead(60 * 80), ahead(60 * 84), "Nights"),),
            ),
        )

    def ledger(self, outcome: str, limit: int, sight: Sight = ALL) -> tuple[LedgerRow, ...]:
        rows = (
            LedgerRow("1", ago(4), "phone", "+39 06 1234 5678", "append", ticket="PR-1002-4137"),
            LedgerRow(
                "2",
                ago(7),
                "smtp",
                "mario@acme.example",
                "new",
                ticket="PR-1002-4137",
                subject="Stampa delle bolle ferma in magazzino",
                message_id="20261123093412.a1@acme.example",
            ),
            LedgerRow(
                "3",
                ago(7),
                "smtp",
                "mario@acme.example",
                "duplicate",
                ticket="PR-1002-4137",
                reason="same-delivery",
                words="The same mail was delivered again",
                message_id="20261123093412.a1@acme.example",
            ),
            LedgerRow(
                "4", ago(22), "smtp", "", "held", "ambiguous-sender", "Two addresses in From", subject="Re: offer"
            ),
            LedgerRow(
                "5", ago(31), "smtp", "bulk@news.example", "refused", "not-our-recipient", "sales@ is not one of ours"
            ),
        )
        return tuple(r for r in rows if outcome in ("", r.outcome))

    def may_see(self, asked: Mapping[str, str], user: User) -> bool:
        return True

    def unseen(self, sight: Sight = ALL) -> int:
        return sum(not one.seen_by for one in self.alarm_rows)

    def alarms(self, limit: int, offset: int, *, only_unseen: bool, sight: Sight = ALL) -> tuple[AlarmRow, ...]:
        return tuple(one for one in self.alarm_rows if not (only_unseen and one.seen_by))[offset : offset + limit]

    def see(self, alarm: int, user: User, *, older: bool) -> None:
        def meant(one: AlarmRow) -> bool:
            return not one.seen_by and (int(one.id) <= alarm if older else int(one.id) == alarm)

        self.alarm_rows = tuple(
            replace(one, seen_by=user.name, seen=self.time) if meant(one) else one for one in self.alarm_rows
        )
        self.change += 1

    def ring(self, what: str) -> None:
        """Something a person must look at."""
        self.alarm_rows = (AlarmRow(str(len(self.alarm_rows) + 1), self.time, what, "look"), *self.alarm_rows)
        self.change += 1

    def act(self, number: str, action: Action, user: User, fields: Mapping[str, str], once: str) -> None:
        if number not in self.pages:
            raise Permanent("There is no such ticket.")
        if self.refusal:
            raise Permanent(self.refusal)
        if once and once in self.seen:
            return
        self.seen.add(once)
        self.acted.append((number, action, user.login, dict(fields)))
        page = self.pages[number]
        states = {"take": "taken", "pause": "waiting", "resume": "taken", "resolve": "resolved"}
        changed = replace(
            page.row,
            state=states.get(action, page.row.state),
            changed=self.time,
            owner=user.name if action == "take" else page.row.owner,
            priority=fields.get("priority", page.row.priority),
        )
        entry = Entry(
            str(len(page.entries) + 1),
            self.time,
            "note" if action == "note" else "state",
            user.name,
            action,
            fields.get("text", fields.get("reason", "")),
        )
        self.pages[number] = replace(page, row=changed, entries=(*page.entries, entry))
        self.change += 1

    def add(self, summary: TicketRow) -> None:
        """A report came in."""
        self.pages[summary.number] = sample_page(summary)
        self.change += 1

    def changes(self, after: int) -> int:
        return self.change

    async def wait_for_change(self, after: int, timeout: float) -> int:
        until = asyncio.get_running_loop().time() + timeout
        while self.change <= after and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.02)
        return self.change


def application(backend: DemoBackend, **settings: object):  # type: ignore[no-untyped-def]
    """A web application with nothing but the console."""
    from fastapi import FastAPI

    from gateway.web import console

    web = FastAPI(openapi_url=None)
    chosen = {
        "demo": True,
        "secure": False,
        "hints": (
            console.Hint("giulia", PASSWORDS["giulia"], "agent"),
            console.Hint("elena", PASSWORDS["elena"], "supervisor"),
        ),
    }
    web.include_router(console.router(backend, console.Settings(**{**chosen, **settings})))  # type: ignore[arg-type]
    return web


if __name__ == "__main__":
    import uvicorn

    sys.path.insert(0, str(Path(__file__).parent.parent))
    uvicorn.run(application(DemoBackend()), host="127.0.0.1", port=int(sys.argv[1]), timeout_graceful_shutdown=1)
