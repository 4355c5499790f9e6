"""A ticket's story and its decisions as the console shows them: entries of the store to views, one function a kind."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

import parsers
from gateway.store import letters, reports, tickets
from gateway.web.views import Attachment, Decision, Entry, Letter, Ring, Step
from routing import sla_words
from routing.sla import Stamp
from routing.tickets import Ticket

Stored = tickets.Entry

# The first word of a line of evidence -> what the decision is about. A line without one is about who it is.
ABOUT: Mapping[str, str] = {
    "kind": "kind",
    "priority": "priority",
    "clock": "deadline",
    "thread": "merge",
    "queue": "queue",
    "page": "page",
    "acknowledge": "answer",
    "mark": "entitlement",
}


def entries(connection: Connection, ticket: Ticket) -> tuple[Entry, ...]:
    """The story in order of time; rings of one page follow each other as one entry."""
    stored = tickets.story(connection, ticket.id)
    shown: list[Entry] = []
    for kind, group in groupby(stored, key=lambda entry: entry.kind):
        several = list(group)
        if kind == "page":
            shown.append(_page(several))
            continue
        shown += [SHOW.get(kind, _plain)(connection, entry) for entry in several]
    return tuple(shown)


def decisions(ticket: Ticket) -> tuple[Decision, ...]:
    """The evidence that the ticket was filed with, by decision."""
    found: dict[str, list[str]] = {}
    for line in ticket.evidence:
        topic, colon, rest = line.partition(": ")
        about = ABOUT.get(topic, "who") if colon else "who"
        found.setdefault(about, []).append(rest if colon and topic in ABOUT else line)
    verdicts = {
        "who": ticket.customer_name or ticket.customer or "unknown",
        "kind": ticket.kind,
        "priority": ticket.priority,
        "queue": ticket.queue,
        "deadline": ticket.plan or "",
    }
    return tuple(
        Decision(about, verdicts.get(about, ""), tuple(lines), ticket.opened_at) for about, lines in found.items()
    )


def arithmetic(stamp: Stamp, target: str, language: str) -> tuple[str, ...]:
    """How one clock was counted, in words."""
    alone = replace(
        stamp,
        clocks=tuple(clock for clock in stamp.clocks if clock.target == target),
        escalations=(),
        updates_every=None,
        marks=(),
    )
    return sla_words.in_words(alone, language)


def raw(connection: Connection, ticket_id: int, entry_id: int) -> bytes | None:
    """The bytes of the letter that this entry of this ticket brought or sent."""
    found = next((entry for entry in tickets.story(connection, ticket_id) if entry.id == entry_id), None)
    if found is None:
        return None
    if found.kind == "mail-in":
        return reports.raw(connection, found.data["sha256"])
    if found.kind == "mail-out":
        letter = letters.get(connection, found.data["letter"])
        return letter.body if letter and letter.ticket_id == ticket_id else None
    return None


def hidden(number: str) -> str:
    """A phone number as far as people need it to know whose it is: the middle is left out."""
    return f"{number[:6]}…{number[-3:]}" if len(number) > 9 else number


def _mail_in(connection: Connection, entry: Stored) -> Entry:
    data = entry.data
    content = reports.raw(connection, data["sha256"])
    whole = parsers.parse(content).text if content and not data["html"] else None
    text = data["text"]
    rest = whole[len(text) :].strip("\n") if whole and whole.startswith(text) else ""
    files = tuple(
        Attachment(str(n), name or f"attachment-{n}", content_type, size, inline)
        for n, (name, content_type, size, inline) in enumerate(data["attachments"])
    )
    sender = f"{data['name']} <{data['from']}>" if data["name"] else data["from"]
    letter = Letter(
        str(entry.id), sender, ", ".join(data["to"]), data["subject"], text, rest, whole if whole and not rest and whole != text else "",
        ", ".join(data["cc"]), data["html"], files, data["automatic"] or "",
    )  # fmt: skip
    return Entry(str(entry.id), entry.at, "mail-in", data["name"] or data["from"], "wrote", letter=letter)


def _mail_out(connection: Connection, entry: Stored) -> Entry:
    stored = letters.get(connection, entry.data["letter"])
    text = (parsers.parse(stored.body).text or "") if stored else ""
    delivery = "failed" if entry.data["state"] == "refused" else "sent"
    letter = Letter(str(entry.id), "Presa", entry.data["to"], entry.data["subject"], text, delivery=delivery)
    return Entry(str(entry.id), entry.at, "mail-out", entry.author, entry.data["kind"], letter=letter)


def _call(_: Connection, entry: Stored) -> Entry:
    words = str(entry.data.get("words") or f"a recording of {entry.data.get('seconds', 0)} s lies with the carrier")
    return Entry(str(entry.id), entry.at, "call", hidden(entry.author), "called", steps=(Step(entry.at, words),))


def _answer(_: Connection, entry: Stored) -> Entry:
    return Entry(str(entry.id), entry.at, "note", entry.author, "answered", entry.data["text"])


def _note(_: Connection, entry: Stored) -> Entry:
    return Entry(
        str(entry.id), entry.at, "note", entry.author, "noted", entry.data.get("text") or entry.data.get("words", "")
    )


def _plain(_: Connection, entry: Stored) -> Entry:
    return Entry(
        str(entry.id), entry.at, "state", entry.author, entry.data.get("words", entry.kind), entry.data.get("text", "")
    )


def _page(several: list[Stored]) -> Entry:
    rings = tuple(_ring(entry.at, entry.author, entry.data) for entry in several)
    return Entry(str(several[-1].id), several[0].at, "page", "Presa", "rang the on-call engineers", rings=rings)


def _ring(at: Any, author: str, data: Mapping[str, Any]) -> Ring:
    who, colon, what = str(data["words"]).partition(": ")
    return Ring(at, who if colon else author, what if colon else str(data["words"]))


Show = Callable[[Connection, Stored], Entry]
SHOW: Mapping[str, Show] = {
    "mail-in": _mail_in,
    "mail-out": _mail_out,
    "call": _call,
    "description": _call,
    "answer": _answer,
    "note": _note,
}
