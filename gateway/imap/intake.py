"""What becomes of one mail that a mailbox listed: fetched in pieces, read, filed, and settled in the same transaction.

Every mail ends: as the engine decides; held raw after it failed `TRIES` times; held without its raw when the server would
not give it for a day; refused as gone when somebody else deleted it. Refuses to speak IMAP by itself (it is handed a
session) and to flag anything: that comes after the commit.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
from sqlalchemy import Connection

from gateway.engine import Arrival, Engine, Outcome
from gateway.errors import Temporary
from gateway.imap import canary
from gateway.imap.client import PIECE, Declined, Dropped, Session
from gateway.mail import reader
from gateway.mail.reader import Reading
from gateway.settings.mailboxes import Mailbox
from gateway.store import jobs, mailboxes, reports
from gateway.store.mailboxes import AlreadySettled, Listed, Place
from identity import normal
from parsers import Message

log = structlog.get_logger(__name__)

TRIES = 3  # a mail that failed so often is held raw: others are not kept waiting by it
NEVER_GIVEN = timedelta(hours=24)  # so long is a mail asked for that the server lists and does not give
BEGINNING = 2 * PIECE  # of a mail that is too large: its headers and, nearly always, its text
POISON, NOT_GIVEN, GONE = "poison", "not-given", "gone-before-it-was-read"
Alarm = tuple[str, str]
"""Its kind and its words."""
Read = Callable[[bytes, datetime], Reading]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail's bytes; `whole`: its size, when these are only its beginning."""

    raw: bytes
    whole: int | None = None


