"""Who is it? No customer is mistaken for another, and nothing that anybody can write proves anything."""

import dataclasses
from datetime import date

import pytest

from identity import directory, recognise
from identity.clues import Signs
from identity.entitlement import Cover
from identity.people import Authentication, Contact, Contract, Customer, Recognition

MARIO = Contact("ACME-mario", "Mario Rossi", ("mario@acme.example",), ("+390612345678",))
ANNA = Contact("ACME-anna", "Anna Neri", ("anna@acme.example",), ("+390612345678",), authorised=False)
LUIGI = Contact("BETA-luigi", "Luigi Verdi", ("luigi.beta@gmail.com",), ("+393331234567",), language="en")
ACME = Customer("ACME", "ACME", "test", "platinum", "100001", ("ACM-0001",), (), ("acme.example",), (MARIO, ANNA))
BETA = Customer("BETA", "Beta", "test", "gold", "100002", (), (), (), (LUIGI,))
GAMMA = Customer("GAMMA", "Gamma", "test", "basic", "100003", domains=("gamma.example", "it.gamma.example"))
NORD = Customer(
    "NORD",
    "Nord",
    "test",
    "gold",
    "200001",
    domains=("group.example",),
    contacts=(Contact("NORD-ugo", "Ugo", ("ugo@group.example",)),),
)
SUD = Customer("SUD", "Sud", "test", "basic", "200002", domains=("group.example",))
PEOPLE = directory.build([ACME, BETA, GAMMA, NORD, SUD])
COVERS = {("test", plan): Cover(frozenset({"mail", "phone"})) for plan in ("basic", "gold", "platinum")}


def passed(address: str) -> Authentication:
    return Authentication("pass", "edge dmarc", address.rpartition("@")[2], ("edge: dmarc=pass",))


def mail(
    address: str | None, *, proven: bool = True, subject: str = "", text: str = "", suggest: bool = True
) -> Recognition:
    verdict = (
        passed(address) if proven and address else Authentication("fail", "edge dmarc", None, ("edge: dmarc=fail",))
    )
    return recognise(Signs("mail", address, verdict, subject=subject, text=text), PEOPLE, COVERS, suggest=suggest)


def phone(number: str | None = None, code: str | None = None, pin_ok: bool = False) -> Recognition:
    return recognise(Signs("phone", phone=number, keyed=code, pin_ok=pin_ok), PEOPLE, COVERS)


@pytest.mark.parametrize(
    ("address", "customer", "contact"),
    [
        ("mario@acme.example", "ACME", "ACME-mario"),
        ("somebody.else@acme.example", "ACME", None),
        ("luigi.beta@gmail.com", "BETA", "BETA-luigi"),
        ("x@gamma.example", "GAMMA", None),
        ("x@it.gamma.example", "GAMMA", None),
        ("ugo@group.example", "NORD", "NORD-ugo"),  # his address decides what the shared domain can't
    ],
)
def test_a_proven_address_is_recognised_for_certain(address: str, customer: str, contact: str | None) -> None:
    who = mail(address)
    assert (who.customer, who.contact, who.verified, who.certainty) == (customer, contact, True, "certain")


@pytest.mark.parametrize(
    "address",
    [
        "luigibeta@gmail.com",
        "luigi.beta+x@gmail.com",
        "mario@gmail.com",
        "luigi.beta@googlemail.com",
        "x@evil.acme.example",
        "x@www.gamma.example",
        "x@example",
        "x@acme.example.evil.test",
        "x@evilacme.example",
        "x@acme-example.test",
        "x@acme.example.com",
        "x@acrne.example",
        "x@acne.example",
        "x@xn--cme-5cd.example",
        "mario@acme.test",
        "mario@xn--acme-example-fake.test",
        "x@tin.it",
        "mario.acme.example@evil.test",
    ],
)
def test_what_only_looks_like_a_customer_is_nobody(address: str) -> None:
    who = mail(address)
    assert (who.customer, who.verified, who.certainty, who.plan) == (None, False, "unknown", None)
    assert who.why_not == "unknown-customer"


@pytest.mark.parametrize(
    ("address", "customer"),
    [
        ("x@evil.acme.example", "ACME"),
        ("x@www.it.gamma.example", "GAMMA"),
        ("x@acme.example.evil.test", "ACME"),
        ("x@acrne.example", "ACME"),
        ("x@acm.example", None),  # two letters are missing or too short: no guess
        ("x@acmee.example", "ACME"),
        ("x@amce.example", "ACME"),
        ("x@xn--cme-5cd.example", "ACME"),
        ("x@garnma.example", "GAMMA"),
    ],
)
def test_a_look_alike_domain_is_a_suggestion_for_a_person(address: str, customer: str | None) -> None:
    who = mail(address)
    assert who.customer is None
    assert [c.customer for c in who.candidates][:1] == ([customer] if customer else [])
    assert all(candidate.score < 0.5 for candidate in who.candidates)


def test_suggestions_are_not_looked_up_unless_asked_for() -> None:
    assert mail("x@acrne.example", suggest=False).candidates == ()


@pytest.mark.parametrize(
    "address", ["mario@acme.example", "x@acme.example", "luigi.beta@gmail.com", "x@it.gamma.example"]
)
def test_an_unproven_address_is_a_claim_only(address: str) -> None:
    who = mail(address, proven=False)
    assert who.customer is not None
    assert (who.verified, who.authenticated, who.certainty) == (False, False, "likely")
    assert "edge: dmarc=fail" in who.evidence


