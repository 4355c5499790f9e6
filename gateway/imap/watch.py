"""One mailbox, watched: lease, log in, list, take in, flag, wait; and again. `step` is one round, without sleeping.

Only the replica with the lease looks. What is listed is written down first, so that every mail has a row before anybody
touches it; it is flagged or moved only after the commit of its report. A login that is refused three times in a row
pauses the mailbox: then one try an hour, or at once with new credentials. All alarms are raised once, until it is well
again. Refuses to judge mails (`Intake`) and to know the protocol (`client`).
"""

import contextlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256

import structlog
from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.errors import Temporary
from gateway.imap import oauth
from gateway.imap.care import Care
from gateway.imap.client import Declined, Dropped, Facts, Refused, Session, Tokens
from gateway.imap.intake import Intake, Read
from gateway.mail import reader
from gateway.settings.mailboxes import Mailbox
from gateway.store import jobs, mailboxes
from gateway.store.mailboxes import WINDOW, LeaseLost, Listed, Place, StoredMailbox

log = structlog.get_logger(__name__)

REFUSALS = 3  # in a row; then the mailbox is paused
PAUSE = timedelta(hours=1)
UNREACHABLE = timedelta(minutes=10)  # then an alarm
LONGEST_BACK_OFF = 60.0
RECENT = timedelta(hours=1)  # what was listed since then is looked at again, and the last WINDOW in any case
BATCH = 16  # mails begun together
PORTION = 200  # mails whose facts are asked for together, or that are flagged together
LOGIN, AWAY, MARK, RENUMBERED = (
    "mailbox-login-refused", "mailbox-unreachable", "mailbox-not-flagged", "mailbox-renumbered"
)  # fmt: skip
Connect = Callable[[Mailbox, Tokens | None], Session]


@dataclass(frozen=True, slots=True)
class Rest:
    """What to do after a round: nothing for so many seconds; `idle`: the session may listen meanwhile."""

    seconds: float
    idle: bool = False


