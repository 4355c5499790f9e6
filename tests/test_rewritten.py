"""A list or forwarder that puts its own address into From: who wrote the mail, and what that is worth.

Through our own edge's results and through Presa's own check; then what recognition makes of it.
"""

from pathlib import Path
from typing import Any

import dkim
import pytest
from test_authenticate import EDGE, check, key

import parsers
from gateway import settings as configuration
from gateway.mail import authenticate as authenticate_module
from gateway.mail import author as authors
from gateway.mail.authenticate import authenticate
from identity import match

SETTINGS = configuration.load(Path(__file__).parents[1] / "desks" / "test", {})
LISTA = '"Mario Rossi via Lista" <lista@lists.example>'
KEPT = "X-Original-From: Mario Rossi <mario@acme.example>"
TRUSTED = ("lists.example",)
SAW = "dmarc=pass header.from=acme.example"


def mail(*more: str, from_: str = LISTA) -> bytes:
    head = [f"From: {from_}", "To: support@example.test", "Subject: [lista] guasto", "List-Id: <lista.lists.example>"]
    return "\r\n".join([*head, *more, "", "Siamo fermi.", ""]).encode()


def chain(saw: str = SAW) -> tuple[str, str]:
    return (
        "ARC-Seal: i=1; a=rsa-sha256; d=lists.example; s=s; cv=none; b=x",
        f"ARC-Authentication-Results: i=1; lists.example; {saw}",
    )


def by_edge(raw: bytes, *, arc: str = "pass", dmarc: str = "pass", sealers: tuple[str, ...] = TRUSTED) -> Any:
    """(customer, contact, verified, address) of a mail that our edge has judged."""
    top = f"Authentication-Results: mx.example.test; arc={arc}; dmarc={dmarc} header.from=lists.example\r\n".encode()
    message = parsers.parse(top + raw)
    proof = authenticate(message, top + raw, peer="127.0.0.1", edge=EDGE, sealers=sealers)
    author = authors.of_mail(message, proof, SETTINGS.own_addresses, frozenset())
    if author.sender.held:
        return author.sender.held
    who = match.recognise(author.signs(message), SETTINGS.people, SETTINGS.covers)
    return who.customer, who.contact, who.verified, who.address


@pytest.mark.parametrize("kept", [KEPT, "Original-From: mario@acme.example", "X-Original-Sender: mario@acme.example",
                                  "Reply-To: Mario Rossi <mario@acme.example>",
                                  "Reply-To: mario@acme.example, lista@lists.example"])  # fmt: skip
def test_the_author_behind_a_trusted_list_is_proven_when_its_chain_says_so_and_else_claimed(kept: str) -> None:
    mario = ("ACME", "ACME-mario")
    assert by_edge(mail(kept, *chain())) == (*mario, True, "mario@acme.example")
    assert by_edge(mail(kept)) == (*mario, False, "mario@acme.example")
    assert by_edge(mail(kept, *chain()), arc="fail") == (*mario, False, "mario@acme.example")


STRANGER = (None, None, False, "lista@lists.example")


@pytest.mark.parametrize(
    ("raw", "more"),
    [
        (mail(KEPT, *chain()), {"sealers": ()}),  # nobody trusts the list
        (mail(KEPT, *chain()), {"sealers": ("other.example",)}),
        (mail(KEPT, *chain()), {"dmarc": "fail"}),  # somebody else wrote the list's address
        (mail(KEPT, "Original-From: anna@acme.example", *chain()), {}),  # two authors: none
        (
            mail("Reply-To: mario@acme.example", *chain(), from_="Avvisi <lista@lists.example>"),
            {},
        ),  # no name says "via"
        (mail("Reply-To: mario@acme.example, anna@acme.example", *chain()), {}),
        (mail(*chain()), {}),
    ],
)
def test_it_stays_the_lists_own_mail(raw: bytes, more: dict[str, Any]) -> None:
    assert by_edge(raw, **more) == STRANGER


@pytest.mark.parametrize(
    "saw",
    ["dmarc=fail header.from=acme.example", "dmarc=pass header.from=evil.example", "none",
     "dmarc=pass header.from=mail.acme.example", "spf=pass smtp.mailfrom=evil.example"],
)  # fmt: skip
def test_a_chain_proves_only_what_its_first_sealer_saw(saw: str) -> None:
    assert by_edge(mail(KEPT, *chain(saw))) == ("ACME", "ACME-mario", False, "mario@acme.example")


