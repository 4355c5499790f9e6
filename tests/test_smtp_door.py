"""The mail door against real peers on loopback: honest, careless and hostile ones."""

import asyncio
import contextlib
import dataclasses
import logging
import os
import random
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from smtp_peer import CERTIFICATE, QUICK, Peer, house

from gateway.errors import Permanent, Temporary
from gateway.mail import porter
from gateway.smtp import Delivery, Door, Limits, Listener
from gateway.smtp.hall import counted_as

SECRET = "sqlite3.OperationalError: no such table: tickets (/srv/presa/var/presa.db) SELECT * FROM tickets"


def limits(**changes: float) -> Limits:
    return dataclasses.replace(QUICK, **changes)


def send(it, text: str = "Subject: hello\r\n\r\nHello.\r\n") -> None:
    with smtplib.SMTP("127.0.0.1", it.door.port, timeout=30) as client:
        client.sendmail("mario@acme.example", ["support@example.test"], text.encode())


# Honest clients


def test_a_delivery_holds_everything_that_is_known_about_the_receipt() -> None:
    with house() as it, smtplib.SMTP("127.0.0.1", it.door.port, local_hostname="desk7.acme.example") as client:
        client.sendmail("mario@acme.example", ["support@example.test"], b"Subject: a\r\n\r\n.b\r\n..c\r\n")
        assert it.mails == [
            Delivery(
                "127.0.0.1",
                "desk7.acme.example",
                "mario@acme.example",
                ("support@example.test",),
                b"Subject: a\r\n\r\n.b\r\n..c\r\n",
            )
        ]


def test_very_long_lines_bytes_beyond_ascii_and_nul_arrive_untouched() -> None:
    text = b"Subject: long\r\n\r\n" + b"x" * 300_000 + b"\r\n\xe8\xff\0\t \r\n" + b"bare\nbare\rbare\r\n"
    with house() as it, Peer(it) as peer:
        peer.begin()
        peer.send(text + b".\r\n")
        assert peer.reply().startswith("250")
        assert it.mails[0].raw == text


@pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed")
def test_swaks_can_send_also_over_tls() -> None:
    with house(tls=True) as it:
        common = [
            "swaks",
            "--server",
            f"127.0.0.1:{it.door.port}",
            "--to",
            "support@example.test",
            "--from",
            "a@acme.example",
        ]
        plain = subprocess.run(
            [*common, "--helo", "c.example"], check=False, capture_output=True, text=True, timeout=20
        )
        assert plain.returncode == 0, plain.stdout
        secure = subprocess.run(
            [*common, "--helo", "c.example", "--tls"], check=False, capture_output=True, text=True, timeout=20
        )
        if "TLS not available" in secure.stdout + secure.stderr:
            pytest.skip("swaks has no TLS module here")
        assert secure.returncode == 0, secure.stdout
        assert [mail.tls for mail in it.mails] == [False, True]


def test_the_words_after_250_are_those_of_the_delivery_and_can_not_break_the_protocol() -> None:
    async def deliver(mail: Delivery) -> str:
        return "2.0.0 Ok: queued as è\r\n221 injected" + "x" * 900

    with house(deliver=deliver) as it, Peer(it) as peer:
        peer.begin()
        peer.send(b".\r\n")
        reply = peer.reply()
        assert reply.startswith("250 2.0.0 Ok: queued as ???221 injected")
        assert len(reply) < 512
        assert peer.ask("NOOP").startswith("250")


# Trouble inside


@pytest.mark.parametrize(
    ("trouble", "code", "words"),
    [
        (Permanent("This can't be taken"), "554", "This can't be taken"),
        (Temporary("The store rests"), "451", "The store rests"),
        (RuntimeError(SECRET), "451", "reference"),
        (KeyError(SECRET), "451", "reference"),
        (TimeoutError(), "451", "reference"),
        (asyncio.CancelledError(), "451", "reference"),
        (ConnectionResetError(SECRET), "451", "reference"),
    ],
)
def test_trouble_in_the_delivery_is_answered_without_a_leak_and_the_session_goes_on(
    trouble, code, words, caplog
) -> None:
    async def deliver(mail: Delivery) -> str:
        raise trouble

    with house(deliver=deliver) as it, Peer(it) as peer, caplog.at_level(logging.ERROR):
        peer.begin()
        peer.send(b"x\r\n.\r\n")
        reply = peer.reply()
        assert reply.startswith(code)
        assert words in reply
        for leak in ("Error", "sqlite", "/srv", "SELECT", "Traceback", "Cancelled"):
            assert leak not in reply
        if words == "reference":
            reference = reply.rpartition("reference ")[2].rstrip(")")
            assert any(reference in record.getMessage() for record in caplog.records)
        assert peer.ask("NOOP").startswith("250")


