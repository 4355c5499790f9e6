"""Written pages: SMS, mail, webhook, ntfy. Put down with the page's own move, sent by jobs of their own, each at most once.

A note has an id before anything leaves. A mail goes under it (Message-ID), a webhook carries it (its reader drops a
repetition), an SMS is looked for at the carrier before it is sent again, ntfy is never tried twice: nobody can be asked.
Trouble with a note never stops the telephone. Refuses to decide who is told.
"""

import base64
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from typing import Any, Protocol, runtime_checkable

import httpx2
from sqlalchemy import Connection

from gateway import trusted
from gateway.engine import Engine
from gateway.errors import Permanent, Temporary
from gateway.filing import Filing
from gateway.paging import news as paging_news
from gateway.paging.words import left, words
from gateway.phone.twilio import Refused, Unknown
from gateway.store import jobs, letters, tickets
from gateway.store.jobs import Job, Settled
from gateway.store.tickets import NewEntry
from routing.oncall import Channel, Person
from routing.tickets import Ticket

KIND = "note"
SECONDS = 8.0
LOST = timedelta(minutes=10)  # so long after its page a note is of no use to anybody
_URL = re.compile(r"https?://[^\s]+", re.ASCII)


@runtime_checkable
class Messages(Protocol):
    """The telephone company's messages, as far as notes need them."""

    def message(self, *, to: str, from_: str, body: str) -> str: ...

    def messages(self, *, to: str, since: datetime) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Outside:
    """Where notes go. `ntfy`: the server's address, "" for none; `secret`: signs webhooks."""

    number: str = ""
    ntfy: str = ""
    secret: bytes = b""


def put_down(
    connection: Connection, filing: Filing, ticket: Ticket, page_id: int, people: Iterable[tuple[Person, Iterable[Channel]]],
    now: datetime, *, mark: str, exhausted: bool = False,
) -> None:  # fmt: skip
    """Notes to these people by these channels, in the transaction of the move they are about. `mark`: makes ids."""
    desk = filing.desk(ticket.desk)
    name = "exhausted" if exhausted else "page"
    for person, channels in people:
        language = person.language or desk.languages[0]
        said = dict(paging_news.facts(ticket, desk, now))
        said["left"] = left(language, said.pop("minutes"), said.pop("target"))
        said["link"] = paging_news.link(filing, page_id, person.id, mark.rpartition("-")[2])
        text = words(language, name, **said)
        subject = words(language, "exhausted.subject" if exhausted else "subject", **said)
        for channel in channels:
            if channel == "phone" or channel not in person.reach:
                continue
            note = {
                "id": f"{mark}-{person.id}-{channel}", "page": page_id, "person": person.id, "name": person.name,
                "channel": channel, "to": person.reach[channel], "text": text, "subject": subject, "link": said["link"],
                "event": f"page.{'exhausted' if exhausted else 'opened'}", "ticket": ticket.number, "priority": ticket.priority,
            }  # fmt: skip
            if channel == "mail":
                _mail(connection, filing, ticket, note, now)
            else:
                jobs.add(connection, KIND, now, note, ticket.id)


def reply(connection: Connection, message: str, to: str, said: str, now: datetime) -> None:
    """What somebody reads who has written to us, where the carrier's webhook cannot be answered with it."""
    note = {"id": f"reply-{message}", "person": "", "name": "", "channel": "sms", "to": to, "text": said, "ticket": ""}
    jobs.add(connection, KIND, now, note)