class Watch:
    """Watches one mailbox in one thread. `holder` names this replica; `post` asks for access tokens."""

    def __init__(
        self, engine: Engine, box: Mailbox, holder: str, *, lease: timedelta = timedelta(seconds=30),
        read: Read = reader.read, connect: Connect = Session, post: oauth.Post = oauth.post,
    ) -> None:  # fmt: skip
        self.box = box
        self.session: Session | None = None
        self._engine = engine
        self._database = engine.database
        self._holder = holder
        self._lease = lease
        self._connect = connect
        self._post = post
        self._intake = Intake(engine, box, read)
        self._care = Care(engine, box, holder)
        self._tokens: oauth.Tokens | None = None
        self._failures = 0
        self._away_since: datetime | None = None

    # One round --------------------------------------------------------------------------------------------------

    def step(self) -> Rest:
        """One round. Never raises: what goes wrong is said in an alarm or the log, and tried again later."""
        try:
            return self._round()
        except LeaseLost:
            self.hang_up()
            return Rest(self._lease.total_seconds())
        except Refused as trouble:
            return self._refused(trouble)
        except (Dropped, Declined) as trouble:
            return self._lost(trouble.public)
        except Temporary as trouble:  # the database or the token's provider is away
            return self._lost(trouble.public)
        except Exception as trouble:  # the thread's edge: a fault of ours must not end the watch
            log.error("imap.round_failed", mailbox=self.box.name, exc_info=trouble)
            return self._lost("a fault of ours; see the log")

    def _round(self) -> Rest:
        now = self._now()
        stored = self._database.write(self._take_lease(now))
        if stored is None:
            self.hang_up()
            return Rest(self._lease.total_seconds() / 2)
        if stored.paused_until is not None and stored.paused_until > now and not self._is_new(stored):
            self.hang_up()
            self._care.look_after(stored, now, self._tokens)
            return Rest(self.box.poll.total_seconds())
        if self.session is None:
            self.session = self._log_in(self._tokens_of(stored))
            self._logged_in(stored)
        place = Place(self.box.name, self.session.uidvalidity)
        if stored.uidvalidity != place.uidvalidity:
            self._renumber(stored, place)
        busy = self._list(place)
        busy = self._take_in(place) or busy
        busy = self._mark(place) or busy
        self._well(busy)
        return Rest(0.0) if busy else Rest(self._until_next(place), idle=self.session.can_idle)

    def _log_in(self, tokens: oauth.Tokens | None) -> Session:
        """A session; a kept access token that is refused may only have ended early, so one fresh one is tried."""
        try:
            return self._connect(self.box, tokens)
        except Refused:
            if tokens is None or not tokens.was_kept:
                raise
            tokens.forget()
            return self._connect(self.box, tokens)

    def _until_next(self, place: Place) -> float:
        """Seconds to the next poll, or to the next try of a mail that failed."""
        poll = self.box.poll.total_seconds()
        due = self._database.read(lambda connection: mailboxes.next_try(connection, place))
        return poll if due is None else min(poll, max(0.1, (due - self._now()).total_seconds()))

    def rest(self, rest: Rest) -> bool:
        """Listen to the server instead of sleeping, where it can; False when there was nothing to listen to."""
        if not rest.idle or self.session is None:
            return False
        try:
            self.session.wait(rest.seconds)
        except (Declined, Dropped) as trouble:
            self._lost(trouble.public)
            return False
        return True

    def keep(self, *, renew: bool) -> None:
        """From another thread: a call beyond its deadline ends; while a round or a wait lasts long, the lease goes on, and
        once it is lost the session ends."""
        session = self.session
        if session is None:
            return
        session.expire()
        if not renew:
            return
        with contextlib.suppress(Temporary):
            if self._database.write(self._take_lease(self._now())) is None:
                session.drop()

    def hang_up(self) -> None:
        if self.session is not None:
            self.session.close()
            self.session = None

    def leave(self) -> None:
        """Hang up and let another replica have the mailbox."""
        self.hang_up()
        with contextlib.suppress(Temporary):
            self._database.write(lambda c: mailboxes.release(c, self.box.name, self._holder))

    # Listing ----------------------------------------------------------------------------------------------------

    def _renumber(self, stored: StoredMailbox, place: Place) -> None:
        """A first look, or the server gave all mails new numbers: everything is listed again. What was filed before is
        known by its content."""

        def write(connection: Connection) -> None:
            mailboxes.update(connection, self.box.name, self._holder, uidvalidity=place.uidvalidity)
            lost = mailboxes.supersede(connection, place)
            if stored.uidvalidity is not None:
                words = (
                    f"Mailbox {self.box.name}: the server gave all mails new numbers; everything is looked at again"
                    + (f"; {lost} mails had not been read under their old ones" if lost else "")
                )
                jobs.alarm(connection, self._now(), RENUMBERED, words)

        self._database.write(write)

    def _list(self, place: Place) -> bool:
        """Write down what is new; says whether there was anything."""
        session, now = self._at_work(), self._now()
        lowest = self._database.read(lambda c: mailboxes.floor(c, place, now - RECENT, WINDOW))
        known = self._database.read(lambda c: mailboxes.known(c, place, lowest))
        news = False
        for portion in session.uids(lowest, self.box.since):
            fresh = [uid for uid in portion if uid not in known]
            for at in range(0, len(fresh), PORTION):
                found = [one for one in session.facts(fresh[at : at + PORTION]) if self._is_ours(one)]
                self._database.write(partial(self._write_down, place=place, found=found, now=now))
                news = news or bool(found)
        return news

    def _write_down(self, connection: Connection, *, place: Place, found: list[Facts], now: datetime) -> None:
        if found:
            mailboxes.update(connection, self.box.name, self._holder, mail_at=now)
            mailboxes.list_new(connection, place, [Listed(one.uid, one.received, one.size) for one in found], now)

    def _is_ours(self, one: Facts) -> bool:
        """SINCE counts days in the server's own zone: on its edge the instant decides."""
        since = self.box.since
        return since is None or one.received >= datetime(since.year, since.month, since.day, tzinfo=UTC)

    # Taking in --------------------------------------------------------------------------------------------------

    def _take_in(self, place: Place) -> bool:
        """A batch of what waits, one after the other, so that answers follow what they answer. Ones that failed before
        go alone: whatever ends the process then is known by its count."""
        session, now = self._at_work(), self._now()
        chosen = self._database.read(lambda c: mailboxes.waiting(c, place, now, BATCH))
        fresh = [one for one in chosen if one.failures == 0]
        chosen = tuple(fresh) or chosen[:1]
        self._database.write(lambda c: self._begin(c, place, chosen, now))
        for at, one in enumerate(chosen):
            try:
                self._intake.take(session, place, one)
            except Temporary as trouble:
                spared = chosen[at + 1 :] if isinstance(trouble, Dropped) else chosen[at:]
                self._give_back(place, spared)
                raise
        return bool(chosen)

    def _begin(self, connection: Connection, place: Place, chosen: tuple[Listed, ...], now: datetime) -> None:
        mailboxes.update(connection, self.box.name, self._holder)
        mailboxes.begin(connection, place, chosen, now)

    def _give_back(self, place: Place, spared: tuple[Listed, ...]) -> None:
        """Their turn did not come, or the trouble was not theirs."""

        def write(connection: Connection) -> None:
            for one in spared:
                mailboxes.give_back(connection, place, one)

        with contextlib.suppress(Temporary):
            self._database.write(write)

    def _mark(self, place: Place) -> bool:
        """After the commit: flag and move. What fails here is tried at the next round and hides no new mail."""
        session = self._at_work()
        uids = self._database.read(lambda c: mailboxes.to_mark(c, place, PORTION))
        if not uids:
            return False
        try:
            session.mark(uids)
            if self.box.move_to is not None:
                if not session.can_move:
                    raise Declined("it cannot move mails (RFC 6851); leave out move_to")
                session.move(uids)
        except Declined as trouble:
            words = (
                f"Mailbox {self.box.name}: mails that are filed cannot be flagged or moved ({trouble.public}); "
                "correct flag or move_to; new mails are taken in all the same"
            )
            self._care.trouble(MARK, words)
            return False

        def write(connection: Connection) -> None:
            mailboxes.marked(connection, place, uids)
            mailboxes.recovered(connection, self.box.name, self._holder, (MARK,))

        self._database.write(write)
        return len(uids) == PORTION

    # Being well, and not ----------------------------------------------------------------------------------------

    def _logged_in(self, stored: StoredMailbox) -> None:
        def write(connection: Connection) -> None:
            mailboxes.update(connection, self.box.name, self._holder, refusals=0, paused_until=None)
            mailboxes.recovered(connection, self.box.name, self._holder, (LOGIN,))

        if stored.refusals or stored.troubles:
            self._database.write(write)

    def _well(self, busy: bool) -> None:
        """All went well; when there was nothing to do, the mailbox was seen to its end."""
        self._failures, self._away_since = 0, None
        if busy:
            return
        now = self._now()

        def write(connection: Connection) -> StoredMailbox | None:
            mailboxes.update(connection, self.box.name, self._holder, polled_at=now)
            mailboxes.recovered(connection, self.box.name, self._holder, (AWAY,))
            return mailboxes.load(connection, self.box.name)

        stored = self._database.write(write)
        if stored is not None:
            self._care.look_after(stored, now, self._tokens)

    def _refused(self, trouble: Refused) -> Rest:
        """An explicit no: an alarm at once; after three in a row a pause, so that no account is locked by us."""
        self.hang_up()
        if self._tokens is not None:
            self._tokens.forget()
        now = self._now()

        def write(connection: Connection) -> None:
            stored = mailboxes.load(connection, self.box.name)
            refusals = (stored.refusals if stored else 0) + 1
            pause = now + PAUSE if refusals >= REFUSALS else None
            mailboxes.update(
                connection, self.box.name, self._holder,
                refusals=refusals, paused_until=pause, credentials=self._fingerprint(),
            )  # fmt: skip
            words = (
                f"Mailbox {self.box.name}: {trouble.public}; correct its credentials. "
                f"After {REFUSALS} refusals in a row it is tried once an hour"
            )
            mailboxes.trouble(connection, self.box.name, self._holder, now, LOGIN, words)

        with contextlib.suppress(Temporary, LeaseLost):
            self._database.write(write)
        return Rest(self.box.poll.total_seconds())

    def _lost(self, why: str) -> Rest:
        """Broken off: connect again, soon at first."""
        self.hang_up()
        now = self._now()
        self._away_since = self._away_since or now
        self._failures += 1
        log.info("imap.broken_off", mailbox=self.box.name, times=self._failures, why=why)
        if now - self._away_since >= UNREACHABLE:
            with contextlib.suppress(Temporary, LeaseLost):
                self._care.trouble(
                    AWAY, f"Mailbox {self.box.name} has not been read for {UNREACHABLE.seconds // 60} minutes: {why}"
                )
        return Rest(0.0 if self._failures == 1 else min(2.0 ** (self._failures - 2), LONGEST_BACK_OFF))

    # Small questions --------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return self._database.clock.now()

    def _at_work(self) -> Session:
        assert self.session is not None
        return self.session

    def _take_lease(self, now: datetime) -> Callable[[Connection], StoredMailbox | None]:
        return lambda connection: mailboxes.lease(connection, self.box.name, self._holder, now, now + self._lease)

    def _fingerprint(self) -> str:
        """What we log in with, as a keyed hash."""
        box = self.box
        parts = [box.host, box.user, box.password or ""]
        if box.oauth is not None:
            parts += [
                box.oauth.token_url,
                box.oauth.client_id,
                box.oauth.client_secret or "",
                box.oauth.refresh_token or "",
            ]
        return hmac.new(self._engine.secret, "\0".join(parts).encode(), sha256).hexdigest()

    def _is_new(self, stored: StoredMailbox) -> bool:
        """Whether the credentials are others than those that were refused."""
        return stored.credentials != self._fingerprint()

    def _tokens_of(self, stored: StoredMailbox) -> oauth.Tokens | None:
        if self.box.oauth is None:
            return None
        if self._tokens is None:
            mark = sha256((self.box.oauth.refresh_token or "").encode()).hexdigest()
            first, _, newest = (stored.refresh_token or "").partition(":")
            refresh = newest if first == mark and newest else self.box.oauth.refresh_token
            self._tokens = oauth.Tokens(self.box.oauth, refresh, partial(self._keep_token, mark), self._post)
        return self._tokens

    def _keep_token(self, mark: str, newer: str) -> None:
        """The provider replaced the refresh token; `mark` says which configured one it came from."""
        self._database.write(
            lambda c: mailboxes.update(c, self.box.name, self._holder, refresh_token=f"{mark}:{newer}")
        )
