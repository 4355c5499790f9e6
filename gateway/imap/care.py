"""What is looked at when a mailbox was seen to its end, and while it is paused: silence, the canary, credentials that end.

Each trouble is an alarm once, until it is over. Refuses to speak with the server: `watch` does.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.imap import canary, oauth
from gateway.settings.mailboxes import Mailbox
from gateway.store import jobs, mailboxes
from gateway.store.mailboxes import StoredMailbox

ENDS_SOON = timedelta(days=14)  # an alarm so long before credentials end
SILENT, CANARY, TOKEN_ENDS = "mailbox-silent", "mailbox-canary", "mailbox-credentials-end"


class Care:
    """The troubles of one mailbox, as this replica (`holder`) sees them."""

    def __init__(self, engine: Engine, box: Mailbox, holder: str) -> None:
        self._engine = engine
        self._database = engine.database
        self._box = box
        self._holder = holder

    def look_after(self, stored: StoredMailbox, now: datetime, tokens: oauth.Tokens | None) -> None:
        """What is looked at when the mailbox was seen to its end, and while it is paused: silence, the canary, credentials'
        ends."""
        box = self._box
        last = stored.mail_at or stored.begun_at
        if box.silent is not None:
            if now - last > box.silent:
                hours = int((now - last).total_seconds() // 3600)
                self.trouble(
                    SILENT,
                    f"Mailbox {box.name}: no mail for {hours} hours; see whether mail still reaches {box.address}",
                )
            elif SILENT in stored.troubles:
                self._over(SILENT)
        if box.canary is not None:
            self._look_after_canary(stored, now)
        ends = self._ends(now, tokens)
        if ends is not None and ends - now <= ENDS_SOON:
            self.trouble(TOKEN_ENDS, f"Mailbox {box.name}: its credentials end on {ends:%Y-%m-%d}; renew them before")

    def _look_after_canary(self, stored: StoredMailbox, now: datetime) -> None:
        box = self._box
        assert box.canary is not None
        sent, seen = stored.canary_at, stored.canary_id is None or self._seen(stored.canary_id)
        if seen and CANARY in stored.troubles:
            self._over(CANARY)
        if sent is not None and not seen and now - sent > box.canary.within:
            minutes = int(box.canary.within.total_seconds() // 60)
            words = (
                f"Mailbox {box.name}: the canary of {sent:%Y-%m-%d %H:%M} UTC did not arrive within {minutes} minutes; "
                f"see the way of mail to {box.address}"
            )
            self.trouble(CANARY, words)
        if sent is None or now - sent >= box.canary.every:
            self._database.write(lambda connection: self._send_canary(connection, now))

    def _send_canary(self, connection: Connection, now: datetime) -> None:
        id_ = canary.message_id(self._box.name, self._box.address, now, self._engine.secret)
        mailboxes.update(connection, self._box.name, self._holder, canary_id=id_, canary_at=now)
        jobs.add(connection, canary.KIND, now, {"address": self._box.address, "message_id": id_, "at": now.isoformat()})

    def _seen(self, message_id: str) -> bool:
        return self._database.read(lambda connection: mailboxes.is_seen(connection, message_id))

    def _ends(self, now: datetime, tokens: oauth.Tokens | None) -> datetime | None:
        """When the credentials end, as far as anybody said."""
        day = self._box.oauth.expires if self._box.oauth else None
        told = now + tokens.ends if tokens and tokens.ends else None
        configured = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
        return min((at for at in (told, configured) if at is not None), default=None)

    def trouble(self, kind: str, words: str) -> None:
        now = self._database.clock.now()
        self._database.write(lambda c: mailboxes.trouble(c, self._box.name, self._holder, now, kind, words))

    def _over(self, kind: str) -> None:
        self._database.write(lambda c: mailboxes.recovered(c, self._box.name, self._holder, (kind,)))