def test_a_pass_for_another_domain_proves_nothing() -> None:
    who = recognise(Signs("mail", "mario@acme.example", passed("x@evil.example")), PEOPLE, COVERS)
    assert (who.customer, who.verified) == ("ACME", False)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Codice cliente 100001", ""),
        ("", "il nostro codice è ACM-0001, grazie"),
        ("", "customer code: acm-0001."),
        ("[100001] urgente", ""),
        ("", "Cod. 100001"),
    ],
)
def test_a_code_in_the_text_makes_a_candidate_and_no_customer(subject: str, text: str) -> None:
    who = mail("stranger@evil.test", subject=subject, text=text)
    assert (who.customer, who.verified, who.plan) == (None, False, None)
    assert [(c.customer, c.score) for c in who.candidates] == [("ACME", 0.5)]


@pytest.mark.parametrize("text", ["€100001x", "100001@acme.example", "tel. +100001", "id-100001-9"])
def test_digits_inside_something_else_are_no_code(text: str) -> None:
    assert mail("stranger@evil.test", text=text).candidates == ()


@pytest.mark.parametrize(
    "text",
    [
        "1000011",
        "A100001",
        "10001",
        "100010",
        "100O01",
        "\uff11\uff10\uff10\uff10\uff10\uff11",
        "\u0410CM-0001",
        "ACM-OOO1",
    ],
)
def test_a_code_with_a_slip_or_look_alike_characters_is_a_perhaps(text: str) -> None:
    who = mail("stranger@evil.test", text=f"codice {text}.")
    assert (who.customer, who.verified) == (None, False)
    assert "ACME" in [c.customer for c in who.candidates]
    assert all(c.score < 0.5 for c in who.candidates)
    assert mail("stranger@evil.test", text=text, suggest=False).candidates == ()


def test_the_verified_sender_wins_over_a_code_in_the_text() -> None:
    who = mail("luigi.beta@gmail.com", subject="codice 100001")
    assert (who.customer, who.verified) == ("BETA", True)
    assert [c.customer for c in who.candidates] == ["BETA", "ACME"]


def test_a_text_full_of_numbers_costs_few_look_ups() -> None:
    asked: list[str] = []

    class Counting:
        def by_address(self, address: str) -> tuple[()]:
            return ()

        by_domain = by_phone = by_memory = by_word = by_address

        def by_code(self, code: str) -> tuple[()]:
            asked.append(code)
            return ()

    text = " ".join(str(n) for n in range(100_000, 101_000))
    recognise(Signs("mail", "x@evil.test", text=text), Counting(), COVERS)
    assert len(asked) == 10


def test_one_domain_of_several_contracts_waits_for_a_person() -> None:
    who = mail("x@group.example")
    assert (who.customer, who.verified, who.why_not) == (None, False, "several-customers")
    assert [c.customer for c in who.candidates] == ["NORD", "SUD"]
    assert who.authenticated


def test_a_code_picks_among_the_contracts_of_a_domain_but_never_another() -> None:
    picked = mail("x@group.example", subject="per 200002")
    assert (picked.customer, picked.verified, picked.certainty) == ("SUD", True, "likely")
    other = mail("x@group.example", subject="per 100001")
    assert other.customer is None


def test_a_number_on_file_is_a_hint() -> None:
    who = phone("+393331234567")
    assert (who.customer, who.contact, who.verified, who.certainty) == ("BETA", "BETA-luigi", False, "likely")
    assert who.language == "en"


def test_several_people_behind_one_switchboard_name_the_customer_and_no_person() -> None:
    who = phone("+390612345678")
    assert (who.customer, who.contact) == ("ACME", None)


def test_a_code_with_its_pin_is_certain_from_any_number() -> None:
    who = phone("+393331234567", "100001", pin_ok=True)
    assert (who.customer, who.verified, who.certainty) == ("ACME", True, "certain")
    assert who.contact is None  # the number is somebody else's


def test_a_code_without_a_pin_is_likely_and_an_alias_does_as_well() -> None:
    for code in ("100001", "ACM-0001"):
        who = phone(None, code)
        assert (who.customer, who.verified, who.certainty) == ("ACME", False, "likely")


def test_a_wrong_code_from_a_number_on_file_falls_back_to_the_number() -> None:
    assert phone("+393331234567", "999999").customer == "BETA"


def test_a_stranger_is_unknown_and_still_proven_to_be_himself() -> None:
    who = mail("stranger@evil.test")
    assert (who.customer, who.verified, who.authenticated, who.entitled) == (None, False, True, False)


def test_no_address_at_all_is_nobody() -> None:
    assert mail(None).customer is None


def test_entitlement_is_of_the_recognised_person() -> None:
    assert mail("mario@acme.example").entitled
    assert mail("anna@acme.example").why_not == "contact-not-authorised"
    signs = Signs("chat", "mario@acme.example", passed("mario@acme.example"))
    assert recognise(signs, PEOPLE, COVERS).why_not == "channel-not-in-plan"
    lapsed = dataclasses.replace(ACME, contract=Contract(ends=date(2026, 10, 31)))
    late = recognise(
        Signs("mail", "mario@acme.example", passed("mario@acme.example")),
        directory.build([lapsed]),
        COVERS,
        today=date(2026, 11, 22),
    )
    assert (late.customer, late.verified, late.entitled, late.why_not) == (
        "ACME",
        True,
        False,
        "contract-expired-renewable",
    )
