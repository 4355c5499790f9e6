"""A ticket's story as the console shows it: the store's entries to views, one function a kind.

What belongs together is told once: a call with all that happened in it, a page with everybody who was rung, an answer with
what became of its mail. Refuses to change anything, and to say what the store does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from gateway.store import calls, letters, recordings, reports, tickets
from gateway.store.calls import StoredCall, StoredPage
from gateway.store.letters import StoredLetter
from gateway.store.recordings import StoredRecording
from gateway.web import phrases, plain
from gateway.web.phrases import Say
from gateway.web.views import Attachment, Entry, Letter, Ring, Sound, Step
from routing import paging
from routing.desk import Desk
from routing.tickets import Ticket

Stored = tickets.Entry
HOUSE = "presa"


@dataclass(frozen=True, slots=True)
class Tale:
    """Everything that one ticket's story is told from, read at once. `text_of`: the plain text of a kept mail."""

    ticket: Ticket
    desk: Desk
    contact: str
    language: str
    say: Say
    text_of: Callable[[str], str]
    stored: tuple[Stored, ...]
    letters: Mapping[int, StoredLetter]
    pages: Mapping[str, StoredPage]
    calls: Mapping[str, StoredCall]
    events: Mapping[str, tuple[tuple[datetime, str], ...]]
    recordings: Mapping[str, StoredRecording]

    @property
    def labels(self) -> Mapping[str, str]:
        """The desk's queues by id, in the reader's language."""
        return {queue.id: _in(queue.label, self.language) for queue in self.desk.queues.values()}

    def name(self, person: str) -> str:
        found = self.desk.on_call.people.get(person) if self.desk.on_call else None
        return found.name if found else person


def gather(
    connection: Connection,
    ticket: Ticket,
    desk: Desk,
    contact: str,
    language: str,
    say: Say,
    text_of: Callable[[str], str],
) -> Tale:
    """Six questions to the store, however long the story is."""
    heard = {
        call.sid: call for call in calls.of_ticket(connection, ticket.id) if call.direction not in ("page", "agent")
    }
    return Tale(
        ticket, desk, contact, language, say, text_of, tickets.story(connection, ticket.id),
        {letter.id: letter for letter in letters.of_ticket(connection, ticket.id)},
        {f"page{page.id}": page for page in calls.pages_of(connection, ticket.id)},
        heard, calls.events_of(connection, tuple(heard)) if heard else {},
        recordings.of_tickets(connection, (ticket.id,)) if heard else {},
    )  # fmt: skip


def entries(tale: Tale) -> tuple[Entry, ...]:
    """The story in order of time."""
    return tuple(_entries(tale))


def raw(connection: Connection, ticket_id: int, entry_id: int) -> bytes | None:
    """The bytes of the letter that this entry of this ticket brought or sent."""
    found = next((entry for entry in tickets.story(connection, ticket_id) if entry.id == entry_id), None)
    if found is None:
        return None
    if found.kind == "mail-in":
        return reports.raw(connection, found.data["sha256"])
    if found.kind == "mail-out":
        letter = letters.get(connection, found.data["letter"])
    elif found.kind == "answer":
        letter = letters.by_message_id(connection, found.data["message_id"])
    else:
        return None
    return letter.body if letter and letter.ticket_id == ticket_id else None


def _entries(tale: Tale) -> Iterator[Entry]:
    told: set[str] = set()
    for entry in tale.stored:
        whole = _whole(entry)
        if whole is not None and whole in told:
            continue
        shown = SHOW.get(entry.kind, _plain)(tale, entry)
        if shown is None:
            continue
        if whole is not None:
            told.add(whole)
        yield shown


def _whole(entry: Stored) -> str | None:
    """What an entry is a part of: its page or its call; None when it stands alone."""
    if entry.kind == "page":
        return str(entry.data.get("attempt") or "").rpartition("-")[0] or None
    if entry.kind in ("call", "description"):
        return str(entry.data.get("sid") or "") or None
    return None


