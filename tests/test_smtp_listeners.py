"""The other ways to the mail door: TLS from the first byte, certificates that change, LMTP, proxies and relays."""

import contextlib
import dataclasses
import os
import shutil
import smtplib
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from smtp_peer import CERTIFICATE, QUICK, Peer, house

from gateway.errors import Permanent
from gateway.smtp import Certificate, Delivery, Door, Listener
from gateway.smtp.hall import networks, within

LOOPBACK = ("127.0.0.1",)


def limits(**changes: float):
    return dataclasses.replace(QUICK, **changes)


# TLS from the first byte (RFC 8314)


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def test_tls_from_the_first_byte_carries_a_mail_and_offers_no_starttls() -> None:
    with (
        house(tls=True, encrypted=True) as it,
        smtplib.SMTP_SSL("localhost", it.door.port, timeout=30, context=trusting()) as client,
    ):
        client.ehlo()
        assert not client.has_extn("starttls")
        assert client.docmd("STARTTLS")[0] == 503
        client.sendmail("a@acme.example", ["support@example.test"], b"x" * 200_000)
        assert it.mails[0].tls


def test_who_speaks_in_the_clear_where_tls_is_expected_is_not_heard() -> None:
    with house(tls=True, encrypted=True) as it:
        with Peer(it, greeting=False) as peer:
            peer.send(b"EHLO client.example\r\nMAIL FROM:<a@acme.example>\r\n")
            with contextlib.suppress(ConnectionError):
                while piece := peer.socket.recv(1000):
                    assert b"250" not in piece
        with smtplib.SMTP_SSL("localhost", it.door.port, timeout=30, context=trusting()) as client:
            assert client.noop()[0] == 250


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(version: ssl.TLSVersion) -> None:
    old = trusting()
    old.minimum_version = old.maximum_version = version
    old.set_ciphers("ALL:@SECLEVEL=0")
    with house(tls=True) as it, smtplib.SMTP("localhost", it.door.port, timeout=30) as client:
        with pytest.raises((ssl.SSLError, ConnectionError, smtplib.SMTPServerDisconnected)):
            client.starttls(context=old)
        assert it.door.sessions <= 1


# Certificates that change


@pytest.fixture
def files(tmp_path: Path) -> Path:
    shutil.copy(CERTIFICATE, tmp_path / "mail.pem")
    return tmp_path / "mail.pem"


