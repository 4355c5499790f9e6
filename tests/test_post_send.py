"""The way out, against a real SMTP server on loopback: taken, refused, put off, broken off, and never two recipients."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from gateway.errors import Permanent, Temporary
from gateway.post.check import sample
from gateway.post.compose import compose, envelope_from
from gateway.post.letter import Answer
from gateway.post.send import Refused, Security, SmartHost, Unsent, send, smart_host

LETTER = sample(Answer(".\n..\nA line.\n.", "Anna Verdi"), "it")
RAW = compose(LETTER)

# Made for these tests alone: localhost's, signed by itself, good until 2120.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgt5OqdLpIC6X6pEf9
WIB7XbStmS9DkWR8BjOiilixxIKhRANCAARC5KLcjjVwM/qRaXQ9d4eroQmgZ5LY
aV41f/a83UwLghJeuG6V5YqBgJyizkrYmdGmsGedBHVC57fk+TSKnG9E
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBbzCCARWgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1yZWxheS5l
eGFtcGxlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1yZWxheS5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQuSi
3I41cDP6kWl0PXeHq6EJoGeS2GleNX/2vN1MC4ISXrhuleWKgYCcos5K2JnRprBn
nQR1Que35Pk0ipxvRKNOMEwwDwYDVR0TAQH/BAUwAwEB/zAaBgNVHREEEzARggls
b2NhbGhvc3SHBH8AAAEwHQYDVR0OBBYEFB1+ABZo75bLESxQ8yfkq6sVJsFVMAoG
CCqGSM49BAMCA0gAMEUCIQDgYKUduIceGBZpkMI/unQZa9G3qJR7snCfTd20eDxs
HQIgPnXJLCJdoXYzLCsre45BauRGLxYcPHefYcffHPrfdb4=
-----END CERTIFICATE-----
"""


class Sink:
    """Keeps what it takes; `replies` are what it says to RCPT and DATA instead of yes."""

    def __init__(self, **replies: str) -> None:
        self.replies = replies
        self.taken: list[Envelope] = []

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.replies.get("mail", "250 OK")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "rcpt" not in self.replies:
            envelope.rcpt_tos.append(address)
        return self.replies.get("rcpt", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "data" not in self.replies:
            self.taken.append(envelope)
        return self.replies.get("data", "250 queued as 1")


@contextmanager
def listening(protocol: Callable[[], asyncio.Protocol], **options: Any) -> Iterator[int]:
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0, **options))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_end(loop))
        loop.close()


async def _end(loop: asyncio.AbstractEventLoop) -> None:
    left = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def smtp(sink: Sink, **options: Any) -> Iterator[SmartHost]:
    with listening(lambda: SMTP(sink, hostname="relay.example", **options)) as port:
        yield SmartHost("127.0.0.1", port, reply_seconds=2, total_seconds=5)


class Scripted(asyncio.Protocol):
    """A server that says fixed things: after each line of the client the next piece, then what `last` says."""

    def __init__(self, *pieces: bytes, last: Callable[[asyncio.Transport], None] = lambda transport: None) -> None:
        self.pieces, self.last = list(pieces), last

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"QUIT"):
            self._next()

    def _next(self) -> None:
        if self.pieces:
            self.transport.write(self.pieces.pop(0))
        else:
            self.last(self.transport)


def test_a_letter_arrives_as_composed_with_one_recipient_and_the_return_path() -> None:
    sink = Sink()
    with smtp(sink) as host:
        sent = send(RAW, envelope_from(LETTER), LETTER.to, host)
    assert sent.evidence == "250 queued as 1"
    (envelope,) = sink.taken
    assert envelope.mail_from == LETTER.reply_address
    assert envelope.rcpt_tos == ["mario@acme.example"]
    assert envelope.original_content.rstrip(b"\r\n") == RAW.rstrip(b"\r\n")


def test_an_acknowledgement_leaves_with_an_empty_return_path() -> None:
    sink = Sink()
    with smtp(sink) as host:
        send(RAW, "", LETTER.to, host)
    assert sink.taken[0].mail_from == "<>"  # as aiosmtpd names the empty path