class Intake:
    """Takes in the mails of one mailbox. `read` parses, beside the doors where there is a process for it."""

    def __init__(self, engine: Engine, box: Mailbox, read: Read = reader.read) -> None:
        self._engine = engine
        self._box = box
        self._read = read

    def take(self, session: Session, place: Place, one: Listed) -> str | None:
        """The whole way of one mail, already counted as begun. Returns its outcome, None when it must wait for another
        try. Raises Dropped, or Temporary when the database is away: then the try does not count."""
        try:
            fetched = fetch(session, one, self._engine.settings.limits.size)
        except Declined as trouble:
            return self._not_given(place, one, trouble.public)
        except Dropped as trouble:
            self._not_given(place, one, trouble.public)
            raise
        if fetched is None:
            return self._missing(session, place, one)
        if one.tries >= TRIES:
            return self._hold(place, one, fetched.raw)
        return self._file(place, one, fetched)

    def _file(self, place: Place, one: Listed, fetched: Fetched) -> str | None:
        reading = self._read(fetched.raw, one.received)
        arrival = self.arrival(place, one, fetched, reading.message)
        if canary.is_ours(reading.message.message_id, place.mailbox, self._engine.secret):
            return self._record(place, one, arrival, reading, Outcome("refused", canary.REASON))
        mail = self._engine.in_hand(arrival, reading)
        beside = _settling(place, one.uid)
        try:
            try:
                return self._engine.file(mail, beside).result().outcome
            except (Temporary, AlreadySettled):
                raise
            except Exception as trouble:  # as in `Engine.take_mail`: a fault of ours is a ticket to look at
                return self._engine.file_failed(mail, trouble, beside).result().outcome
        except AlreadySettled:  # another replica was faster, and everything of ours was taken back
            return None
        except Temporary:
            raise
        except Exception as trouble:
            log.error("imap.filing_failed", mailbox=place.mailbox, uid=one.uid, tries=one.tries + 1, exc_info=trouble)
            return None

    def arrival(self, place: Place, one: Listed, fetched: Fetched, message: Message) -> Arrival:
        """The mail as the engine takes it: received when the mailbox got it, for whom the trace headers say."""
        return Arrival(
            "imap", f"mailbox:{place.mailbox}", _return_path(message), (self.recipient(message),), fetched.raw,
            one.received, whole=fetched.whole,
        )  # fmt: skip

    def recipient(self, message: Message) -> str:
        """The envelope recipient: the topmost trace header that names one of ours, else the mailbox's own address, with
        the tag that it has in To or Cc (a reply address keeps its token there)."""
        for name in ("x-original-to", "envelope-to", "delivered-to"):
            found = normal.address((message.header(name) or "").strip().strip("<>"))
            if found is not None and self._engine.ours(found):
                return found
        for one in (*message.to, *message.cc):
            found = normal.address(one.addr)
            if found is not None and "+" in found and self._engine.recipient(found) == self._box.address:
                return found
        return self._box.address

    # What goes wrong --------------------------------------------------------------------------------------------

    def _not_given(self, place: Place, one: Listed, why: str) -> str | None:
        """The server lists this mail and does not give it: an alarm after some tries, and an end after a day."""
        now = self._engine.database.clock.now()
        words = (
            f"Mailbox {place.mailbox}: mail {one.uid} of {one.received:%Y-%m-%d %H:%M} UTC is listed and cannot be "
            f"fetched ({why}); open it in the mailbox; it is tried for a day"
        )

        def write(connection: Connection) -> None:
            mailboxes.missed(connection, place, one)
            if one.misses + 1 == TRIES:
                jobs.alarm(connection, now, "mailbox-mail-not-given", words)

        self._engine.database.write(write)
        if one.misses + 1 < TRIES or one.listed_at is None or now - one.listed_at < NEVER_GIVEN:
            return None
        return self._line(place, one, "held", NOT_GIVEN, f"uid {one.uid}: {why}")

    def _missing(self, session: Session, place: Place, one: Listed) -> str | None:
        """The server gave nothing. Once may be a slip of its; when it does not list the mail any more, it is gone."""
        if one.misses == 0 or session.sees(one.uid):
            return self._not_given(place, one, "the server gave nothing")
        words = (
            f"Mailbox {place.mailbox}: mail {one.uid} of {one.received:%Y-%m-%d %H:%M} UTC was deleted by somebody "
            "else before Presa had read it; see who else empties this mailbox"
        )
        alarm = ("mailbox-mail-gone", words)
        return self._line(place, one, "refused", GONE, f"uid {one.uid} was deleted by somebody else", alarm)

    def _hold(self, place: Place, one: Listed, raw: bytes) -> str | None:
        """Every try failed inside, or ended the process: kept raw and unread, for a person to look at."""
        words = (
            f"Mailbox {place.mailbox}: mail {one.uid} of {one.received:%Y-%m-%d %H:%M} UTC failed {one.tries} times "
            "and is held unread; look at it in the console's ledger"
        )
        reading = reader.unread(raw, one.received, POISON)
        arrival = self.arrival(place, one, Fetched(raw), reading.message)
        done = Outcome("held", POISON, evidence=(f"it failed {one.tries} times",))
        return self._record(place, one, arrival, reading, done, ("mailbox-poison", words))

    # The ledger -------------------------------------------------------------------------------------------------

    def _record(
        self, place: Place, one: Listed, arrival: Arrival, reading: Reading, done: Outcome, alarm: Alarm | None = None
    ) -> str | None:
        """A line of the ledger for a mail that the engine is not asked about, with its raw."""

        def write(connection: Connection) -> str:
            mailboxes.settle(connection, place, one.uid, done.outcome)
            self._alarm(connection, alarm)
            twin = reports.twin(connection, reading.key)
            line = {
                "at": one.received, "door": "imap", "peer": arrival.peer, "envelope_from": arrival.envelope_from,
                "rcpt": list(arrival.rcpt), "message_id": reading.message.message_id, "sha256": reading.sha256,
            }  # fmt: skip
            if twin is not None:
                again = {
                    "twin": twin.id,
                    "outcome": "duplicate",
                    "reason": "same-delivery",
                    "ticket_id": twin.ticket_id,
                }
                reports.insert(connection, {**line, **again})
                return "duplicate"
            reports.keep_raw(connection, reading.sha256, len(arrival.raw), reading.compressed)
            told = {"outcome": done.outcome, "reason": done.reason, "evidence": list(done.evidence)}
            reports.insert(connection, {**line, "key": reading.key, **told})
            return done.outcome

        return self._settled(write)

    def _line(
        self, place: Place, one: Listed, outcome: str, reason: str, evidence: str, alarm: Alarm | None = None
    ) -> str | None:
        """A line of the ledger for a mail whose bytes never reached us."""
        key = sha256(f"imap\0{place.mailbox}\0{place.uidvalidity}\0{one.uid}".encode()).hexdigest()

        def write(connection: Connection) -> str:
            mailboxes.settle(connection, place, one.uid, outcome, done=True)
            self._alarm(connection, alarm)
            reports.insert(connection, {
                "key": key, "at": one.received, "door": "imap", "peer": f"mailbox:{place.mailbox}",
                "rcpt": [self._box.address], "outcome": outcome, "reason": reason, "evidence": [evidence],
            })  # fmt: skip
            return outcome

        return self._settled(write)

    def _alarm(self, connection: Connection, alarm: Alarm | None) -> None:
        if alarm is not None:
            jobs.alarm(connection, self._engine.database.clock.now(), *alarm)

    def _settled(self, write: Callable[[Connection], str]) -> str | None:
        try:
            return self._engine.database.write(write)
        except AlreadySettled:
            return None


def fetch(session: Session, one: Listed, largest: int) -> Fetched | None:
    """A mail's bytes in pieces, so that no more than it is held; None when it is not there. RFC822.SIZE is not believed
    (some servers guess it): what turns out too large while it comes is cut like what says so."""
    raw = _bytes(session, one.uid, BEGINNING if one.size > largest else largest + 1)
    if not raw:
        return None
    if one.size > largest:
        return Fetched(raw, one.size)
    return Fetched(raw) if len(raw) <= largest else Fetched(raw[:BEGINNING], len(raw))


def _bytes(session: Session, uid: int, most: int) -> bytes:
    """Pieces until one is short, held once. A mail that goes away between two is not given at all."""
    held = io.BytesIO()
    while held.tell() < most:
        asked = min(PIECE, most - held.tell())
        piece = session.piece(uid, held.tell(), asked)
        if piece is None and held.tell():
            raise Declined("it was there only in part")
        held.write(piece or b"")
        if piece is None or len(piece) < asked:
            break
    return held.getvalue()


def _settling(place: Place, uid: int) -> Callable[[Connection, Outcome], None]:
    return lambda connection, done: mailboxes.settle(connection, place, uid, done.outcome)


def _return_path(message: Message) -> str | None:
    """The envelope sender as the last server wrote it down; None when none did."""
    written = message.header("return-path")
    if written is None:
        return None
    text = written.strip()
    return "" if text == "<>" else normal.address(text.strip("<>"))