def test_trouble_while_looking_up_a_recipient_is_451_without_a_leak() -> None:
    def ours(address: str) -> bool:
        raise RuntimeError(SECRET)

    with house(ours=ours) as it, Peer(it) as peer:
        peer.ask("EHLO c.example")
        peer.ask("MAIL FROM:<a@acme.example>")
        reply = peer.ask("RCPT TO:<support@example.test>")
        assert reply.startswith("451")
        assert "sqlite" not in reply
        assert peer.reply() == "closed"


def test_a_delivery_that_takes_too_long_is_451_and_still_finishes() -> None:
    gate = asyncio.Event()

    async def deliver(mail: Delivery) -> str:
        await gate.wait()
        return "2.0.0 Ok"

    with house(limits(answer=0.1), deliver=deliver) as it, Peer(it) as peer:
        peer.begin()
        peer.send(b"x\r\n.\r\n")
        assert peer.reply().startswith("451")
        assert it.mails == []
        it.loop.call_soon_threadsafe(gate.set)
        it.wait_for_mail()


# Clients that go away


@pytest.mark.parametrize("abruptly", [False, True])
def test_a_client_that_hangs_up_during_the_commit_has_its_mail_delivered_once(abruptly) -> None:
    started, gate = threading.Event(), asyncio.Event()

    async def deliver(mail: Delivery) -> str:
        started.set()
        await gate.wait()
        return "2.0.0 Ok"

    with house(deliver=deliver) as it:
        with Peer(it) as peer:
            peer.begin()
            peer.send(b"x\r\n.\r\n")
            assert started.wait(30)
            if abruptly:
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        it.loop.call_soon_threadsafe(gate.set)
        it.wait_for_mail()
        send(it, "Subject: other\r\n\r\n")
        assert len(it.mails) == 2


def test_a_client_that_sends_its_dot_and_half_closes_gets_its_answer() -> None:
    with house() as it, Peer(it) as peer:
        peer.begin()
        peer.send(b"x\r\n.\r\nQUIT\r\n")
        peer.socket.shutdown(socket.SHUT_WR)
        assert [reply[:3] for reply in peer.all_replies()] == ["250", "221"]
        assert len(it.mails) == 1


def test_a_mail_cut_off_before_its_end_is_no_mail() -> None:
    with house() as it:
        with Peer(it) as peer:
            peer.begin()
            peer.send(b"Subject: half\r\n\r\nhalf a mail\r\n.")
        send(it)
        assert [mail.raw for mail in it.mails] == [b"Subject: hello\r\n\r\nHello.\r\n"]


# Smuggling (S1)

INNER = b"MAIL FROM:<evil@acme.example>\r\nRCPT TO:<support@example.test>\r\nDATA\r\nMessage-ID: <inner@x>\r\n\r\ninner\r\n.\r\n"
SEQUENCES = [
    b"\n.\n",
    b"\n.\r",
    b"\r.\n",
    b"\r.\r",
    b"\n.\r\n",
    b"\r.\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r\r\n.\r\r\n",
    b"\r\r\n.\r\n",
    b"\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n\0.\0\r\n",
    b"\n\0.\n",
    b"\r\n .\r\n",
]


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("sequence", SEQUENCES, ids=repr)
def test_no_sequence_smuggles_a_second_mail(sequence, pieces) -> None:
    """Attack S1."""
    with house() as it, Peer(it) as peer:
        peer.begin()
        outer = b"Message-ID: <outer@x>\r\n\r\nouter" + sequence
        if pieces == 1:
            peer.send(outer + INNER)
        else:
            peer.send(outer)
            with contextlib.suppress(ConnectionError):
                peer.send(INNER)
        reply = peer.reply()
        if reply.startswith("250"):
            assert len(it.mails) == 1
            assert it.mails[0].raw.startswith(b"Message-ID: <outer@x>")
            assert b"Message-ID: <inner@x>" in it.mails[0].raw
            assert peer.ask("NOOP").startswith("250 2.0.0")
        else:
            assert reply.startswith("554")
            assert peer.all_replies() == []
            assert it.mails == []