def test_a_chain_proves_nobody_at_a_shared_domain() -> None:
    """Anybody at gmail may write a neighbour's address into X-Original-From; gmail checks only the From."""
    raw = mail("X-Original-From: luigi.beta@gmail.com", *chain("dmarc=pass header.from=gmail.com"))
    assert by_edge(raw) == ("BETA", "BETA-luigi", False, "luigi.beta@gmail.com")


def test_a_second_hop_must_be_trusted_too() -> None:
    second = ("ARC-Seal: i=2; a=rsa-sha256; d=evil.example; s=s; cv=pass; b=x",)
    assert by_edge(mail(KEPT, *second, *chain())) == ("ACME", "ACME-mario", False, "mario@acme.example")


def test_our_own_address_behind_a_list_is_held() -> None:
    assert by_edge(mail("X-Original-From: support@example.test", *chain())) == "own-address"


def test_without_an_edge_the_lists_signature_and_its_whole_chain_are_verified_by_us() -> None:
    changed = mail(KEPT)
    results = f"Authentication-Results: lists.example; {SAW}\r\n".encode()
    signature = dkim.sign(changed, b"sel", b"lists.example", key()[0])
    sealed = b"".join(dkim.arc_sign(results + changed, b"sel", b"lists.example", key()[0], b"lists.example", None))
    zone = {("sel._domainkey.lists.example", "TXT"): (key()[1],)}
    for raw, verdict in (
        (sealed + signature + changed, "pass"),
        (sealed.replace(b"dmarc=pass", b"dmarc=PASS") + signature + changed, "none"),  # the set was touched
        (signature + changed, "none"),
    ):
        judged = check(raw, zone, sealers=TRUSTED)
        assert (judged.verdict, judged.author) == (verdict, "mario@acme.example"), judged
    assert check(sealed + changed, zone, sealers=TRUSTED).author is None  # the list's own From is not proven


# Out of a provider's mailbox ------------------------------------------------------------------------------------


def by_provider(raw: bytes, results: str, sealers: tuple[str, ...] = TRUSTED) -> Any:
    """The same as `by_edge`, as the provider of a mailbox has judged it: below hops of its own, above everybody else's."""
    top = (
        f"Received: by 2002:a05:6a10::1 with SMTP id x\r\nAuthentication-Results: mx.google.com; {results}\r\n".encode()
    )
    message = parsers.parse(top + raw)
    proof = authenticate_module.by_provider(message, "mx.google.com", sealers)
    who = match.recognise(
        authors.of_mail(message, proof, SETTINGS.own_addresses, frozenset()).signs(message),
        SETTINGS.people,
        SETTINGS.covers,
    )
    return who.customer, who.contact, who.verified, who.address


LISTS_OWN = "dkim=pass header.d=lists.example; dmarc=pass header.from=lists.example"
MARIO = ("ACME", "ACME-mario")


@pytest.mark.parametrize(
    ("headers", "results", "expected"),
    [
        ((KEPT, *chain()), f"{LISTS_OWN}; arc=pass (i=1 spf=pass)", (*MARIO, True, "mario@acme.example")),
        ((KEPT, *chain()), LISTS_OWN, (*MARIO, False, "mario@acme.example")),
        ((KEPT, *chain()), f"{LISTS_OWN}; arc=fail", (*MARIO, False, "mario@acme.example")),
        ((KEPT,), f"{LISTS_OWN}; arc=pass", (*MARIO, False, "mario@acme.example")),
        ((KEPT, *chain()), "dmarc=fail header.from=lists.example; arc=pass", STRANGER),
        ((), f"{LISTS_OWN}; arc=pass", STRANGER),
    ],
    ids=["chain", "chain not checked", "broken chain", "no chain", "not the list", "names nobody"],
)
def test_in_a_providers_mailbox_its_results_decide_about_a_list_that_rewrote_the_author(
    headers: tuple[str, ...], results: str, expected: Any
) -> None:
    assert by_provider(mail(*headers), results) == expected
    assert by_provider(mail(*headers), results, sealers=()) == STRANGER


def test_in_a_providers_mailbox_a_trusted_forwarder_that_broke_the_signature_is_believed_by_its_chain() -> None:
    """It left the From as it was, so the author's own policy failed: only what the first sealer saw can speak for it."""
    raw = mail(*chain(), from_="mario@acme.example")
    failed = "dkim=fail header.d=acme.example; dmarc=fail header.from=acme.example; arc=pass"
    assert by_provider(raw, failed) == (*MARIO, True, "mario@acme.example")
    assert by_provider(raw, failed.replace("arc=pass", "arc=none")) == (*MARIO, False, "mario@acme.example")
    assert by_provider(raw, failed, sealers=()) == (*MARIO, False, "mario@acme.example")
