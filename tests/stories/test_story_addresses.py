"""Several addresses of ours: whatever a mail was sent to, and however often it came, it is one report."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from databases import Stock, settings_of
from world import World, instant

from gateway.engine import Arrival, Outcome
from gateway.rehearsal import Rehearsal
from gateway.settings import Recipient
from gateway.store import queues, tables
from gateway.store.database import open_database

SUPPORT, SALES, UGO = "support@example.test", "sales@example.test", "ugo.primo@example.test"
HELP, APART = "help@example.test", "contracts@example.test"
RECIPIENTS = {
    SUPPORT: Recipient("test"),
    HELP: Recipient("test"),
    SALES: Recipient("test", "renewals"),
    UGO: Recipient("test", "specialists", "uno"),
    APART: Recipient("test", "renewals", group=1),
}


@pytest.fixture
def world(stock: Stock, kind: str) -> Iterator[World]:
    """The test desk with more addresses."""
    settings = replace(settings_of("test"), recipients=RECIPIENTS)
    with stock.fresh(kind, "test") as url:
        opened = World(Rehearsal(settings, open_database(url), instant("2026-11-25 10:00")))
        yield opened
        opened.close()


def written(world: World, to: str = SUPPORT, **headers: str) -> bytes:
    return world.written(
        "mario@acme.example", "Rinnovo", "Vorrei rinnovare.", to=to, headers=headers, message_id="one@acme.example"
    )


def deliver(world: World, raw: bytes, *rcpt: str, door: str = "smtp") -> Outcome:
    return world.engine.take_mail(Arrival(door, "127.0.0.1", "mario@acme.example", rcpt, raw, world.now, "client.test"))


def further(world: World) -> list[tuple[str, str]]:
    found = world.read(lambda c: queues.of(c, [ticket.id for ticket in world.tickets()]))
    return [(one.queue, one.address) for many in found.values() for one in many]


def test_one_mail_to_two_of_our_addresses_is_one_ticket_in_both_queues_with_one_clock(world: World) -> None:
    """CASES mail 7."""
    done = deliver(world, written(world), SUPPORT, SALES)
    world.advance(60)
    ticket = world.ticket()
    assert (done.outcome, ticket.queue, further(world)) == ("new", "first-line", [("renewals", SALES)])
    assert f"also sent to {SALES}: in the queue renewals too" in world.story(ticket)
    assert world.jobs(ticket).count("clock") == 1
    assert len(world.letters()) == 1


@pytest.mark.parametrize("door", ["smtp", "lmtp", "imap"])
def test_the_same_mail_to_another_address_by_whatever_door_links_its_queue(world: World, door: str) -> None:
    """CASES mail 7, 8."""
    raw = written(world)
    first = deliver(world, raw, SUPPORT)
    again = deliver(world, b"Delivered-To: sales@example.test\r\n" + raw, SALES, door=door)
    deliver(world, raw, SALES)
    deliver(world, raw, SUPPORT)
    world.advance(60)
    assert (again.outcome, again.number) == ("duplicate", first.number)
    assert (world.ticket().queue, further(world)) == ("first-line", [("renewals", SALES)])
    assert world.story(world.ticket()).count(f"also sent to {SALES}: in the queue renewals too") == 1
    assert len(world.letters()) == 1
    assert [row.outcome for row in world.ledger()] == ["new", "duplicate", "duplicate", "duplicate"]


def test_many_deliveries_at_once_to_two_addresses_are_one_ticket_in_both_queues(world: World) -> None:
    """CASES mail 7, 8; attack R5."""
    raw = written(world)
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda rcpt: deliver(world, raw, rcpt), [SUPPORT, SALES] * 6))
    assert sorted(one.outcome for one in done) == ["duplicate"] * 11 + ["new"]
    assert len(world.tickets()) == 1
    assert {world.ticket().queue, *(queue for queue, _ in further(world))} == {"first-line", "renewals"}


def test_two_addresses_of_one_queue_are_nothing_special(world: World) -> None:
    deliver(world, written(world), SUPPORT, HELP, SUPPORT.upper(), "support+tag@example.test")
    assert (world.ticket().queue, further(world)) == ("first-line", [])


def test_a_queue_of_an_address_goes_before_the_desks_routes(world: World) -> None:
    done = deliver(world, written(world, SALES), SALES)
    assert world.ticket().queue == "renewals"
    assert done.decision is not None
    assert "queue: renewals, by the address it was sent to" in done.evidence


def test_a_mail_to_an_engineers_own_address_is_a_ticket_of_the_desk(world: World) -> None:
    deliver(world, written(world, UGO), UGO)
    ticket = world.ticket()
    assert (ticket.queue, ticket.assignee, ticket.state, ticket.customer) == ("specialists", None, "new", "ACME")
    assert "report: sent to Ugo Primo's own address" in ticket.evidence


def test_a_blind_copy_is_routed_by_its_envelope(world: World) -> None:
    """CASES mail 23."""
    deliver(world, written(world, "somebody@else.example"), SALES)
    assert world.ticket().queue == "renewals"


def test_a_tag_behind_the_plus_is_the_same_address(world: World) -> None:
    deliver(world, written(world), "Sales+web@example.test")
    assert world.ticket().queue == "renewals"


def test_an_answer_to_two_addresses_is_added_once_and_links_the_queue(world: World) -> None:
    deliver(world, written(world), SUPPORT)
    world.advance(60)
    letter = world.letter()
    raw = world.written(
        "mario@acme.example",
        "Re",
        "Anche questo.",
        headers={"In-Reply-To": f"<{letter.message_id}>"},
        message_id="two@acme.example",
    )
    done = deliver(world, raw, "support@example.test", SALES)
    assert (done.outcome, further(world)) == ("append", [("renewals", SALES)])


def test_an_answer_to_our_reply_address_links_nothing(world: World) -> None:
    deliver(world, written(world, SALES), SALES)
    world.advance(60)
    world.agent().does(world.ticket(), "escalate", to="specialists")
    done = world.reply(world.letter(), "Allora?")
    assert (done.outcome, world.ticket().queue, further(world)) == ("append", "specialists", [])


def test_addresses_that_are_kept_apart_get_a_ticket_each_however_the_mail_comes(world: World) -> None:
    raw = written(world)
    deliver(world, raw, SUPPORT, APART)
    assert [ticket.queue for ticket in world.tickets()] == ["first-line", "renewals"]
    assert deliver(world, raw, APART).outcome == "duplicate"
    assert deliver(world, raw, SUPPORT).outcome == "duplicate"
    assert deliver(world, raw, APART, SUPPORT).outcome == "duplicate"
    assert [(row.outcome, row.rcpt) for row in world.ledger()][:2] == [("new", (SUPPORT,)), ("new", (APART,))]
    assert (len(world.tickets()), further(world)) == (2, [])


def test_the_console_finds_a_ticket_in_each_of_its_queues(world: World) -> None:
    deliver(world, written(world), SUPPORT, SALES)
    number = world.ticket().number
    giulia = world.agent()
    for queue in ("first-line", "renewals"):
        assert number in giulia.client.get("/", params={"queue": queue}).text
    assert number not in giulia.client.get("/", params={"queue": "specialists"}).text
    page = giulia.client.get(f"/tickets/{number}").text
    assert "First line + Renewals" in page
    assert "linked it to a further queue" in page


def test_a_mail_to_one_address_writes_nothing_about_further_queues(world: World) -> None:
    deliver(world, written(world), SUPPORT)
    assert world.rows()[tables.ticket_queues.name] == 0
