"""The mailbox door as it runs: threads, IDLE, stopping, being killed; and what `presa check` says of a mailbox."""

import contextlib
import os
import re
import shutil
import signal
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from databases import EMPTY, Stock
from imap_desk import MailDesk, maildesk
from imap_server import PASSWORD, USER, Fault, Proxy, Server, mail
from nest import Hatched, nest
from outside_presa import free_port, until

from gateway.clock import SystemClock
from gateway.imap import Mailboxes
from gateway.imap.client import Declined, Dropped, Refused, Session
from gateway.settings.mailboxes import Mailbox
from gateway.store.database import Database, open_database

__all__ = ["maildesk"]
ROOT = Path(__file__).parents[1]


@pytest.fixture
def running(maildesk: MailDesk) -> Iterator[Mailboxes]:
    """The door, open, on the clock of the wall."""
    maildesk.world.database.clock = SystemClock()
    door = Mailboxes([maildesk.replica(poll=timedelta(hours=1))], renew_seconds=1.0)
    door.start()
    yield door
    door.stop()


def test_a_mail_is_taken_in_at_once_where_the_server_tells(maildesk: MailDesk, running: Mailboxes) -> None:
    until(lambda: "IDLE" in maildesk.proxy.commands, 10, "IDLE")
    maildesk.server.put(mail(1))
    until(maildesk.world.tickets, 10, "a ticket, an hour before the next poll")
    assert maildesk.subjects() == ["Guasto 1"]
    until(lambda: maildesk.server.flags() == {101: {b"\\Seen"}}, 10, "its flag")


@pytest.mark.parametrize(
    ("seconds", "at", "news"),
    [(600.0, rb"(\+ [^\r]*\r\n)", rb"\1* 1 EXISTS\r\n"), (0.0, rb"(\S+ OK)", rb"* 1 EXISTS\r\n\1")],
)
def test_what_the_server_says_as_the_listening_begins_or_ends_is_heard(
    maildesk: MailDesk, seconds: float, at: bytes, news: bytes
) -> None:
    """It comes in one piece with the answer to IDLE or DONE: nothing more is at the socket to wait for."""
    session = Session(maildesk.box)
    heard: Queue[bool] = Queue()
    maildesk.proxy.rewrite = lambda piece: re.sub(at, news, piece, count=1)
    threading.Thread(target=lambda: heard.put(session.wait(seconds)), daemon=True).start()
    try:
        assert heard.get(timeout=20)
    finally:
        session.drop()


def test_what_the_server_says_in_pieces_while_we_listen_does_not_end_the_session(maildesk: MailDesk) -> None:
    session = Session(maildesk.box)
    heard: Queue[bool] = Queue()
    back: list[bytes] = []

    def torn(piece: bytes) -> bytes:
        """All but the beginning of the first line stays back until we say DONE."""
        if not back and piece.startswith(b"* 1 EXISTS"):
            back.append(piece[7:])
            return piece[:7]
        if not back:
            return piece
        back.append(piece)
        if "DONE" not in maildesk.proxy.commands:
            return b""
        kept, back[:] = b"".join(back), [b""]
        return kept

    maildesk.proxy.rewrite = torn
    threading.Thread(target=lambda: heard.put(session.wait(600.0)), daemon=True).start()
    try:
        until(lambda: "IDLE" in maildesk.proxy.commands, 10, "IDLE")
        maildesk.server.put(mail(1))
        assert heard.get(timeout=20)
        assert "DONE" in maildesk.proxy.commands
    finally:
        session.drop()


def test_the_door_closes_at_once_while_it_listens_and_gives_the_lease_back(
    maildesk: MailDesk, running: Mailboxes
) -> None:
    until(lambda: "IDLE" in maildesk.proxy.commands, 10, "IDLE")
    start = time.monotonic()
    running.stop()
    assert time.monotonic() - start < 20
    other = maildesk.replica()
    other.step()
    assert other.session is not None


def test_the_door_closes_at_once_while_a_server_does_not_answer(maildesk: MailDesk) -> None:
    maildesk.proxy.faults = [Fault("SEARCH", do="answer", answer=b"* OK wait\r\n", then_end=False, times=99)]
    door = Mailboxes([maildesk.replica()])
    door.start()
    until(lambda: any("SEARCH" in command for command in maildesk.proxy.commands), 10, "a question without an answer")
    start = time.monotonic()
    door.stop()
    assert time.monotonic() - start < 20


def test_a_server_that_drips_holds_a_session_no_longer_than_its_deadline(maildesk: MailDesk) -> None:
    watch = maildesk.replica()
    maildesk.settle(watch)
    session = watch.session
    assert session is not None
    session.expire()
    assert session.sees(1) is False  # nothing is asked: the session has no deadline, and goes on
    session.deadline = time.monotonic() - 1
    session.expire()
    watch.step()
    assert watch.session is not session


def test_idle_is_renewed_at_every_poll(maildesk: MailDesk) -> None:
    maildesk.world.database.clock = SystemClock()
    door = Mailboxes([maildesk.replica(poll=timedelta(seconds=0.2))])
    door.start()
    until(lambda: maildesk.proxy.commands.count("DONE") >= 3, 10, "IDLE ended and begun again")
    door.stop()
    assert maildesk.proxy.connections == 1


# Values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("field", ["user", "password", "folder", "move_to", "flag"])
@pytest.mark.parametrize("bad", ["a\r\nb", "a\nA1 LOGOUT", "a\0b", "a\x85b"])
def test_no_line_end_is_ever_sent_in_a_value(maildesk: MailDesk, field: str, bad: str) -> None:
    with pytest.raises(Refused):
        Session(replace(maildesk.box, **{field: bad}))  # type: ignore[arg-type]
    assert maildesk.proxy.connections == 0


