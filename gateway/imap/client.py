"""One session with one IMAP server (RFC 9051, RFC 3501), in a handful of verbs; blocking, for a thread of its own.

Built on imapclient for the protocol. What it adds is distrust: every call has a deadline that `expire` enforces from
another thread (a server that drips a byte a minute holds nobody), an answer has a greatest size, no value with a line
end is ever sent, and whatever an odd answer makes the libraries raise is one of three: `Refused` (our login), `Declined`
(this command) or `Dropped` (this session). Knows no database and no mail's meaning.
"""

import base64
import contextlib
import imaplib
import json
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.tls import IMAP4_TLS

from gateway.errors import Permanent, Temporary
from gateway.settings.mailboxes import Mailbox, has_control

CONNECT_SECONDS, READ_SECONDS, CALL_SECONDS = 10.0, 30.0, 60.0
PIECE = 262_144  # bytes asked for at once: a large mail is never an answer of its own size
LITERAL = 4 * PIECE  # no single literal is larger, whatever a server announces
ANSWER = 16 * PIECE  # nor all that one command brings
STEP = 10_000  # UIDs in one SEARCH
GREATEST_UID = 2**32 - 1
LATER = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")  # RFC 5530: not the credentials' fault
Tokens = Callable[[], str]
Opened = Callable[[socket.socket], None]


class Refused(Permanent):
    """The server will not let us in with these credentials."""


class Declined(Permanent):
    """The server said NO or BAD to one command; the session may go on."""


class Dropped(Temporary):
    """The session is over: a connection that broke, a deadline, an answer that is no IMAP."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a mail without reading it."""

    uid: int
    received: datetime
    size: int


class _Careful:
    """Bounds what imaplib reads: it takes a literal of any size that a server announces."""

    taken = 0

    def __init__(self, opened: "Opened", *arguments: Any) -> None:
        self._opened = opened
        super().__init__(*arguments)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        made: socket.socket = super()._create_socket(timeout)  # type: ignore[misc]
        self._opened(made)
        return made

    def read(self, size: int) -> bytes:
        self._take(size if size <= LITERAL else ANSWER + 1)
        return super().read(size)  # type: ignore[misc,no-any-return]

    def readline(self) -> bytes:
        line: bytes = super().readline()  # type: ignore[misc]
        self._take(len(line))
        return line

    def _take(self, size: int) -> None:
        self.taken += size
        if self.taken > ANSWER:
            raise imaplib.IMAP4.abort("the answer is larger than any that was asked for")


class _Plain(_Careful, IMAP4WithTimeout):  # type: ignore[misc]
    pass


class _Tls(_Careful, IMAP4_TLS):  # type: ignore[misc]
    pass


class _Client(IMAPClient):  # type: ignore[misc]
    def __init__(self, opened: "Opened", *arguments: Any, **options: Any) -> None:
        self._opened = opened
        super().__init__(*arguments, **options)

    def _create_IMAP4(self) -> Any:  # noqa: N802 - its name in the library
        if self.ssl:
            return _Tls(self._opened, self.host, self.port, self.ssl_context, self._timeout.connect)
        return _Plain(self._opened, self.host, self.port, self._timeout.connect)


