"""What `presa check` says of the mailboxes: whether they can be logged in to, whether somebody reads them, and whether
all that they listed has its outcome. Only looks; nothing is fetched or flagged."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from gateway.errors import Permanent, Temporary
from gateway.imap.client import Session
from gateway.settings import Settings
from gateway.settings.mailboxes import Mailbox
from gateway.store import mailboxes
from gateway.store.database import Database

Said = tuple[Literal["ok", "note", "wrong"], str, str]
UNSETTLED = timedelta(minutes=15)  # a mail that was listed before and has no outcome is a gap
UNREAD = timedelta(minutes=15)  # nobody has seen the mailbox to its end


def credentials(settings: Settings, *, offline: bool) -> Iterator[Said]:
    """Is there something to log in with, and does it open the folder?"""
    for box in settings.mailboxes.values():
        what = f"mailbox {box.name}"
        if not box.ready:
            secret = "PASSWORD" if box.oauth is None else "REFRESH_TOKEN"
            name = f"PRESA_MAILBOX_{box.name.upper().replace('-', '_')}_{secret}"
            yield "wrong", what, f"it is not read: {name} is not set"
        elif not offline and box.oauth is None:
            yield _tried(box)
        if box.canary is not None and settings.smarthost.startswith("outbox:"):
            yield "wrong", what, "a canary needs a smart host that sends; set PRESA_SMARTHOST, or leave the canary out"


def _tried(box: Mailbox) -> Said:
    """A login of our own. A token's provider may replace what is asked for, so OAuth is left to who reads."""
    try:
        session = Session(box)
    except (Permanent, Temporary) as trouble:
        return "wrong", f"mailbox {box.name}", f"{trouble.public}; correct its host, folder or credentials"
    said = f"{box.user} at {box.host}: {session.exists} mails in {box.folder}"
    if box.move_to is not None and not session.can_move:
        said += "; the server cannot move mails (RFC 6851): they are flagged and stay"
    session.close()
    return "ok", f"mailbox {box.name}", said


def balance(settings: Settings, database: Database, now: datetime) -> Iterator[Said]:
    """The mailboxes' side of the ledger: every mail that was listed has one outcome."""
    for box in settings.mailboxes.values():
        what = f"mailbox {box.name}"
        stored = database.read(partial(mailboxes.load, name=box.name))
        if stored is None:
            yield "note", what, "it was never read; 'presa up' reads it"
            continue
        counts = database.read(partial(mailboxes.counts, name=box.name))
        told = ", ".join(f"{count} {outcome or 'waiting'}" for outcome, count in sorted(counts.items()))
        yield "ok", what, f"{sum(counts.values())} mails listed lately{': ' if told else ''}{told}"
        gap = database.read(partial(mailboxes.undone, name=box.name, before=now - UNSETTLED))
        if gap:
            yield (
                "wrong",
                what,
                f"{len(gap)} mails were listed and have no outcome: {gap[:5]}; see its alarms and the log",
            )
        if stored.paused_until is not None and stored.paused_until > now:
            words = f"paused after {stored.refusals} refused logins; correct its credentials, or use"
            yield "wrong", what, f"{words} 'presa mailboxes --resume {box.name}'"
        elif stored.polled_at is None or now - stored.polled_at > UNREAD:
            since = f"{stored.polled_at:%Y-%m-%d %H:%M} UTC" if stored.polled_at else "the beginning"
            yield "wrong", what, f"nobody has read it to its end since {since}; is Presa up? see its alarms"