@pytest.mark.parametrize("kind", ["sqlite"])
def test_quotes_and_letters_of_a_folders_name_arrive(maildesk: MailDesk) -> None:
    name = 'Büro "A" \\ & B'
    maildesk.server.create(name)
    maildesk.server.put(mail(1), folder=name)
    maildesk.settle(maildesk.replica(folder=name))
    assert maildesk.subjects() == ["Guasto 1"]


# Encryption -----------------------------------------------------------------------------------------------------

CERTIFICATE = Path(__file__).with_name("smtp_certificate.pem")


@pytest.fixture
def encrypted() -> Iterator[Server]:
    made = Server(str(CERTIFICATE))
    yield made
    made.close()


def box_of(server: Server, **changes: Any) -> Mailbox:
    known = Mailbox("support", "localhost", server.port, "starttls", USER, "support@example.test", password=PASSWORD)
    return replace(known, **changes)


def test_a_login_goes_through_starttls_to_a_server_with_a_valid_certificate(encrypted: Server) -> None:
    session = Session(box_of(encrypted), tls=ssl.create_default_context(cafile=str(CERTIFICATE)))
    assert session.exists == 0
    session.close()


@pytest.mark.parametrize(
    ("security", "why"),
    [("starttls", "has no valid certificate"), ("tls", "cannot be reached")],
    ids=["a certificate that nobody vouches for", "no encryption at all"],
)
def test_no_password_is_sent_where_the_encryption_is_not_right(encrypted: Server, security: str, why: str) -> None:
    proxy = Proxy(encrypted.port)
    with pytest.raises(Dropped, match=why):
        Session(box_of(encrypted, port=proxy.port, security=security))
    assert not any("LOGIN" in command or PASSWORD in command for command in proxy.commands)
    proxy.close()


def test_a_server_without_starttls_gets_no_password() -> None:
    server = Server()
    with pytest.raises(Declined):
        Session(box_of(server))
    server.close()


# Being killed ---------------------------------------------------------------------------------------------------

CONFIGURED = """
mailboxes:
  support:
    host: 127.0.0.1
    port: {port}
    security: none
    user: {user}
    address: support@example.test
    poll_seconds: 1
jobs: {{lease_seconds: 2}}
"""


class House:
    """`presa up` on the test desk with a mailbox, in processes that can be killed."""

    def __init__(self, folder: Path, url: str, proxy: Proxy) -> None:
        self.url, self.folder = url, folder
        self.home = shutil.copytree(ROOT / "desks" / "test", folder / "desk")
        settings = yaml.safe_load((self.home / "presa.yaml").read_text())
        settings.update(yaml.safe_load(CONFIGURED.format(port=proxy.port, user=USER)), loops={"same_words": 10_000})
        (self.home / "presa.yaml").write_text(yaml.safe_dump(settings))
        self.processes: list[Hatched] = []

    def up(self) -> Hatched:
        doors = ["--smtp", f"127.0.0.1:{free_port()}", "--web", f"127.0.0.1:{free_port()}"]
        argv = ["up", "--config", str(self.home), "--database", self.url, *doors]
        self.processes.append(nest().hatch(argv, self.env, self.folder / "log"))
        return self.processes[-1]

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PRESA_")}
        return {**kept, "PRESA_MAILBOX_SUPPORT_PASSWORD": PASSWORD, "PRESA_TWILIO_API_URL": "http://127.0.0.1:9"}

    def check(self) -> str:
        return nest().run(["check", "--config", str(self.home), "--database", self.url], self.env).stdout

    def end(self) -> None:
        for one in self.processes:
            one.kill()
            one.wait(60)


@pytest.fixture
def house(tmp_path: Path, stock: Stock, kind: str) -> Iterator[tuple[House, Server, Proxy]]:
    server = Server()
    proxy = Proxy(server.port)
    with stock.fresh(kind, EMPTY) as url:
        made = House(tmp_path, url, proxy)
        try:
            yield made, server, proxy
        finally:
            made.end()
            proxy.close()
            server.close()


def outcomes(database: Database) -> list[str]:
    with contextlib.suppress(Exception):
        query = sa.text("SELECT outcome FROM reports")
        return [row[0] for row in database.read(lambda c: c.execute(query).all())]
    return []


def test_presa_is_killed_again_and_again_and_each_mail_is_one_ticket(house: tuple[House, Server, Proxy]) -> None:
    """CASES mail 1 and 6, R6: SIGKILL between any two steps, two replicas on one mailbox where the database allows it,
    dropped connections meanwhile."""
    place, server, proxy = house
    for number in range(40):
        server.put(mail(number, sender=f"person{number}"))
    proxy.faults = [
        Fault("BODY.PEEK", nth=7),
        Fault("STORE", nth=2, do="after"),
        Fault("SEARCH", nth=2, do="within", within=9),
    ]
    first, database = place.up(), open_database(place.url)
    try:
        for wanted in (3, 12):
            until(
                lambda wanted=wanted: len(outcomes(database)) >= wanted,
                120,
                f"{wanted} mails; see the log in {place.folder}",
            )
            first.kill()
            first.wait(60)
            first = place.up()
        if place.url.startswith("postgresql"):
            place.up()
        until(lambda: len(outcomes(database)) >= 40, 120, f"all mails; see the log in {place.folder}")
        until(lambda: all(b"\\Seen" in flags for flags in server.flags().values()), 60, "all flags")
        found = outcomes(database)
        assert (len(found), set(found)) == (40, {"new"})
        assert f"mailbox support: {40} mails listed" in place.check()
        first.send_signal(signal.SIGTERM)
        assert first.wait(timeout=20) == 0
        assert PASSWORD not in (place.folder / "log").read_text()
    finally:
        database.close()