@pytest.mark.parametrize(
    ("step", "reply", "kind"),
    [
        ("rcpt", "550 5.1.1 no such mailbox here", Refused),
        ("rcpt", "450 4.2.1 try later", Unsent),
        ("data", "554 5.6.0 content refused", Refused),
        ("data", "451 4.3.0 local trouble", Unsent),
        ("data", "552 5.3.4 too large", Refused),
        ("mail", "553 5.7.1 sender not ours", Refused),
        ("mail", "421 4.3.2 shutting down", Unsent),
    ],
)
def test_a_refusal_is_permanent_or_temporary_and_keeps_the_servers_words(
    step: str, reply: str, kind: type[Refused | Unsent]
) -> None:
    sink = Sink(**{step: reply})
    with smtp(sink) as host, pytest.raises(kind) as trouble:
        send(RAW, "", LETTER.to, host)
    assert isinstance(trouble.value, Permanent if kind is Refused else Temporary)
    assert reply in trouble.value.evidence
    assert reply not in trouble.value.public
    assert not getattr(trouble.value, "doubtful", False)
    assert sink.taken == []


def test_nobody_listening_is_temporary() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(Unsent) as trouble:
            send(RAW, "", LETTER.to, SmartHost("127.0.0.1", port, reply_seconds=2))
    assert trouble.value.public == "The mail server could not be reached."
    assert not trouble.value.doubtful


@pytest.mark.parametrize(
    "greeting", [b"554 go away\r\n", b"421 busy\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xfe\r\n"]
)
def test_a_server_that_does_not_let_us_in_says_nothing_about_the_letter(greeting: bytes) -> None:
    with listening(lambda: Scripted(greeting)) as port, pytest.raises(Unsent) as trouble:
        send(RAW, "", LETTER.to, SmartHost("127.0.0.1", port, reply_seconds=1, total_seconds=3))
    assert not trouble.value.doubtful