# STARTTLS (S2)


def test_after_starttls_the_mail_comes_encrypted() -> None:
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with house(tls=True) as it, smtplib.SMTP("localhost", it.door.port, timeout=30) as client:
        client.starttls(context=context)
        client.sendmail("a@acme.example", ["support@example.test"], b"x" * 200_000)
        assert it.mails[0].tls
        assert len(it.mails[0].raw) > 200_000


def test_what_is_said_before_the_handshake_is_never_run() -> None:
    """Attack S2."""
    with house(tls=True) as it, Peer(it) as peer:
        assert "STARTTLS" in peer.ask("EHLO clear.example")
        peer.send(b"STARTTLS\r\nMAIL FROM:<evil@acme.example>\r\nNOOP\r\n")
        assert peer.reply().startswith("220")
        peer.start_tls()
        assert peer.ask("MAIL FROM:<a@acme.example>").startswith("503"), "the name given in the clear is forgotten"
        assert "STARTTLS" not in peer.ask("EHLO client.example")
        assert peer.ask("RCPT TO:<support@example.test>").startswith("503"), "the injected sender was taken"
        assert peer.ask("STARTTLS").startswith("503")


def test_a_sender_given_in_the_clear_is_forgotten_at_starttls() -> None:
    """Attack S2."""
    with house(tls=True) as it, Peer(it) as peer:
        peer.ask("EHLO client.example")
        peer.ask("MAIL FROM:<a@acme.example>")
        assert peer.ask("STARTTLS").startswith("220")
        peer.start_tls()
        peer.ask("EHLO client.example")
        assert peer.ask("RCPT TO:<support@example.test>").startswith("503")


def test_a_failed_handshake_ends_the_session_and_harms_nobody() -> None:
    with house(tls=True) as it:
        with Peer(it) as peer:
            peer.ask("EHLO client.example")
            assert peer.ask("STARTTLS").startswith("220")
            peer.send(b"NOOP\r\nNOOP\r\nthis is no handshake\r\n")
            peer.buffer = b""
            with contextlib.suppress(ConnectionError):
                while piece := peer.socket.recv(1000):
                    assert b"250" not in piece
        send(it)
        assert len(it.mails) == 1


# Floods and sloth (S4)


def test_connections_of_one_peer_are_capped_and_freed_again() -> None:
    with house(limits(connections_per_peer=2)) as it:
        with Peer(it), Peer(it) as second, Peer(it, greeting=False) as third:
            assert third.reply().startswith("421")
            assert third.reply() == "closed"
            assert second.ask("QUIT").startswith("221")
            assert second.reply() == "closed"
            until(lambda: it.door.sessions == 1)
            with Peer(it) as fourth:
                assert fourth.ask("NOOP").startswith("250")
        until(lambda: it.door.sessions == 0)


def test_connections_are_capped_in_all() -> None:
    with house(limits(connections=1)) as it, Peer(it), Peer(it, greeting=False) as second:
        assert second.all_replies() == ["421 4.7.0 Too many connections, try again later"]


