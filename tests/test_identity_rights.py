"""Parties to a ticket, and automatic answers."""

import pytest

from identity import directory, is_party, may_acknowledge, recognise
from identity.clues import Signs
from identity.entitlement import Cover
from identity.people import Authentication, Contact, Customer, Recognition
from identity.sender import judge

ACME = Customer(
    "ACME",
    "ACME",
    "test",
    "gold",
    "100001",
    domains=("acme.example",),
    contacts=(Contact("a", "Mario", ("mario@acme.example",)), Contact("b", "Anna", ("anna@acme-group.example",))),
)
BETA = Customer("BETA", "Beta", "test", "gold", contacts=(Contact("c", "Luigi", ("luigi.beta@gmail.com",)),))
PEOPLE = directory.build([ACME, BETA])
COVERS = {("test", "gold"): Cover(frozenset({"mail"}))}
UNCHECKED = Authentication("none", "none", None)
FAILED = Authentication("fail", "edge dmarc", None)


def passed(address: str) -> Authentication:
    return Authentication("pass", "edge dmarc", address.rpartition("@")[2])


def who(address: str, proof: Authentication | None = None) -> Recognition:
    return recognise(Signs("mail", address, proof or passed(address)), PEOPLE, COVERS)


@pytest.mark.parametrize(
    ("address", "proof", "customer", "requesters", "expected"),
    [
        ("mario@acme.example", None, "ACME", ("mario@acme.example",), True),
        ("colleague@acme.example", None, "ACME", ("mario@acme.example",), True),
        ("mario@acme.example", UNCHECKED, "ACME", ("mario@acme.example",), False),
        ("mario@acme.example", FAILED, "ACME", ("mario@acme.example",), False),
        ("luigi.beta@gmail.com", None, "ACME", ("mario@acme.example",), False),
        ("stranger@evil.test", None, "ACME", ("mario@acme.example",), False),
        ("x@evil.acme.example", None, "ACME", ("mario@acme.example",), False),
        ("stranger@evil.test", None, None, ("stranger@evil.test",), True),
        ("other@evil.test", None, None, ("stranger@evil.test",), False),
        ("stranger@evil.test", UNCHECKED, None, ("stranger@evil.test",), False),
        ("stranger@home.test", None, "ACME", ("stranger@home.test",), True),  # a person gave the ticket to ACME
    ],
)
def test_a_party_is_proven(
    address: str, proof: Authentication | None, customer: str | None, requesters: tuple[str, ...], expected: bool
) -> None:
    assert is_party(who(address, proof), customer, requesters) is expected


@pytest.mark.parametrize(
    ("froms", "proof", "automatic", "reply_to", "expected"),
    [
        (["mario@acme.example"], None, None, [], ""),
        (["stranger@evil.test"], None, None, [], ""),
        (["stranger@evil.test"], UNCHECKED, None, [], ""),
        (["stranger@evil.test"], FAILED, None, [], "sender-failed"),
        (["mario@acme.example"], UNCHECKED, None, [], "known-address-unverified"),
        (["anyone@acme.example"], UNCHECKED, None, [], "known-address-unverified"),
        (["luigi.beta@gmail.com"], UNCHECKED, None, [], "known-address-unverified"),
        (["other@gmail.com"], UNCHECKED, None, [], ""),
        (["mario@acme.example"], FAILED, None, [], "sender-failed"),
        (["mario@acme.example"], Authentication("temperror", "own check", None), None, [], "known-address-unverified"),
        (["mario@acme.example"], passed("x@evil.test"), None, [], "known-address-unverified"),
        (["mario@acme.example"], None, "auto-reply", [], "auto-reply"),
        (["stranger@evil.test"], None, "list", [], "list"),
        (["mario@acme.example"], None, None, ["mario@acme.example"], ""),
        (["mario@acme.example"], None, None, ["anna@acme-group.example"], ""),
        (["mario@acme.example"], None, None, ["private@home.test"], ""),
        (["mario@acme.example"], None, None, ["luigi.beta@gmail.com"], "reply-to-other-party"),
        (["stranger@evil.test"], None, None, ["mario@acme.example"], "reply-to-other-party"),
        (["stranger@evil.test"], None, None, ["x@home.test", "boss@acme.example"], "reply-to-other-party"),
        (["a@x.test", "b@x.test"], None, None, [], "ambiguous-sender"),
        (["support@example.test"], None, None, [], "own-address"),
        (["mario@ａcme.example"], None, None, [], "unusable-address"),
    ],
)
def test_an_automatic_answer_goes_only_where_it_can_do_no_harm(
    froms: list[str], proof: Authentication | None, automatic: str | None, reply_to: list[str], expected: str
) -> None:
    sender = judge(froms, frozenset({"support@example.test"}))
    proof = proof or passed(sender.address or "nobody@nowhere.test")
    answer = may_acknowledge(sender, proof, PEOPLE, automatic=automatic, reply_to=reply_to)
    assert answer == (expected == "", expected)