def test_a_line_that_breaks_after_the_letter_leaves_a_doubt() -> None:
    def server() -> Scripted:
        said = (b"220 hi\r\n", b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")
        return Scripted(*said, last=lambda transport: transport.abort())

    with listening(server) as port, pytest.raises(Unsent) as trouble:
        send(RAW, "", LETTER.to, SmartHost("127.0.0.1", port, reply_seconds=2, total_seconds=5))
    assert trouble.value.doubtful


def test_a_server_that_drips_or_is_silent_holds_us_no_longer_than_the_deadline() -> None:
    def drip(transport: asyncio.Transport) -> None:
        if not transport.is_closing():
            transport.write(b"250-more\r\n")
            asyncio.get_running_loop().call_later(0.05, drip, transport)

    with listening(lambda: Scripted(b"220 hi\r\n", last=drip)) as port, pytest.raises(Unsent):
        send(RAW, "", LETTER.to, SmartHost("127.0.0.1", port, reply_seconds=30, total_seconds=0.5))
    with listening(Scripted) as port, pytest.raises(Unsent):
        send(RAW, "", LETTER.to, SmartHost("127.0.0.1", port, reply_seconds=0.3, total_seconds=30))


def test_encryption_that_was_asked_for_is_never_left_out() -> None:
    sink = Sink()
    with smtp(sink) as host, pytest.raises(Unsent):
        send(RAW, "", LETTER.to, SmartHost("127.0.0.1", host.port, "starttls", reply_seconds=2))
    assert sink.taken == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_encrypted_letter_goes_only_to_a_server_that_proves_its_name(tmp_path: Path, security: Security) -> None:
    pem = tmp_path / "relay.pem"
    pem.write_text(CERTIFICATE)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(pem)
    ours = ssl.create_default_context(cadata=CERTIFICATE[CERTIFICATE.index("-----BEGIN CERT") :])
    sink = Sink()
    options: dict[str, Any] = {"tls_context": theirs, "require_starttls": True} if security == "starttls" else {}
    door = {"ssl": theirs} if security == "tls" else {}
    with listening(lambda: SMTP(sink, hostname="relay.example", **options), **door) as port:
        with pytest.raises(Unsent) as trouble:
            send(RAW, "", LETTER.to, SmartHost("127.0.0.1", port, security, reply_seconds=2))
        assert "certificate" in trouble.value.evidence.lower()
        assert sink.taken == []
        send(RAW, "", LETTER.to, SmartHost("127.0.0.1", port, security, reply_seconds=2, tls=ours))
    assert len(sink.taken) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_login_is_made_and_a_wrong_password_is_temporary_and_not_repeated_in_words() -> None:
    def allow(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data == LoginPassword(b"presa", b"right-one"), handled=False)

    sink = Sink()
    with smtp(sink, authenticator=allow, auth_require_tls=False, auth_required=True) as host:
        for password, taken in (("right-one", 1), ("wrong-one", 1)):
            known = SmartHost("127.0.0.1", host.port, username="presa", password=password, reply_seconds=2)
            if password == "right-one":
                send(RAW, "", LETTER.to, known)
            else:
                with pytest.raises(Unsent) as trouble:
                    send(RAW, "", LETTER.to, known)
                assert "535" in trouble.value.evidence
                assert password not in trouble.value.evidence + trouble.value.public
            assert len(sink.taken) == taken
    assert "right-one" not in repr(SmartHost("relay.example", password="right-one"))


def test_an_address_beyond_ascii_needs_a_server_that_knows_it() -> None:
    sink = Sink()
    with smtp(sink, enable_SMTPUTF8=True) as host:
        send(RAW, "", "josé@acme.example", host)
    assert sink.taken[0].rcpt_tos == ["josé@acme.example"]
    with smtp(sink, enable_SMTPUTF8=False) as host, pytest.raises(Refused):
        send(RAW, "", "josé@acme.example", host)


@pytest.mark.parametrize(
    "to", ["a@b.example, c@d.example", "a@b.example>\r\nRCPT TO:<c@d.example", "", "Mario <a@b.example>"]
)
def test_no_value_makes_a_second_recipient_or_command(to: str) -> None:
    sink = Sink()
    with smtp(sink) as host:
        with pytest.raises(Refused):
            send(RAW, "", to, host)
        with pytest.raises(Refused):
            send(RAW, to or "x", LETTER.to, host)
    assert sink.taken == []


def test_the_outbox_keeps_a_letter_and_calls_nobody() -> None:
    assert send(RAW, "", LETTER.to, smart_host("outbox:")).evidence == "kept in the outbox"
    assert smart_host("outbox:").is_outbox


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:2500", ("127.0.0.1", 2500, "none", "")),
        ("smtp://relay.example", ("relay.example", 25, "none", "")),
        ("smtp+starttls://me%40x.example@relay.example", ("relay.example", 587, "starttls", "me@x.example")),
        ("smtps://me@[::1]:4650", ("::1", 4650, "tls", "me")),
        ("smtp://me@localhost", ("localhost", 25, "none", "me")),
        ("smtps://me:p%40ss@relay.example", ("relay.example", 465, "tls", "me")),
    ],
)
def test_a_smart_host_is_read_from_its_address(url: str, expected: tuple[str, int, str, str]) -> None:
    host = smart_host(url)
    assert host.password == ("p@ss" if "%40ss" in url else "")
    assert smart_host(url, password="s").password == "s"
    assert (host.host, host.port, host.security, host.username) == expected


@pytest.mark.parametrize(
    "url",
    ["", "relay.example", "http://relay.example", "smtp://", "smtp://x:notaport", "smtp://x:99999", "smtp://x/path", "smtp://x?tls=1",
     "smtp://me:password@relay.example", "smtp://me@relay.example", "outbox", "smtp://[::1"],
)  # fmt: skip
def test_an_address_that_is_no_smart_host_is_refused_in_words(url: str) -> None:
    with pytest.raises(ValueError) as trouble:
        smart_host(url)
    assert "password" not in str(trouble.value)
