"""What Presa cannot find out a person can: that a sender is genuine, and whose report it is."""

import re

import pytest
from world import World

from gateway.store import directory
from gateway.web import cards


def test_one_click_verifies_a_sender_is_kept_as_evidence_and_wakes_whom_it_should(world: World) -> None:
    """CASES mail 16, I1."""
    world.mail(subject="È down", text="Siamo fermi, production is down", proof="fail")
    ticket = world.ticket()
    assert (ticket.customer, ticket.verified, ticket.plan) == ("ACME", False, "platinum")
    world.advance(60)
    assert world.orders() == 0
    giulia = world.agent()
    giulia.does(ticket, "verify")
    world.advance(2)
    ticket = world.ticket()
    assert ticket.verified
    assert any(line.startswith("verified by a person: Giulia") for line in ticket.evidence)
    assert "Giulia has verified the sender" in world.story(ticket)
    assert world.orders() == 1
    giulia.sees(f"/tickets/{ticket.number}")
    with pytest.raises(AssertionError, match="offers no 'verify'"):
        giulia.does(ticket, "verify")


def test_who_only_looks_verifies_nobody(world: World) -> None:
    world.mail(proof="fail")
    looker = world.agent("lea", "read-only")
    with pytest.raises(AssertionError, match="offers no 'verify'"):
        looker.does(world.ticket(), "verify")


def test_a_perhaps_is_confirmed_with_one_click_and_remembered(world: World) -> None:
    """CASES I4: what resembles a customer is only suggested; what a person has confirmed is known from then on."""
    world.mail("rossi.consulente@studio-acme.example", subject="Stampante ACME", text="codice ACM-0001")
    first = world.ticket()
    assert (first.customer, first.plan, first.queue) == (None, None, "to-look-at")
    giulia = world.agent()
    assert "Perhaps: ACME S.p.A." in giulia.sees(f"/tickets/{first.number}")
    giulia.does(first, "assign", customer="ACME")
    first = world.ticket()
    assert (first.customer, first.plan, first.verified, first.queue) == ("ACME", "platinum", False, "first-line")
    assert first.clocks["targets"]
    assert any(line.startswith("customer: ACME, as Giulia said") for line in first.evidence)
    assert "mark: unknown-customer" not in first.evidence

    world.mail("rossi.consulente@studio-acme.example", subject="Ancora", text="Di nuovo la stampante.")
    later = max(world.tickets(), key=lambda one: one.id)
    assert (later.customer, later.verified) == ("ACME", True)
    assert "rossi.consulente@studio-acme.example was assigned to the customer by a person" in later.evidence
    world.mail("rossi.consulente@studio-acme.example", subject="Spoof", text="Siamo fermi", proof="fail")
    spoof = max(world.tickets(), key=lambda one: one.id)
    assert (spoof.customer, spoof.verified) == ("ACME", False)
    world.mail("altro@studio-acme.example", subject="Altro", text="Un collega")
    assert max(world.tickets(), key=lambda one: one.id).customer is None


def test_the_customers_card_shows_what_they_are_entitled_to(world: World) -> None:
    world.mail()
    giulia = world.agent()
    card = giulia.sees("/customers/ACME")
    for words in (
        "ACME S.p.A.", "code 100001", "Platinum 24/7", "open now", "P1", "Mario Rossi", "may open tickets",
        "mario@acme.example", "PINs that hold 1", "Stampante", "mario@acme.example is the address of a contact",
    ):  # fmt: skip
        assert words in card, words
    assert "471108" not in card
    for asked in ("mario@acme.example", "100001", "acme.example", "06/12345678", "acm-0001", "acme"):
        assert "ACME S.p.A." in giulia.sees(f"/customers?q={asked}"), asked
    assert "Nobody is known by that" in giulia.sees("/customers?q=zzz")
    assert giulia.client.get("/customers/NOBODY").status_code == 404


def test_an_assigned_customer_that_leaves_the_directory_is_forgotten(world: World) -> None:
    world.mail("x@stranger.example")
    world.agent().does(world.ticket(), "assign", customer="BETA")
    people = [one for one in world.read(directory.every) if one.id != "BETA"]
    world.database.write(lambda connection: directory.replace(connection, people))
    world.mail("x@stranger.example", subject="Altro")
    assert max(world.tickets(), key=lambda one: one.id).customer is None


def test_the_menu_leads_to_all_customers_a_page_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = world.agent().client

    def html(path: str) -> str:
        return str(client.get(path).text)

    assert 'href="/customers"' in html("/")
    assert re.findall(r'href="/customers/(\w+)"', html("/customers")) == ["ACME", "BETA", "GAMMA"]
    monkeypatch.setattr(cards, "PAGE", 2)
    first = html("/customers")
    assert re.findall(r'href="/customers/(\w+)"', first) == ["ACME", "BETA"]
    assert 'href="/customers?after=BETA"' in first
    assert re.findall(r'href="/customers/(\w+)"', html("/customers?after=BETA")) == ["GAMMA"]
    assert "That was the last one" in html("/customers?after=GAMMA")


def test_a_page_far_down_the_list_of_customers_is_looked_up_by_the_index(world: World) -> None:
    if world.database.engine.dialect.name == "postgresql":
        pytest.skip("a planner with statistics reads three rows without an index, and is right")
    query = "EXPLAIN QUERY PLAN SELECT data FROM customers WHERE id > 'M' ORDER BY id LIMIT 51"
    (plan,) = world.read(lambda c: c.exec_driver_sql(query).all())
    assert "USING INDEX" in plan[-1]
