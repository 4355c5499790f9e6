"""What a contract and a desk's rules make of a report: partners, forwards, subdomains, products, add-ons, regions, duty."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

import pytest
from databases import DESKS

from gateway.handlers import NOTES
from gateway.post.check import sample
from gateway.post.compose import bodies
from gateway.post.letter import Receipt
from gateway.settings.desk import load_desk
from gateway.settings.directory import covers
from identity import directory, recognise
from identity.clues import Signs
from identity.people import Agreement, Authentication, Contact, Contract, Customer, Found, Product, Recognition
from routing import decide
from routing.decide import Decision, Report
from routing.desk import Desk

NIGHT = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
TODAY = date(2026, 11, 25)


@cache
def desk(name: str) -> Desk:
    return load_desk(DESKS / name / "desk.yaml")


def person(name: str, **facts: object) -> Contact:
    return Contact(f"C-{name}", name, (f"{name}@customer.example",), ("+390612345678",), **facts)  # type: ignore[arg-type]


def customer(where: str, plan: str, **facts: object) -> Customer:
    given = {"contacts": (person("ada"),), "domains": ("customer.example",), **facts}
    return Customer("C", "Customer", where, plan, "300001", **given)  # type: ignore[arg-type]


def passed(address: str) -> Authentication:
    return Authentication("pass", "edge dmarc", address.rpartition("@")[2])


def who(
    people: list[Customer], where: str, address: str = "ada@customer.example", *, channel: str = "mail", **signs: object
) -> Recognition:
    found = Signs(channel, address, passed(address), **signs)  # type: ignore[arg-type]
    return recognise(found, directory.build(people), covers({where: desk(where)}), today=TODAY, desk=where)


def judged(one: Recognition, where: str, at: datetime = NOON, **report: object) -> Decision:
    return decide.decide(Report(**{"channel": "mail", "received": at, **report}), one, desk(where))  # type: ignore[arg-type]


# Domains ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("customer.example", "C"),
        ("mail.customer.example", None),
        ("lab.example", None),  # `*.lab.example` is what stands below it
        ("a.lab.example", "C"),
        ("b.a.lab.example", "C"),
        ("evil-lab.example", None),
        ("lab.example.evil.example", None),
        ("x.sub.lab.example", "D"),  # the longest listed name wins
        ("sub.lab.example", "C"),
    ],
)
def test_a_domain_covers_its_subdomains_only_where_it_is_listed_so(host: str, expected: str | None) -> None:
    """CASES mail 19, I4."""
    people = [
        customer("test", "gold", domains=("customer.example", "*.lab.example")),
        Customer("D", "Other", "test", "gold", domains=("*.sub.lab.example",)),
    ]
    found = who(people, "test", f"x@{host}")
    assert found.customer == expected
    assert found.verified == (expected is not None)


def test_a_group_domain_of_several_contracts_waits_for_a_person_and_says_whose_it_may_be() -> None:
    people = [replace(customer("test", "gold"), id=name, contacts=()) for name in ("NORD", "SUD")]
    found = who(people, "test", "x@customer.example")
    assert (found.customer, found.why_not, found.certainty) == (None, "several-customers", "unknown")
    assert [one.customer for one in found.candidates] == ["NORD", "SUD"]


# Forwards and partners --------------------------------------------------------------------------------------------

PARTNER = Customer(
    "P",
    "Partner",
    "ivanti",
    "premium",
    contacts=(Contact("P-1", "Pia", ("pia@partner.example",)),),
    domains=("partner.example",),
)
SERVED = customer("ivanti", "premium", partner="P")
OTHER = Customer("O", "Other", "ivanti", "premium", contacts=(Contact("O-1", "Oto", ("oto@other.example",)),))
DESK = [PARTNER, SERVED, OTHER]


def test_a_partner_passes_on_a_report_of_a_customer_it_serves() -> None:
    """CASES mail 22."""
    found = who(DESK, "ivanti", "pia@partner.example", forwarded="ada@customer.example")
    assert (found.customer, found.contact, found.verified, found.why_not) == ("C", "C-ada", True, None)
    assert (found.address, found.marks) == ("pia@partner.example", ("via-partner",))


@pytest.mark.parametrize(
    ("author", "original"),
    [
        ("pia@partner.example", "oto@other.example"),  # not its customer
        ("pia@partner.example", "nobody@customer.example"),  # no contact
        ("someone@partner.example", "ada@customer.example"),  # no contact of the partner
        ("oto@other.example", "ada@customer.example"),  # no partner
    ],
)
def test_nobody_else_speaks_for_a_customer_by_forwarding(author: str, original: str) -> None:
    found = who(DESK, "ivanti", author, forwarded=original)
    assert found.customer == {"partner.example": "P", "other.example": "O"}[author.partition("@")[2]]


def test_a_partner_that_is_not_proven_speaks_for_nobody() -> None:
    signs = Signs("mail", "pia@partner.example", forwarded="ada@customer.example")
    found = recognise(signs, directory.build(DESK), covers({"ivanti": desk("ivanti")}), today=TODAY, desk="ivanti")
    assert (found.customer, found.verified) == ("P", False)


def test_a_customer_who_bought_through_a_partner_is_ticketed_and_goes_to_the_partner_desk() -> None:
    found = who(DESK, "ivanti")
    assert (found.customer, found.verified, found.why_not) == ("C", True, "bought-through-partner")
    assert judged(found, "ivanti").queue == "partners"


def test_a_desk_without_a_partner_desk_serves_a_partners_customers_itself() -> None:
    """REFERENCE section 5: MailUp has no partner desk."""
    people = [replace(one, desk="mailup", plan="standard") for one in (PARTNER, SERVED)]
    assert who(people, "mailup").entitled


def test_our_own_people_pass_a_mail_on_for_its_first_sender_who_is_not_verified_by_that() -> None:
    """CASES mail 22."""
    found = who(
        [customer("test", "platinum")], "test", "giulia@desk.example", forwarded="ada@customer.example", agent=True
    )
    assert (found.customer, found.contact, found.verified, found.requester) == (
        "C",
        "C-ada",
        False,
        "ada@customer.example",
    )
    assert found.address == "giulia@desk.example"
    assert not judged(found, "test", priority="P1").page
    unproven = Signs("mail", "giulia@desk.example", forwarded="ada@customer.example", agent=True)
    assert recognise(unproven, directory.build([customer("test", "gold")]), {}).customer is None


def test_a_stranger_who_forwards_only_makes_a_perhaps() -> None:
    found = who([customer("test", "gold")], "test", "x@stranger.example", forwarded="ada@customer.example")
    assert (found.customer, [one.customer for one in found.candidates]) == (None, ["C"])


# What a person has said -------------------------------------------------------------------------------------------


def test_what_a_person_assigned_is_known_and_proves_no_more_than_a_listed_address() -> None:
    class Remembering:
        def by_address(self, address: str) -> tuple[Found, ...]:
            return ()

        by_domain = by_phone = by_code = by_word = by_address

        def by_memory(self, value: str) -> tuple[Found, ...]:
            return (Found(customer("test", "gold")),) if value == "x@stranger.example" else ()

    proven = Signs("mail", "x@stranger.example", passed("x@stranger.example"))
    known = covers({"test": desk("test")})
    found = recognise(proven, Remembering(), known, desk="test")
    assert (found.customer, found.verified, found.certainty) == ("C", True, "likely")
    assert not recognise(
        replace(proven, authentication=Authentication("fail", "x", None)), Remembering(), known
    ).verified
    phone = recognise(Signs("phone", phone="x@stranger.example"), Remembering(), known)
    assert (phone.customer, phone.verified) == ("C", False)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("acme.consulenze@gmail.com", "Acme Costruzioni"),
        ("info@acmecostruzioni.example", ""),
        ("x@acme-costruzioni.example", ""),
        ("mario@gmail.com", "Mario Rossi - ACME Costruzioni S.r.l."),
    ],
)
def test_a_name_that_resembles_a_customers_is_a_perhaps_and_nothing_more(address: str, name: str) -> None:
    people = [
        Customer("A", "Acme Costruzioni S.r.l.", "test", "gold"),
        Customer("Z", "Zeta Trasporti S.p.A.", "test", "gold"),
    ]
    signs = Signs("mail", address, passed(address), name=name)
    found = recognise(signs, directory.build(people), {}, suggest=True)
    assert (found.customer, found.verified) == (None, False)
    if "acmecostruzioni" not in address:  # one word of its own: words are looked up, not letters
        assert [one.customer for one in found.candidates] == ["A"]
    assert recognise(signs, directory.build(people), {}).candidates == ()


# Contracts --------------------------------------------------------------------------------------------------------


def test_each_desk_sees_its_own_contract_of_a_customer() -> None:
    both = customer(
        "aruba-enterprise", "premium",
        also=(Agreement("aruba-interventions", "standard", contract=Contract(ends=date(2026, 11, 1))),),
    )  # fmt: skip
    known = covers({name: desk(name) for name in ("aruba-enterprise", "aruba-interventions")})
    signs = Signs("mail", "ada@customer.example", passed("ada@customer.example"))
    first = recognise(signs, directory.build([both]), known, today=TODAY, desk="aruba-enterprise")
    second = recognise(signs, directory.build([both]), known, today=TODAY, desk="aruba-interventions")
    assert (first.desk, first.plan, first.why_not) == ("aruba-enterprise", "premium", None)
    assert (second.desk, second.plan, second.why_not) == (
        "aruba-interventions",
        "standard",
        "contract-expired-renewable",
    )


@pytest.mark.parametrize(
    ("products", "text", "why_not"),
    [
        ([Product("Call", "end-of-life"), Product("Fax")], "il modulo Call non parte", "end-of-life"),
        ([Product("Call", "end-of-life"), Product("Fax")], "il FAX non parte", None),
        ([Product("Call", "end-of-life"), Product("Fax")], "non parte niente", None),
        (
            [Product("Call"), Product("Call Recording", "third-party-product")],
            "Call\nRecording fermo",
            "third-party-product",
        ),
        ([Product("Call"), Product("Call Recording", "third-party-product")], "Call fermo", None),
        ([Product("Call", "altered-product")], "non parte niente", "altered-product"),
        ([Product("Call", "unsupported-version")], "x", "unsupported-version"),
        ([Product("Call", ends=date(2026, 11, 1))], "Call", "product-expired"),
        ([Product("Call", ends=date(2026, 12, 1))], "Call", None),
        ([Product("Call", "hardware")], "recall", "hardware"),
        ([Product("Call", "hardware"), Product("Fax")], "recall", None),
    ],
)
def test_a_product_that_is_not_covered_is_a_reason_and_the_report_is_still_judged(
    products: list[Product], text: str, why_not: str | None
) -> None:
    one = customer("imagicle-care", "gold", contract=Contract(products=tuple(products)))
    found = who([one], "imagicle-care", text=text)
    assert (found.customer, found.verified, found.why_not) == ("C", True, why_not)
    decision = judged(found, "imagicle-care", text=text)
    if why_not:
        assert why_not in decision.marks
        assert decision.queue in ("renewals", "to-look-at", "hardware")


@pytest.mark.parametrize(
    ("facts", "why_not", "queue"),
    [
        ({"contract": Contract(ends=date(2026, 11, 1))}, "contract-expired-renewable", "renewals"),
        ({"contract": Contract(ends=date(2026, 7, 28))}, "contract-expired-renewable", "renewals"),
        ({"contract": Contract(ends=date(2026, 7, 27))}, "contract-expired", "renewals"),
        ({"contract": Contract(paid=False)}, "contract-unpaid", "renewals"),
        ({"contacts": (person("ada", end_user=True),)}, "end-user", "end-users"),
    ],
)
def test_who_is_not_covered_goes_where_a_person_decides(facts: dict[str, object], why_not: str, queue: str) -> None:
    found = who([customer("imagicle-care", "platinum", **facts)], "imagicle-care")
    assert (found.customer, found.entitled, found.why_not) == ("C", False, why_not)
    decision = judged(found, "imagicle-care", NIGHT, priority="P1")
    assert (decision.queue, decision.page) == (queue, False)


def test_end_users_are_served_where_that_was_bought_and_never_through_on_call() -> None:
    bought = customer(
        "imagicle-care", "platinum", contacts=(person("ada", end_user=True),), contract=Contract(end_users=True)
    )
    found = who([bought], "imagicle-care")
    assert found.entitled
    decision = judged(found, "imagicle-care", NIGHT, priority="P1")
    assert not decision.page
    assert "page: no, because the caller is an end user" in decision.evidence


@pytest.mark.parametrize(
    ("facts", "report", "pages", "because"),
    [
        ({}, {"priority": "P1", "language": "en"}, True, "yes, P1"),
        ({}, {"priority": "P2", "language": "en"}, True, "yes, P2"),
        ({}, {"priority": "P3", "language": "en"}, False, "P3 does not page"),
        ({}, {"priority": "P1", "language": "it"}, False, "the duty speaks en only"),
        ({"language": "it"}, {"priority": "P1"}, False, "the duty speaks en only"),
        (
            {"region": "asia-pacific"},
            {"priority": "P1", "language": "en"},
            False,
            "the region asia-pacific has no duty",
        ),
        ({"region": "emea"}, {"priority": "P1", "language": "en"}, True, "yes"),
        ({"plan": "gold"}, {"priority": "P1", "language": "en"}, False, ""),
        ({"restrictions": ("in-country",)}, {"priority": "P1", "language": "en"}, False, "only the permitted staff"),
    ],
)
def test_the_duty_is_for_plan_severity_language_and_region(
    facts: dict[str, object], report: dict[str, object], pages: bool, because: str
) -> None:
    one = replace(customer("imagicle-care", "platinum"), **facts)  # type: ignore[arg-type]
    decision = judged(who([one], "imagicle-care"), "imagicle-care", NIGHT, **report)
    told = [line for line in decision.evidence if line.startswith("page:")]
    assert decision.page == pages, told
    assert because in "".join(told)


def test_severity_1_only_is_24x7_on_the_programmes_that_say_so() -> None:
    """REFERENCE section 2."""
    for plan, priority, expected in (("premium", "P1", True), ("premium", "P2", False), ("standard", "P1", False)):
        one = who([customer("ivanti", plan)], "ivanti", channel="phone", phone="+390612345678")
        decision = judged(one, "ivanti", NIGHT, channel="phone", priority=priority, language="en")
        assert decision.page == expected, (plan, priority)


def test_a_customer_for_permitted_staff_only_reaches_their_queue() -> None:
    found = who([customer("ivanti", "premium", restrictions=("in-country",))], "ivanti")
    assert (found.entitled, found.marks) == (True, ("restricted",))
    assert judged(found, "ivanti").queue == "restricted"


def test_the_hours_are_those_of_the_customers_region() -> None:
    found = who([customer("ivanti", "premium", region="apac")], "ivanti")
    assert found.region == "apac"
    stamp = judged(found, "ivanti").stamp
    assert stamp is not None
    assert {clock.calendar for clock in stamp.clocks} == {"apac"}


# Kinds, channels, add-ons -----------------------------------------------------------------------------------------


def test_a_contact_asks_only_for_what_was_granted() -> None:
    found = who(
        [customer("aruba-enterprise", "premium", contacts=(person("ada", grants=frozenset({"incident"})),))],
        "aruba-enterprise",
    )
    assert judged(found, "aruba-enterprise", kind="incident").marks == ()
    asked = judged(found, "aruba-enterprise", kind="change")
    assert (asked.marks, asked.queue) == (("kind-not-granted",), "to-look-at")


def test_a_channel_that_is_only_for_some_kinds_marks_the_others() -> None:
    found = who([customer("aruba-enterprise", "premium")], "aruba-enterprise", channel="phone", phone="+390612345678")
    assert judged(found, "aruba-enterprise", channel="phone", kind="change").marks[-1:] == ("kind-not-by-channel",)
    assert "kind-not-by-channel" not in judged(found, "aruba-enterprise", channel="phone", kind="incident").marks


def test_mail_is_not_in_small_enterprise_and_is_ticketed_all_the_same() -> None:
    found = who([customer("aruba-enterprise", "small-enterprise")], "aruba-enterprise")
    decision = judged(found, "aruba-enterprise")
    assert (found.why_not, decision.marks, decision.plan) == (
        "channel-not-in-plan",
        ("channel-not-in-plan",),
        "small-enterprise",
    )


@pytest.mark.parametrize("base", ["small-enterprise", "enterprise", "enterprise-plus", "premium"])
def test_the_add_on_counts_within_its_scope_over_every_plan(base: str) -> None:
    """REFERENCE section 1: Cloud Top Enterprise."""
    found = who([customer("aruba-enterprise", base, add_ons=("cloud-top-enterprise",))], "aruba-enterprise")
    inside = judged(found, "aruba-enterprise", subject="Il private cloud è lento")
    assert (inside.plan, inside.base_plan, inside.queue, inside.marks) == (
        "cloud-top-enterprise",
        base,
        "named-engineers",
        (),
    )
    outside = judged(found, "aruba-enterprise", subject="La stampante è lenta")
    assert (outside.plan, outside.base_plan, outside.queue) == (base, None, "first-line")
    assert ("channel-not-in-plan" in outside.marks) == (base == "small-enterprise")
    assert judged(replace(found, add_ons=()), "aruba-enterprise", subject="cloud").plan == base


def test_an_unregistered_contact_is_ticketed_and_a_person_decides() -> None:
    found = who([customer("ivanti", "premium")], "ivanti", "new@customer.example")
    assert (found.customer, found.verified, found.why_not) == ("C", True, "contact-not-registered")
    assert judged(found, "ivanti").queue == "to-look-at"


# Every reason, at every desk: a person who can decide about it, and words for whoever wrote -------------------------

DECIDED = (
    "unknown-customer", "several-customers", "unknown-plan", "contact-not-registered", "contact-not-authorised", "kind-not-granted",
    "contract-not-started", "contract-expired", "contract-expired-renewable", "contract-unpaid", "product-expired", "end-of-life",
    "altered-product", "third-party-product", "unsupported-version", "hardware",
)  # fmt: skip
SHIPPED = ("aruba-enterprise", "imagicle-care", "ivanti", "mailup", "aruba-interventions", "demo", "test")
DECIDING = {"renewals", "to-look-at", "hardware", "partners", "restricted", "end-users"}


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("reason", DECIDED)
def test_no_desk_drops_the_uncovered_or_puts_them_among_the_others(name: str, reason: str) -> None:
    plan = next(iter(desk(name).plans))
    someone = None if reason in ("unknown-customer", "several-customers") else "C"
    one = Recognition(
        someone, None, "certain", someone is not None, False, reason, plan if someone else None, desk=name
    )
    decision = judged(one, name)
    assert reason in decision.marks
    assert decision.queue in DECIDING
    assert desk(name).queues[decision.queue].served_by
    assert not decision.page


def test_what_a_partner_or_permitted_staff_must_serve_goes_to_them_alone() -> None:
    for reason, queue in (("bought-through-partner", "partners"), ("restricted", "restricted")):
        one = Recognition("C", None, "certain", True, False, reason, "premium", desk="ivanti")
        assert judged(one, "ivanti", NIGHT, priority="P1").queue == queue


@pytest.mark.parametrize("reason", [*DECIDED, "bought-through-partner", "end-user", "channel-not-in-plan"])
def test_every_reason_has_its_words_in_the_answer(reason: str) -> None:
    """A person chooses among several customers and mends a plan that is missing: the sender has done nothing wrong."""
    if reason in ("several-customers", "unknown-plan"):
        assert reason not in NOTES
        return
    letter = sample(Receipt(notes=(NOTES[reason],), channels=("phone", "portal")), "it")
    english = sample(Receipt(notes=(NOTES[reason],), channels=("phone", "portal")), "en")
    plain = bodies(sample(Receipt(), "it"))[0]
    assert len(bodies(letter)[0]) > len(plain) + 40
    assert bodies(letter)[0] != bodies(english)[0]