# Mail -----------------------------------------------------------------------------------------------------------


def _mail_in(tale: Tale, entry: Stored) -> Entry:
    data = entry.data
    text, whole = data["text"], tale.text_of(data["sha256"])
    rest = whole[len(text) :].strip("\n") if whole.startswith(text) else ""
    files = _files(tale, entry)
    sender = f"{data['name']} <{data['from']}>" if data["name"] else data["from"]
    letter = Letter(
        str(entry.id), sender, ", ".join(data["to"]), data["subject"], text, rest,
        "" if rest or whole.strip() == text.strip() else whole,
        ", ".join(data["cc"]), data["html"], files, data["automatic"] or "", joined=_joined(tale, entry),
    )  # fmt: skip
    return Entry(str(entry.id), entry.at, "mail-in", data["name"] or data["from"], "", letter=letter)


def _files(tale: Tale, entry: Stored) -> tuple[Attachment, ...]:
    """What came with a mail. A picture that an earlier mail of the story has shown in its text is a logo."""
    earlier = (one for one in tale.stored if one.kind == "mail-in" and one.id < entry.id)
    known = {row[5] for one in earlier for row in one.data["attachments"] if len(row) > 5 and row[4]}
    rows = [(*row, None, None)[:6] for row in entry.data["attachments"]]  # those of older entries are shorter
    return tuple(
        Attachment(str(n), name or f"attachment-{n}", content_type, size, inline, shown or "", digest in known)
        for n, (name, content_type, size, inline, shown, digest) in enumerate(rows)
    )


def _joined(tale: Tale, entry: Stored) -> bool:
    """Every mail but the one that opened the ticket was added to it."""
    first = next(one for one in tale.stored if one.kind == "mail-in")
    return tale.ticket.channel != "mail" or entry.id != first.id


def _mail_out(tale: Tale, entry: Stored) -> Entry | None:
    """What Presa wrote by itself; an agent's answer stands in the story already, so only its failure is told."""
    data = entry.data
    if data["kind"] == "answer":
        title = tale.say(phrases.REFUSED) % {"to": data["to"]}
        failed = Entry(str(entry.id), entry.at, "event", _who(entry), title, data.get("detail") or "")
        return failed if data["state"] == "refused" else None
    kept = tale.letters.get(data["letter"])
    title = phrases.phrase(phrases.LETTERS, data["kind"], tale.say)
    return Entry(str(entry.id), entry.at, "mail-out", _who(entry), title, letter=_sent(entry, kept, tale))


def _answer(tale: Tale, entry: Stored) -> Entry:
    kept = next((one for one in tale.letters.values() if one.message_id == entry.data["message_id"]), None)
    return Entry(str(entry.id), entry.at, "mail-out", entry.author, "", letter=_sent(entry, kept, tale))


def _sent(entry: Stored, kept: StoredLetter | None, tale: Tale) -> Letter:
    """A letter of ours with what became of it."""
    state = kept.state if kept else entry.data.get("state", "waiting")
    text = entry.data["text"] if "text" in entry.data else tale.text_of(f"letter:{kept.id}") if kept else ""
    subject = kept.subject if kept else entry.data.get("subject", "")
    sender = _in(tale.desk.name, tale.language)
    delivery = "failed" if state == "refused" else state
    return Letter(str(entry.id), sender, entry.data["to"], subject, text, delivery=delivery, has_raw=kept is not None)


# On the phone ---------------------------------------------------------------------------------------------------