@pytest.mark.parametrize(
    ("peer", "who"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one_peer(peer, who) -> None:
    assert counted_as(peer) == who


def test_an_idle_client_is_sent_away() -> None:
    with house(limits(idle=0.1)) as it, Peer(it) as peer:
        assert peer.all_replies() == ["421 4.4.2 Took too long"]


def test_a_client_that_dribbles_its_mail_is_sent_away() -> None:
    with house(limits(data_grace=0.15, data_rate=100)) as it, Peer(it) as peer:
        peer.begin()
        begun = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - begun < 20 and not it.loop.is_closed():
                peer.send(b"x")
                peer.socket.settimeout(0.02)
                with contextlib.suppress(TimeoutError):
                    peer.buffer += peer.socket.recv(100)
                    break
        assert peer.buffer.startswith(b"421 4.4.2")
        assert it.mails == []


def test_a_client_that_never_reads_its_answers_is_held_up_and_sent_away() -> None:
    with house(limits(commands=10_000_000, idle=0.1, linger=0.1)) as it, Peer(it) as peer:
        peer.socket.settimeout(2)
        with pytest.raises((ConnectionError, TimeoutError)):
            peer.send(b"VRFY somebody\r\n" * 2_000_000)
        until(lambda: it.door.sessions == 0)


def test_whatever_is_said_every_answer_is_one_of_ours() -> None:
    dice = random.Random(9)
    words = ["EHLO", "MAIL", "FROM:", "<a@b.example>", "RCPT", "TO:<support@example.test>", "DATA", "RSET", "VRFY", "."]
    words += [
        "NOOP",
        "STARTTLS",
        "<>",
        "SIZE=1",
        " ",
        "\t",
        "\0",
        "\r",
        "\n",
        "è",
        "%s",
        "{}",
        "HELP",
        "QUIT",
        "STAR TTLS",
    ]
    with house(limits(idle=0.2)) as it:
        for _ in range(60):
            with Peer(it) as peer:
                said = "".join(dice.choice(words) + dice.choice(["", " ", "\r\n"]) for _ in range(40))
                with contextlib.suppress(ConnectionError):
                    peer.send(said.encode() + b"\r\n.\r\nQUIT\r\n")
                for reply in peer.all_replies():
                    assert re.fullmatch(r"(\d{3}[ -][\x20-\x7e]+\n?)+", reply)
                    assert not reply.startswith("451")


def test_a_session_does_not_last_for_ever() -> None:
    with house(limits(session=0.0)) as it, Peer(it) as peer:
        assert peer.ask("NOOP").startswith("421")
        assert peer.reply() == "closed"


def test_a_normal_mail_passes_while_idle_and_dribbling_clients_stand_about() -> None:
    with house() as it, contextlib.ExitStack() as crowd:
        peers = [crowd.enter_context(Peer(it)) for _ in range(50)]
        for peer in peers[:10]:
            peer.begin()
            peer.send(b"never ending")
        begun = time.monotonic()
        send(it)
        assert time.monotonic() - begun < QUICK.idle / 2
        assert len(it.mails) == 1


def test_an_oversized_mail_is_552_and_the_session_goes_on() -> None:
    with house(limits(size=100_000)) as it, Peer(it) as peer:
        peer.begin()
        peer.send(b"x" * 300_000 + b"\r\n.\r\n")
        assert peer.reply().startswith("552")
        peer.begin()
        peer.send(b".\r\n")
        assert peer.reply().startswith("250")


def test_a_mail_that_never_ends_is_cut_off() -> None:
    with house(limits(size=100_000)) as it, Peer(it) as peer:
        peer.begin()
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                peer.send(b"x" * 10_000)
        assert peer.reply().startswith("552")
        assert peer.reply() == "closed"


def test_large_mails_share_a_memory_and_small_ones_always_pass() -> None:
    with house(limits(size=400_000, held=300_000, small=10_000)) as it, Peer(it) as first, Peer(it) as second:
        first.begin()
        first.send(b"x" * 250_000)
        until(lambda: it.door._hall.held > 200_000)
        second.begin()
        second.send(b"x" * 250_000 + b"\r\n.\r\n")
        assert second.reply().startswith("452")
        send(it)
        first.send(b"\r\n.\r\n")
        assert first.reply().startswith("250")
        second.begin()
        second.send(b"x" * 250_000 + b"\r\n.\r\n")
        assert second.reply().startswith("250")
        until(lambda: it.door._hall.held == 0)
        assert len(it.mails) == 3


MEMORY = """
import asyncio, resource, sys
from gateway.smtp import Door, Limits
async def deliver(mail): return "2.0.0 Ok"
async def main():
    limits = Limits(size=10_000_000)
    door = Door("127.0.0.1", 0, deliver=deliver, ours=lambda a: True, limits=limits, hostname="mx")
    await door.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(door.port, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("text", [b"x" * 65_536, b"\r\n.." * 16_384, b"\r" * 65_536], ids=["line", "dots", "returns"])
def test_memory_grows_by_less_than_twice_the_size_limit_for_30_megabytes(text) -> None:
    root = Path(__file__).parent.parent
    process = subprocess.Popen([sys.executable, "-c", MEMORY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)
    assert process.stdout
    try:
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
            client.settimeout(20)
            read = b""
            while b"354" not in read:
                read += client.recv(4096)
            for _ in range(30_000_000 // len(text)):
                client.sendall(text)
            client.sendall(b"\r\n.\r\n")
            assert client.recv(4096)[:3] in {b"552", b"554"}
        grown_kib = int(process.communicate(b"\n", timeout=20)[0])
        assert grown_kib * 1024 < 2 * 10_000_000
    finally:
        process.kill()
        process.wait()


def test_a_crowd_of_unfinished_mails_costs_less_than_twice_the_size_limit() -> None:
    """Attack S4: 95 connections, 116 MB, and none of them ever sends its dot."""
    root = Path(__file__).parent.parent
    command = [sys.executable, "-c", MEMORY.replace("10_000_000", "20_000_000")]
    environment = {**os.environ, **porter.LEAN}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=root, env=environment) as process:
        assert process.stdout
        try:
            port = int(process.stdout.readline())
            for count, size in ((15, 4_000_000), (80, 700_000)):
                with contextlib.ExitStack() as crowd:
                    lines = [
                        crowd.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
                        for _ in range(count)
                    ]
                    for line in lines:
                        line.sendall(b"EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n")
                        line.sendall(b"DATA\r\n")
                    for line in lines:
                        with line.makefile("rb", 0) as answers:
                            assert any(answers.readline().startswith(b"354") for _ in range(20))
                    for _ in range(size // 100_000):
                        for line in lines:
                            line.sendall(b"x" * 100_000)
            grown_kib = int(process.communicate(b"\n", timeout=20)[0])
            assert grown_kib * 1024 < 2 * 20_000_000
        finally:
            process.kill()


# Stopping


def test_stopping_sends_idle_clients_away_and_finishes_the_delivery_under_way() -> None:
    started, gate = threading.Event(), asyncio.Event()

    async def deliver(mail: Delivery) -> str:
        started.set()
        await gate.wait()
        return "2.0.0 Ok"

    with house(deliver=deliver) as it, Peer(it) as idle, Peer(it) as busy:
        busy.begin()
        busy.send(b"x\r\n.\r\n")
        assert started.wait(30)
        stopping = asyncio.run_coroutine_threadsafe(it.door.stop(), it.loop)
        assert idle.reply().startswith("421 4.3.2")
        assert idle.reply() == "closed"
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", it.door.port), timeout=1)
        assert not stopping.done()
        it.loop.call_soon_threadsafe(gate.set)
        assert [reply[:3] for reply in busy.all_replies()] == ["250", "421"]
        busy.socket.close()
        stopping.result(30)
        assert len(it.mails) == 1


def test_stopping_does_not_wait_for_ever() -> None:
    async def deliver(mail: Delivery) -> str:
        await asyncio.Event().wait()
        return ""

    with house(limits(stop=0.1, linger=0.1), deliver=deliver) as it, Peer(it) as peer:
        peer.begin()
        peer.send(b"x\r\n.\r\n")
        until(lambda: it.door.delivering == 1)
        it.do(asyncio.wait_for(it.door.stop(), 30))
        assert it.mails == []
        for task in it.door._hall.running:
            it.loop.call_soon_threadsafe(task.cancel)


def test_a_socket_bound_by_somebody_else_is_listened_on() -> None:
    taken: list[Delivery] = []

    async def deliver(mail: Delivery) -> str:
        taken.append(mail)
        return "2.0.0 Ok"

    with house() as it, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        door = Door("", 0, deliver=deliver, ours=lambda address: True, listeners=[Listener(bound)], limits=QUICK)
        it.do(door.start())
        port = bound.getsockname()[1]
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
            client.sendmail("a@b.example", ["c@d.example"], "text")
        assert [(one.envelope_from, one.recipients) for one in taken] == [("a@b.example", ("c@d.example",))]
        it.do(door.stop())
    assert [mail.recipients for mail in taken] == [("c@d.example",)]


def test_a_port_in_use_is_an_error_at_start() -> None:
    async def deliver(mail: Delivery) -> str:
        return "2.0.0 Ok"

    with house() as it, pytest.raises(OSError):
        it.do(Door("127.0.0.1", it.door.port, deliver=deliver, ours=lambda address: True).start())


def until(true) -> None:
    """Wait, in steps, until something holds."""
    step = threading.Event()
    for _ in range(3_000):
        if true():
            return
        step.wait(0.01)
    raise AssertionError("it never came true")