class Session:
    """A session that is open, logged in and has the folder selected. `tokens` gives an access token for XOAUTH2."""

    def __init__(self, box: Mailbox, tokens: Tokens | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.box = box
        self.deadline = time.monotonic() + CONNECT_SECONDS + CALL_SECONDS
        self.uidvalidity = 0
        self.uidnext = 0
        self.exists = 0
        self._client: _Client | None = None
        self._socket: socket.socket | None = None
        self._gone = False
        _check(box)
        try:
            encrypted = box.security != "none"
            self._open(tls or (ssl.create_default_context() if encrypted else None))
            self._login(tokens)
            self._select()
        except BaseException:
            self.drop()
            raise

    # Opening ----------------------------------------------------------------------------------------------------

    def _open(self, tls: ssl.SSLContext | None) -> None:
        box = self.box
        with self._exchange(CALL_SECONDS):
            self._client = _Client(
                self._opened, box.host, box.port, ssl=box.security == "tls", ssl_context=tls,
                timeout=SocketTimeout(CONNECT_SECONDS, READ_SECONDS),
            )  # fmt: skip
            self._client.normalise_times = False
        if box.security == "starttls":
            with self._call():
                self._client.starttls(tls)

    def _opened(self, made: socket.socket) -> None:
        self._socket = made
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a command is written in parts
        if self._gone:
            raise OSError("ended while it was opened")

    def _login(self, tokens: Tokens | None) -> None:
        box, client = self.box, self._client
        assert client is not None
        token = tokens() if tokens is not None else None
        with self._call():
            if token is not None:
                _xoauth2(client, box.user, token)
            elif (box.user + (box.password or "")).isascii():
                client.login(box.user, box.password or "")
            else:  # LOGIN has no letters beyond ASCII (RFC 3501 section 6.2.3)
                client.plain_login(box.user, box.password or "")

    def _select(self) -> None:
        keep = self.box.flag is None and self.box.move_to is None
        with self._call() as client:
            told = client.select_folder(self.box.folder, readonly=keep)
            self.uidvalidity = int(told.get(b"UIDVALIDITY") or 0)
            self.uidnext = int(told.get(b"UIDNEXT") or 0)
            self.exists = int(told.get(b"EXISTS") or 0)

    # Looking ----------------------------------------------------------------------------------------------------

    def uids(self, lowest: int, since: date | None = None) -> Iterator[list[int]]:
        """All UIDs from `lowest` on, in portions; `since`: only mails that came on that day or later. NOOP first: a
        server may show a session new mails only then (RFC 9051 section 5.2)."""
        with self._call() as client:
            client.noop()
        step, at = STEP, lowest
        while True:
            last = at + step > max(self.uidnext, lowest)
            upper = "*" if last else str(at + step - 1)
            criteria: list[Any] = ["UID", f"{at}:{upper}"]
            with self._call() as client:
                found = client.search(criteria + (["SINCE", since] if since else []))
                # `n:*` names the last mail even where that is below n (RFC 9051 section 9, seq-range).
                portion = sorted({int(uid) for uid in found if lowest <= int(uid) <= GREATEST_UID})
            if portion:
                yield portion
            if last:
                return
            at += step
            step = STEP if len(portion) > STEP // 10 else step * 4

    def facts(self, uids: Sequence[int]) -> list[Facts]:
        """When each mail came and how large it says it is; a mail that is gone is left out."""
        with self._call() as client:
            told = client.fetch(list(uids), ["INTERNALDATE", "RFC822.SIZE"])
            return [
                Facts(uid, told[uid][b"INTERNALDATE"].astimezone(UTC), int(told[uid][b"RFC822.SIZE"]))
                for uid in uids
                if uid in told and b"INTERNALDATE" in told[uid] and b"RFC822.SIZE" in told[uid]
            ]

    def piece(self, uid: int, offset: int, size: int) -> bytes | None:
        """Bytes of a mail, without marking it as seen (BODY.PEEK); None when it is not there (any more)."""
        with self._call() as client:
            told = client.fetch([uid], [f"BODY.PEEK[]<{offset}.{size}>"]).get(uid)
            if told is None:
                return None
            found = next((value for name, value in told.items() if name.startswith(b"BODY[]")), None)
            if found is None:
                return None
            if not isinstance(found, bytes):
                raise imaplib.IMAP4.abort("a mail that is no string of bytes")
            return found[:size]

    def sees(self, uid: int) -> bool:
        """Whether the server still lists this mail."""
        with self._call() as client:
            client.noop()
            return uid in client.search(["UID", str(uid)])

    # After the commit -------------------------------------------------------------------------------------------

    def mark(self, uids: Sequence[int]) -> None:
        """Flag filed mails; those that are gone are passed over by the server."""
        if self.box.flag is not None:
            with self._call() as client:
                client.add_flags(list(uids), [self.box.flag], silent=True)

    @property
    def can_move(self) -> bool:
        with self._call() as client:
            return bool(client.has_capability("MOVE"))

    def move(self, uids: Sequence[int]) -> None:
        """Move filed mails (RFC 6851). There is no COPY here: one that is repeated makes copies grow."""
        assert self.box.move_to is not None
        with self._call() as client:
            client.move(list(uids), self.box.move_to)

    # Waiting ----------------------------------------------------------------------------------------------------

    @property
    def can_idle(self) -> bool:
        if not self.box.idle:
            return False
        with self._call() as client:
            return bool(client.has_capability("IDLE"))

    def wait(self, seconds: float) -> bool:
        """IDLE (RFC 2177) until the server says something or the time is over; says whether it said something."""
        with self._call(seconds + CALL_SECONDS) as client:
            client.idle()
            news = _heard(client) or _speaks(client.socket(), seconds)
            _, more = client.idle_done()
            return bool(news or more)

    # Ending -----------------------------------------------------------------------------------------------------

    def expire(self) -> None:
        """From another thread: end the session if its call has gone beyond its deadline."""
        if time.monotonic() > self.deadline:
            self.drop()

    def drop(self) -> None:
        """From any thread: whatever the session waits for ends now."""
        self._gone = True
        sockets: list[Any] = [self._socket]
        if self._client is not None:
            sockets.append(self._client._imap.sock)  # STARTTLS replaces the first
        for one in sockets:
            with contextlib.suppress(Exception):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Say goodbye if the server listens, and close the connection."""
        client = self._client
        if client is None:
            return
        with contextlib.suppress(Permanent, Temporary):
            if not self._gone:
                with self._call(3.0):
                    client.socket().settimeout(3.0)
                    client.logout()
        with contextlib.suppress(Exception):
            client.shutdown()
        self._gone = True

    @contextlib.contextmanager
    def _call(self, seconds: float = CALL_SECONDS) -> Iterator[_Client]:
        """The client, for one exchange."""
        assert self._client is not None
        self._client._imap.taken = 0
        with self._exchange(seconds):
            yield self._client

    @contextlib.contextmanager
    def _exchange(self, seconds: float) -> Iterator[None]:
        """One exchange with the server: its deadline, and its errors as one of ours."""
        if self._gone:
            raise Dropped("the connection to the mail server was ended")
        self.deadline = time.monotonic() + seconds
        try:
            yield
        except LoginError as trouble:
            raise _refusal(trouble) from trouble
        except imaplib.IMAP4.abort as trouble:
            raise self._dropped("broke off", trouble) from trouble
        except ssl.SSLCertVerificationError as trouble:
            raise self._dropped(f"has no valid certificate ({trouble.verify_message})", trouble) from trouble
        except OSError as trouble:
            raise self._dropped("cannot be reached or does not answer", trouble) from trouble
        except imaplib.IMAP4.error as trouble:
            raise Declined(f"the mail server said no: {_shown(trouble)}") from trouble
        except (Permanent, Temporary):
            raise
        except Exception as trouble:  # imapclient on answers that are no IMAP: a dozen types
            raise self._dropped("answered what is no IMAP", trouble) from trouble
        finally:
            self.deadline = float("inf")

    def _dropped(self, what: str, trouble: Exception) -> Dropped:
        self._gone = True
        return Dropped(f"the mail server {self.box.host}:{self.box.port} {what}: {_shown(trouble)}")


def _heard(client: _Client) -> bool:
    """Has the server said something that came together with its last answer? Nothing of it is left to come at the socket: a
    mail of that very moment would wait for the next one."""
    line = client.socket()
    before = line.gettimeout()
    line.setblocking(False)
    try:
        return bool(client._imap.file.peek(1))
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        line.settimeout(before)


def _speaks(line: socket.socket, seconds: float) -> bool:
    """Does the server begin to say something in time? What it is is read with the answer to DONE: imapclient's own
    `idle_check` ends the session when a line comes in two pieces."""
    ears = select.poll()
    ears.register(line, select.POLLIN)
    return bool(ears.poll(seconds * 1_000))


def _check(box: Mailbox) -> None:
    """No value that goes to the server may hold a line end, whoever made the settings."""
    for value in (box.user, box.password, box.folder, box.move_to, box.flag):
        if value is not None and has_control(value):
            raise Refused(f"a setting of mailbox {box.name} holds a line end or a control character; correct it")


def _xoauth2(client: _Client, user: str, token: str) -> None:
    """Google's and Microsoft's login. A refusal comes as a challenge, which wants an empty answer."""
    if has_control(token):
        raise Refused("the access token holds a control character")
    answers = [f"user={user}\1auth=Bearer {token}\1\1".encode()]
    said: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        if answers:
            return answers.pop()
        said.append(challenge)
        return b""

    try:
        client.sasl_login("XOAUTH2", answer)
    except LoginError as trouble:
        if said and _status(said[0]).startswith("5"):
            raise Dropped("the mail server cannot check the access token now") from trouble
        raise


def _status(challenge: bytes) -> str:
    """The status of an XOAUTH2 refusal: {"status":"401",...}, already decoded by imaplib."""
    for text in (challenge, challenge + b"=="):
        with contextlib.suppress(ValueError):
            return str(json.loads(text).get("status", ""))
        with contextlib.suppress(ValueError):
            return str(json.loads(base64.b64decode(text)).get("status", ""))
    return ""


def _refusal(trouble: LoginError) -> Refused | Dropped:
    """imapclient calls everything that happens during a login a LoginError, a broken connection too."""
    cause = trouble.__context__
    words = str(trouble)
    if isinstance(cause, imaplib.IMAP4.abort) or any(code in words for code in LATER):
        return Dropped(f"the mail server broke off during the login: {_shown(trouble)}")
    return Refused(f"the mail server refused the login: {_shown(trouble)}")


def _shown(trouble: BaseException) -> str:
    """A server's words in one short line: they end in alarms."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(trouble)).split())
    return words[:200] or type(trouble).__name__