def another(file: Path) -> None:
    """A new self-signed certificate in the place of the old one."""
    made = file.with_name("made.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", made.with_suffix(".key"), "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    file.with_name("new").write_text(made.read_text() + made.with_suffix(".key").read_text())
    os.replace(file.with_name("new"), file)


def shown(it) -> str:
    """The certificate that a new session gets."""
    with Peer(it) as peer:
        assert "STARTTLS" in peer.ask("EHLO client.example")
        assert peer.ask("STARTTLS").startswith("220")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        peer.socket = context.wrap_socket(peer.socket)
        return ssl.DER_cert_to_PEM_cert(peer.socket.getpeercert(True) or b"")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_new_certificate_is_taken_up_without_a_restart_and_old_sessions_go_on(files: Path) -> None:
    certificate = Certificate(files, files)
    with house(tls=certificate) as it, Peer(it) as peer:
        peer.ask("EHLO client.example")
        assert peer.ask("STARTTLS").startswith("220")
        peer.start_tls()
        assert peer.ask("EHLO client.example").startswith("250")
        before = shown(it)
        assert certificate.watch() is None
        another(files)
        assert certificate.watch() is None
        assert shown(it) == before, "taken up while it was perhaps still being written"
        assert certificate.watch() is None
        assert shown(it) != before
        assert shown(it) in files.read_text()
        assert peer.ask("NOOP").startswith("250")


@pytest.mark.parametrize("broken", ["no certificate at all", "", None], ids=["nonsense", "empty", "missing"])
def test_a_broken_certificate_keeps_the_old_one_and_is_told_once(files: Path, broken: str | None) -> None:
    certificate = Certificate(files, files)
    with house(tls=certificate) as it:
        before = shown(it)
        if broken is None:
            files.unlink()
        else:
            files.write_text(broken)
        assert certificate.watch() is None
        trouble = certificate.watch() or ""
        assert str(files) in trouble
        assert "stays" in trouble
        assert certificate.watch() is None
        assert shown(it) == before
        shutil.copy(CERTIFICATE, files)
        assert certificate.reload() is None


def test_files_that_are_no_certificate_are_an_error_at_start(files: Path) -> None:
    files.write_text("no certificate at all")
    with pytest.raises(Permanent, match="cannot be used"):
        Certificate(files, files)
    with pytest.raises(Permanent, match="No such file"):
        Certificate(files.with_name("missing.pem"), files)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_an_encrypted_key_is_an_error_and_asks_nobody(files: Path) -> None:
    key = files.with_name("locked.pem")
    command = ["openssl", "pkey", "-in", files, "-aes128", "-passout", "pass:secret", "-out", key]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(Permanent, match="encrypted"):
        Certificate(files, key)


# LMTP (RFC 2033)


def test_lmtp_hands_a_mail_over_with_its_door() -> None:
    with house(protocol="lmtp") as it, smtplib.LMTP("127.0.0.1", it.door.port) as client:
        client.sendmail("mario@acme.example", ["support@example.test"], b"Subject: a\r\n\r\nb\r\n")
        assert (it.mails[0].door, it.mails[0].raw, it.mails[0].size) == ("lmtp", b"Subject: a\r\n\r\nb\r\n", None)


def test_what_is_too_big_for_us_is_taken_in_part_over_lmtp() -> None:
    with house(limits(size=10_000), protocol="lmtp") as it, smtplib.LMTP("127.0.0.1", it.door.port) as client:
        assert client.ehlo()[0] == 250
        text = b"Subject: big\r\n\r\n" + b"x" * 100_000
        client.sendmail("mario@acme.example", ["support@example.test"], text)
        assert it.mails[0].raw == text[:10_000]
        assert it.mails[0].size is not None
        assert len(text) <= it.mails[0].size <= len(text) + 10
        client.sendmail("mario@acme.example", ["support@example.test"], b"small")
        assert it.mails[1].size is None


def test_lmtp_works_over_a_socket_in_the_file_system(tmp_path: Path) -> None:
    mails: list[Delivery] = []

    async def deliver(mail: Delivery) -> str:
        mails.append(mail)
        return "2.0.0 Ok"

    path = str(tmp_path / "lmtp.sock")
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(path)
    with house() as it:
        door = Door(deliver=deliver, ours=lambda address: True, listeners=[Listener(bound, "lmtp")], host="", port=0)
        it.do(door.start())
        with smtplib.LMTP(path) as client:
            client.sendmail("mario@acme.example", ["support@example.test"], b"x")
        it.do(door.stop())
    assert [(mail.peer, mail.recipients) for mail in mails] == [("127.0.0.1", ("support@example.test",))]


def test_a_refusal_over_lmtp_is_said_for_each_recipient() -> None:
    async def deliver(mail: Delivery) -> str:
        raise Permanent("This can not be taken")

    with house(deliver=deliver, protocol="lmtp") as it, Peer(it) as peer:
        for line in ("LHLO c", "MAIL FROM:<>", "RCPT TO:<support@example.test>", "RCPT TO:<Support@example.test>"):
            assert peer.ask(line).startswith("250")
        assert peer.ask("DATA").startswith("354")
        peer.send(b"x\r\n.\r\n")
        assert [peer.reply(), peer.reply()] == ["554 5.6.0 This can not be taken"] * 2
        assert peer.ask("NOOP").startswith("250")


# The PROXY protocol


def v2(command: int, family: int, rest: bytes) -> bytes:
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x20 | command, family]) + len(rest).to_bytes(2, "big") + rest


FOUR = socket.inet_aton("203.0.113.7") + socket.inet_aton("192.0.2.1") + b"\x12\x34\x00\x19"
SIX = socket.inet_pton(socket.AF_INET6, "2001:db8::7") * 2 + b"\x12\x34\x00\x19"


@pytest.mark.parametrize(
    ("header", "peer"),
    [
        (b"PROXY TCP4 203.0.113.7 192.0.2.1 4660 25\r\n", "203.0.113.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 4660 25\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (v2(1, 0x11, FOUR), "203.0.113.7"),
        (v2(1, 0x21, SIX), "2001:db8::7"),
        (v2(1, 0x11, FOUR + b"\x04\0\3abc"), "203.0.113.7"),
        (v2(0, 0x11, FOUR), "127.0.0.1"),
        (v2(0, 0, b""), "127.0.0.1"),
    ],
    ids=["v1", "v1 IPv6", "v1 unknown", "v2", "v2 IPv6", "v2 with more", "v2 local", "v2 local and nothing"],
)
def test_a_proxy_says_for_whom_it_speaks(header: bytes, peer: str) -> None:
    with house(proxies=LOOPBACK) as it, Peer(it, greeting=False) as client:
        client.send(header + b"EHLO client.example\r\n")
        assert client.reply().startswith("220")
        assert client.reply().startswith("250")
        for line in ("MAIL FROM:<a@b.example>", "RCPT TO:<support@example.test>"):
            assert client.ask(line).startswith("250")
        client.ask("DATA")
        client.send(b"x\r\n.\r\n")
        assert client.reply().startswith("250")
        assert it.mails[0].peer == peer


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO client.example\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 4660\r\n",
        b"PROXY TCP4 999.0.113.7 192.0.2.1 4660 25\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 4660 25\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 4660 25 more\r\n",
        b"PROXY " + b"x" * 200 + b"\r\n",
        b"PROXY\r\n",
        b"PROXYX TCP4 203.0.113.7 192.0.2.1 4660 25\r\n",
        v2(1, 0x11, FOUR[:8]),
        v2(7, 0x11, FOUR),
        v2(1, 0x99, FOUR),
        v2(1, 0x11, FOUR).replace(b"QUIT", b"QUIX"),
    ],
)
def test_a_bad_proxy_header_closes_the_connection_without_a_word(header: bytes) -> None:
    with house(proxies=LOOPBACK) as it, Peer(it, greeting=False) as client:
        client.send(header + b"EHLO client.example\r\n")
        with contextlib.suppress(ConnectionError):
            assert client.socket.recv(1000) == b""
    assert it.mails == []