def _mail(connection: Connection, filing: Filing, ticket: Ticket, note: Mapping[str, Any], now: datetime) -> None:
    """A mail is a letter like any other: written down with its id, sent under it."""
    ours = filing.address_of(ticket)
    key = sha256(str(note["id"]).encode()).hexdigest()[:24]
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ours, note["to"], note["subject"]
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<page.{key}@{ours.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Importance"] = "high"
    mail.set_content(f"{note['text']}\n")
    message_id = mail["Message-ID"].strip("<>")
    letters.write(connection, {
        "message_id": message_id, "ticket_id": ticket.id, "kind": "page", "at": now, "recipient": note["to"], "envelope_from": "",
        "subject": mail["Subject"], "body": mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
    })  # fmt: skip
    jobs.add(connection, "letter", now, {"message_id": message_id, "kind": "page"}, ticket.id)


class Notes:
    """The handler of `note` jobs."""

    def __init__(self, engine: Engine, carrier: object | None, outside: Outside, transport: Any = None) -> None:
        self._database = engine.database
        self._carrier = carrier if isinstance(carrier, Messages) else None
        self._outside = outside
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(SECONDS, connect=3.0), follow_redirects=False, transport=transport,
            verify=trusted.authorities(),
        )  # fmt: skip

    def run(self, job: Job) -> Settled:
        """Send one note; what came of it stands in the ticket's story."""
        note, now = job.state, self._database.clock.now()
        before = datetime.fromisoformat(note["tried"]) if "tried" in note else None
        if before is not None and now - before > LOST:
            return self._said(job, "not sent, and too late now")
        kept = {**note, "tried": (before or now).isoformat()}
        self._database.write(lambda connection: jobs.keep(connection, job, kept))  # the intent
        send = {"sms": self._sms, "webhook": self._webhook, "ntfy": self._ntfy}[note["channel"]]
        try:
            return self._said(job, send(note, before, now))
        except Permanent as refused:
            return self._said(job, f"refused: {refused.public}", alarm=True)
        except Unknown as unknown:
            raise Temporary(unknown.public) from unknown
        except httpx2.HTTPError as trouble:
            raise Temporary(f"{note['channel']} did not answer ({type(trouble).__name__})") from trouble

    def _sms(self, note: Mapping[str, Any], before: datetime | None, now: datetime) -> str:
        """Asked for before it is sent again: the text of a note is like no other's, for its link."""
        if self._carrier is None:
            raise Refused("no carrier that takes messages is configured")
        if before is not None and note["text"] in self._carrier.messages(
            to=note["to"], since=before - timedelta(seconds=5)
        ):
            return "sent (found at the carrier)"
        sid = self._carrier.message(to=note["to"], from_=self._outside.number, body=note["text"])
        return f"sent ({sid})"

    def _webhook(self, note: Mapping[str, Any], before: datetime | None, now: datetime) -> str:
        """Signed as https://www.standardwebhooks.com says, under the note's own id."""
        keys = ("event", "ticket", "priority", "text", "link", "person")
        body = json.dumps(
            {"type": note["event"], "data": {key: note[key] for key in keys}}, ensure_ascii=False
        ).encode()
        headers = {"Content-Type": "application/json", **signed(self._outside.secret, note["id"], now, body)}
        answer = self._client.post(note["to"], content=body, headers=headers)
        return self._taken(answer, "webhook")

    def _ntfy(self, note: Mapping[str, Any], before: datetime | None, now: datetime) -> str:
        if before is not None:
            return "perhaps sent: nobody can say, and it is not sent twice"
        topic = note["to"]
        url = topic if _URL.fullmatch(topic) else f"{self._outside.ntfy.rstrip('/')}/{topic}"
        if not _URL.fullmatch(url):
            raise Permanent("no ntfy server is configured; name it under 'paging' in presa.yaml")
        headers = {"Title": note["subject"].encode(), "Priority": "urgent", "Click": note["link"]}
        return self._taken(self._client.post(url, content=note["text"].encode(), headers=headers), "ntfy")

    def _taken(self, answer: Any, what: str) -> str:
        if answer.status_code in (408, 429) or answer.status_code >= 500:
            raise Temporary(f"{what} answered {answer.status_code}")
        if answer.status_code >= 300:
            raise Permanent(f"{what} answered {answer.status_code}")
        return f"sent ({answer.status_code})"

    def _said(self, job: Job, outcome: str, *, alarm: bool = False) -> Settled:
        note, now = job.state, self._database.clock.now()
        line = f"{note['name']} by {note['channel']}: {outcome}"

        def write(connection: Connection) -> None:
            if job.ticket_id is None:  # a reply
                return
            data = {"words": line, "person": note["person"], "channel": note["channel"]}
            tickets.tell(connection, job.ticket_id, now, NewEntry(note.get("entry", "page"), "presa", data))
            if alarm:
                words_ = f"{note['ticket']}: {line}; correct the address or the account"
                jobs.alarm(connection, now, "note-refused", words_, job.ticket_id)

        return Settled(write)


def signed(secret: bytes, identity: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The three headers of a standard webhook."""
    stamp = str(int(at.timestamp()))
    mac = hmac.new(secret, f"{identity}.{stamp}.".encode() + body, sha256).digest()
    return {
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