def _call(tale: Tale, entry: Stored) -> Entry:
    """One call: who, what was pressed, what was said. Without a call of theirs: what the house did by telephone."""
    sid = entry.data.get("sid", "")
    if not sid:
        return _plain(tale, entry)
    parts = [one for one in tale.stored if one.data.get("sid") == sid and one.kind in ("call", "description")]
    number = phrases.dialled(entry.author)
    steps = [Step(entry.at, tale.say(phrases.FROM) % {"number": number})] if tale.contact else []
    added = [step for part in parts if (step := _step(part, tale))]
    instead = ("callback_taken", "recording") if added else ()
    steps += added
    steps += [
        Step(at, phrases.phrase(phrases.EVENTS, event, tale.say))
        for at, event in tale.events.get(sid, ())
        if event not in instead
    ]
    said = "\n".join(str(part.data["words"]) for part in parts if part.kind == "description" and "words" in part.data)
    ordered = tuple(sorted(steps, key=lambda step: step.at))
    kept = [tale.recordings.get(str(part.data.get("recording"))) for part in parts]
    sounds = tuple(
        Sound(one.sid, one.seconds, one.state, one.transcript or "", one.written_by or "") for one in kept if one
    )
    return Entry(str(entry.id), entry.at, "call", tale.contact or number, "", said, steps=ordered, sounds=sounds)


def _step(part: Stored, tale: Tale) -> Step | None:
    """What a part of a call adds to the events that are told anyway."""
    if part.data.get("recording"):
        consent = tale.say(phrases.CONSENT) if part.data.get("consent") else ""
        return Step(part.at, f"{tale.say(phrases.RECORDING) % {'n': part.data.get('seconds', 0)}}{consent}")
    if part.data.get("number"):
        return Step(part.at, tale.say(phrases.CALL_BACK) % {"number": phrases.dialled(part.data["number"])})
    if part.author == HOUSE and part.data.get("words"):
        title, below = phrases.told(part.data["words"], tale.say, tale.labels)
        return Step(part.at, f"Presa: {title}{': ' if below else ''}{below}")
    return None


def _page(tale: Tale, entry: Stored) -> Entry | None:
    """Everybody who was rung by one page, what the carrier said, what they pressed: as the page itself knows it."""
    kept = tale.pages.get(str(entry.data.get("attempt", "")).rpartition("-")[0])
    if kept is None or not kept.state:
        return _plain(tale, entry) if entry.data.get("exhausted") or not entry.data.get("person") else None
    page = paging.from_json(kept.state)
    rings = tuple(
        Ring(
            attempt.placed_at, tale.name(attempt.person), paging.outcome(attempt),
            tale.say(phrases.PRESSED) % {"key": attempt.key} if attempt.key else "",
        )
        for attempt in page.attempts
    )  # fmt: skip
    return Entry(str(entry.id), entry.at, "page", _who(entry), "", rings=rings)


# The rest -------------------------------------------------------------------------------------------------------


def _note(tale: Tale, entry: Stored) -> Entry:
    if "text" not in entry.data:
        return _plain(tale, entry)
    return Entry(str(entry.id), entry.at, "note", _who(entry), "", entry.data["text"])


def _plain(tale: Tale, entry: Stored) -> Entry:
    title, below = phrases.told(str(entry.data.get("words", entry.kind)), tale.say, tale.labels)
    number = phrases.dialled(entry.data["number"]) if entry.data.get("number") else ""
    added = entry.data.get("text", "")
    if entry.author == HOUSE:  # evidence
        added = "\n".join(plain.said(line, tale.say, datetime.isoformat) for line in added.split("\n"))
    text = "\n".join(part for part in (below, number, added) if part)
    return Entry(str(entry.id), entry.at, "state" if entry.kind == "state" else "event", _who(entry), title, text)


def _who(entry: Stored) -> str:
    return "Presa" if entry.author == HOUSE else entry.author.removeprefix("console:")


def _in(labels: Mapping[str, str], language: str) -> str:
    return labels.get(language) or labels.get("en") or next(iter(labels.values()), "")


Show = Callable[[Tale, Stored], Entry | None]
SHOW: Mapping[str, Show] = {
    "mail-in": _mail_in,
    "mail-out": _mail_out,
    "call": _call,
    "description": _call,
    "page": _page,
    "answer": _answer,
    "note": _note,
}