def test_a_proxy_header_from_anybody_else_is_no_header() -> None:
    with house(proxies=("192.0.2.0/24",)) as it, Peer(it) as client:
        client.send(b"PROXY TCP4 203.0.113.7 192.0.2.1 4660 25\r\n")
        assert client.reply().startswith("500")


def test_connections_behind_a_proxy_are_counted_by_who_is_there() -> None:
    with (
        house(limits(connections_per_peer=1), proxies=LOOPBACK) as it,
        Peer(it, greeting=False) as first,
        Peer(it, greeting=False) as second,
        Peer(it, greeting=False) as third,
    ):
        first.send(b"PROXY TCP4 203.0.113.7 192.0.2.1 4660 25\r\n")
        assert first.reply().startswith("220")
        second.send(b"PROXY TCP4 203.0.113.8 192.0.2.1 4660 25\r\n")
        assert second.reply().startswith("220")
        third.send(b"PROXY TCP4 203.0.113.7 192.0.2.1 4661 25\r\n")
        assert third.reply().startswith("421")


def test_tls_from_the_first_byte_works_behind_a_proxy_in_one_packet() -> None:
    with house(tls=True, encrypted=True, proxies=LOOPBACK) as it:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trusting().wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        with socket.create_connection(("127.0.0.1", it.door.port), timeout=30) as line:
            line.sendall(b"PROXY TCP4 203.0.113.7 192.0.2.1 4660 25\r\n" + outgoing.read())
            while True:
                incoming.write(line.recv(65536))
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    pass
            line.sendall(outgoing.read())
            greeting = b""
            while not greeting:
                with contextlib.suppress(ssl.SSLWantReadError):
                    greeting = tls.read()
                    break
                incoming.write(line.recv(65536))
            assert greeting.startswith(b"220 ")


# Relays


def test_a_relay_has_wider_caps_than_a_stranger() -> None:
    narrow = limits(connections_per_peer=1, commands=10, errors=1, greet_delay=60.0)
    with house(narrow, relays=LOOPBACK) as it, Peer(it, greeting=False) as first:
        begun = time.monotonic()
        assert first.reply().startswith("220")
        assert time.monotonic() - begun < 30
        with Peer(it) as second:
            for _ in range(30):
                assert second.ask("VRFY x").startswith("252")
                assert second.ask("XYZZY").startswith("500")


def test_strangers_never_take_up_the_room_of_a_relay() -> None:
    with house(limits(connections=2), proxies=LOOPBACK, relays=("203.0.113.7",)) as it, contextlib.ExitStack() as crowd:
        for stranger in (1, 2):
            peer = crowd.enter_context(Peer(it, greeting=False))
            peer.send(f"PROXY TCP4 198.51.100.{stranger} 192.0.2.1 1 25\r\n".encode())
            assert peer.reply().startswith("220")
        third = crowd.enter_context(Peer(it, greeting=False))
        third.send(b"PROXY TCP4 198.51.100.3 192.0.2.1 1 25\r\n")
        assert third.reply().startswith("421")
        relay = crowd.enter_context(Peer(it, greeting=False))
        relay.send(b"PROXY TCP4 203.0.113.7 192.0.2.1 1 25\r\n")
        assert relay.reply().startswith("220")


@pytest.mark.parametrize(
    ("peer", "there"),
    [("192.0.2.7", True), ("::ffff:192.0.2.7", True), ("198.51.100.1", False), ("2001:db8::1%eth0", True), ("", False)],
)
def test_a_peer_is_found_in_a_network(peer: str, there: bool) -> None:
    assert within(peer, networks(["192.0.2.0/24", "2001:db8::/32"])) is there
