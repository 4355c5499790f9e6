"""Who is believed, told from outside: mails as a hostile internet sends them, and what the ledger says of each."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from outside_presa import SUPPORT, Carrier, Presa, Sink, mail, results

ACME, EVIL = results("acme.example"), results("evil.example")
MALLORY = "Mallory <mallory@evil.example>"
EDGE_HOP = (
    "Received: from out.example ([192.0.2.7]) by mx.example.test with ESMTP id 1; Sun, 22 Nov 2026 08:00:00 +0000"
)
OTHER_HOP = "Received: from pc by relay.evil.example with SMTP id 2; Sun, 22 Nov 2026 07:59:00 +0000"
VERIFIED = {"outcome": "new", "customer": "ACME", "verified": True, "acknowledge": True}
CLAIMED = {"outcome": "new", "customer": "ACME", "verified": False, "acknowledge": False}
STRANGER = {"outcome": "new", "customer": None, "verified": False}
AMBIGUOUS = {"outcome": "held", "reason": "ambiguous-sender", "ticket": None, "verified": False, "acknowledge": False}
NOBODY = {"customer": None, "verified": False}
URGENT = {"subject": "URGENTE", "body": "Il gestionale è down, siamo fermi, production is down\r\n"}


def edge(text: str) -> str:
    return f"Authentication-Results: {text}"


def named(text: str) -> str:
    return f"=?utf-8?B?{b64encode(text.encode()).decode()}?="


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # ── I1, I2: is the sender proven? ──
    "the contact, with the edge's pass": (VERIFIED, {"top": [ACME]}),
    "the contact, with the edge's pass above its own hop": (VERIFIED, {"top": [ACME, EDGE_HOP, OTHER_HOP]}),
    "the contact, with the edge's pass below its own hop": (VERIFIED, {"top": [EDGE_HOP, ACME, OTHER_HOP]}),
    "a colleague of a listed domain": (VERIFIED, {"from_": "anna@acme.example", "top": [ACME]}),
    "capital letters": (VERIFIED, {"from_": "MARIO@ACME.EXAMPLE", "top": [ACME]}),
    "a folded From": (VERIFIED, {"from_": "\r\n Mario Rossi\r\n <mario@acme.example>", "top": [ACME]}),
    "the authserv-id in capitals": (VERIFIED, {"top": [results("acme.example", authserv="MX.Example.TEST")]}),
    "the authserv-id with a version": (VERIFIED, {"top": [results("acme.example", authserv="mx.example.test 1")]}),
    "an aligned signature without dmarc": (VERIFIED, {"top": [edge("mx.example.test; dkim=pass header.d=acme.example")]}),
    "an aligned envelope without dmarc": (
        VERIFIED,
        {"top": [edge("mx.example.test; spf=pass smtp.mailfrom=bounce@acme.example")]},
    ),
    "comments of the edge": (
        VERIFIED,
        {"top": [edge("mx.example.test (spam scanner 3); dmarc=pass (p=none) header.from=acme.example")]},
    ),
    "no results at all": (CLAIMED, {**URGENT}),
    "dmarc fail": (CLAIMED, {"top": [results("acme.example", "fail")], **URGENT}),
    "results of another server": (CLAIMED, {"top": [results("acme.example", authserv="mx.evil.example")], **URGENT}),
    "an id that begins like ours": (CLAIMED, {"top": [results("acme.example", authserv="mx.example.test.evil.example")], **URGENT}),
    "an id that ends like ours": (CLAIMED, {"top": [results("acme.example", authserv="xmx.example.test")], **URGENT}),
    "our results below another hop": (CLAIMED, {"top": [EDGE_HOP, OTHER_HOP, ACME], **URGENT}),
    "our results below another server's": (
        CLAIMED,
        {"top": [results("acme.example", authserv="mx.evil.example"), ACME], **URGENT},
    ),
    "a forged pass below our fail": (CLAIMED, {"top": [results("acme.example", "fail"), ACME], **URGENT}),
    "a forged pass below our none": (CLAIMED, {"top": [edge("mx.example.test; none"), ACME], **URGENT}),
    "a pass in a comment": (
        CLAIMED,
        {"top": [edge("mx.example.test (dmarc=pass header.from=acme.example); dmarc=fail header.from=acme.example")]},
    ),
    "a pass in a quoted reason": (
        CLAIMED,
        {"top": [edge('mx.example.test; dmarc=fail reason="; dmarc=pass header.from=acme.example" header.from=acme.example')]},
    ),
    "a pass of another domain": (CLAIMED, {"top": [EVIL], **URGENT}),
    "a signature of another domain": (CLAIMED, {"top": [edge("mx.example.test; dkim=pass header.d=evil.example")]}),
    "an envelope of another domain": (CLAIMED, {"top": [edge("mx.example.test; spf=pass smtp.mailfrom=m@evil.example")]}),
    "a host name that passed": (CLAIMED, {"top": [edge("mx.example.test; spf=pass smtp.helo=acme.example")]}),
    "a signature in spite of dmarc fail": (
        CLAIMED,
        {"top": [edge("mx.example.test; dkim=pass header.d=acme.example; dmarc=fail header.from=acme.example")]},
    ),
    "the results twice in one header": (CLAIMED, {"top": [edge("mx.example.test; dmarc=fail header.from=acme.example; dmarc=pass header.from=acme.example")]}),
    "results that break off": (CLAIMED, {"top": [edge('mx.example.test; dmarc=pass header.from="acme.example')]}),
    "a header that is only called like it": (CLAIMED, {"top": ["X-Authentication-Results: mx.example.test; dmarc=pass header.from=acme.example"]}),
    # ── I3: one address, and only the address ──
    "two From headers": (AMBIGUOUS, {"top": [ACME, "From: mallory@evil.example"]}),
    "two From headers, ours second": (AMBIGUOUS, {"from_": MALLORY, "top": [EVIL], "more": ["From: mario@acme.example"]}),
    "the same From twice": (AMBIGUOUS, {"top": [ACME, "From: mario@acme.example"]}),
    "two addresses in one From": (AMBIGUOUS, {"from_": "mario@acme.example, mallory@evil.example", "top": [EVIL]}),
    "no From": (AMBIGUOUS, {"from_": None, "top": [ACME]}),
    "an empty From": (AMBIGUOUS, {"from_": "", "top": [ACME]}),
    "an empty group": (AMBIGUOUS, {"from_": "undisclosed-recipients:;", "top": [ACME]}),
    "a group of two": (AMBIGUOUS, {"from_": "Team: mario@acme.example, anna@acme.example;", "top": [ACME]}),
    "a group named like the contact": (NOBODY, {"from_": "mario@acme.example: mallory@evil.example;", "top": [EVIL]}),
    "a display name that is an address": (STRANGER, {"from_": '"mario@acme.example" <mallory@evil.example>', "top": [EVIL]}),
    "an encoded display name": (STRANGER, {"from_": f"{named('Mario <mario@acme.example>')} <mallory@evil.example>", "top": [EVIL]}),
    "a line break in the encoded name": (
        STRANGER,
        {"from_": "=?utf-8?q?x=0D=0AFrom:_mario=40acme.example?= <mallory@evil.example>", "top": [EVIL]},
    ),
    "an address in a comment": (STRANGER, {"from_": "mallory@evil.example (mario@acme.example)", "top": [EVIL]}),
    "a comment in front": (STRANGER, {"from_": "(mario@acme.example) <mallory@evil.example>", "top": [EVIL]}),
    "two addresses without a comma": (NOBODY, {"from_": "mario@acme.example <mallory@evil.example>", "top": [EVIL]}),
    "two angles": (NOBODY, {"from_": "<mallory@evil.example> <mario@acme.example>", "top": [EVIL]}),
    "a space before the colon": ({"verified": False}, {"top": [EVIL, "From : mallory@evil.example"]}),
    "an address inside a quoted local part": (NOBODY, {"from_": '"mario@acme.example"@evil.example', "top": [EVIL]}),
    "a From named in Sender only": (STRANGER, {"from_": MALLORY, "top": [EVIL], "more": ["Sender: mario@acme.example"]}),
    "our own address": ({"outcome": "held", "reason": "own-address", "acknowledge": False}, {"from_": SUPPORT, "top": [results("example.test")]}),
    # ── I4: look-alikes ──
    "a subdomain": (STRANGER, {"from_": "mario@mail.acme.example", "top": [results("mail.acme.example")]}),
    "a suffix": (STRANGER, {"from_": "mario@acme.example.evil.example", "top": [results("acme.example.evil.example")]}),
    "a prefix": (STRANGER, {"from_": "mario@evilacme.example", "top": [results("evilacme.example")]}),
    "a slip of the pen": (STRANGER, {"from_": "mario@acrne.example", "top": [results("acrne.example")]}),
    "a Cyrillic letter": (NOBODY, {"from_": "mario@\u0430cme.example", "top": [results("xn--cme-5cd.example")]}),
    "the same in punycode": (STRANGER, {"from_": "mario@xn--cme-5cd.example", "top": [results("xn--cme-5cd.example")]}),
    "full-width letters": (NOBODY, {"from_": "mario@\uff41cme.example", "top": [ACME]}),
    "a full-width dot": (NOBODY, {"from_": "mario@acme\uff0eexample", "top": [ACME]}),
    "a zero-width space": (NOBODY, {"from_": "mario@ac\u200bme.example", "top": [ACME]}),
    "the contact at gmail": (
        {"outcome": "new", "customer": "BETA", "verified": True, "acknowledge": True},
        {"from_": "luigi.beta@gmail.com", "top": [results("gmail.com")]},
    ),
    "a neighbour at gmail": (STRANGER, {"from_": "luigi.alfa@gmail.com", "top": [results("gmail.com")]}),
    "a neighbour without the dot": (STRANGER, {"from_": "luigibeta@gmail.com", "top": [results("gmail.com")]}),
    "a neighbour with a tag": (STRANGER, {"from_": "luigi.beta+desk@gmail.com", "top": [results("gmail.com")]}),
    "the other name of gmail": (STRANGER, {"from_": "luigi.beta@googlemail.com", "top": [results("googlemail.com")]}),
    "the contact at gmail, unproven": (
        {"customer": "BETA", "verified": False, "acknowledge": False},
        {"from_": "luigi.beta@gmail.com"},
    ),
    "a listed second domain": (
        {"outcome": "new", "customer": "GAMMA", "verified": True},
        {"from_": "ugo@it.gamma.example", "top": [results("it.gamma.example")]},
    ),
    "an unlisted second domain": (STRANGER, {"from_": "ugo@de.gamma.example", "top": [results("de.gamma.example")]}),
    # ── I5: a code is a claim ──
    "a stranger with the code": (STRANGER, {"from_": MALLORY, "top": [EVIL], "subject": "ACM-0001", "body": "Codice 100001, ACME, PIN\r\n"}),
    "another customer with the code": (
        {"customer": "GAMMA", "verified": True},
        {"from_": "ugo@gamma.example", "top": [results("gamma.example")], "subject": "cliente 100001 ACM-0001"},
    ),
    # ── I8, I9: who is answered ──
    "Reply-To to a customer": (
        {"customer": None, "acknowledge": False},
        {"from_": "mallory2@evil.example", "top": [EVIL], "more": ["Reply-To: mario@acme.example"]},
    ),
    "Reply-To within the customer": (VERIFIED, {"top": [ACME], "more": ["Reply-To: anna@acme.example"]}),
    "a stranger that failed": (
        {"customer": None, "acknowledge": False},
        {"from_": "victim@third.example", "top": [results("third.example", "fail")]},
    ),
    **{
        f"automatic by {header}": ({"customer": "ACME", "verified": True, "acknowledge": False}, {"top": [ACME], "more": [header], "id_": ""})
        for header in (
            "Auto-Submitted: auto-replied",
            "Auto-Submitted: auto-generated",
            "Auto-Submitted: AUTO-NOTIFIED; owner=x",
            "Precedence: bulk",
            "Precedence: list",
            "List-Id: <news.acme.example>",
            "X-Auto-Response-Suppress: All",
            "X-Auto-Response-Suppress: OOF, AutoReply",
            "X-Autoreply: yes",
        )
    },
    "a person who says so": (VERIFIED, {"top": [ACME], "more": ["Auto-Submitted: no"]}),
    "a no-reply address": (
        {"customer": "ACME", "verified": True, "acknowledge": False},
        {"from_": "no-reply@acme.example", "top": [ACME]},
    ),
    "a bounce that is not ours": (
        {"outcome": "held", "reason": "bounce-not-ours", "ticket": None, "acknowledge": False},
        {
            "from_": "MAILER-DAEMON@acme.example", "top": [ACME], "subject": "Undelivered Mail Returned to Sender",
            "more": ["Auto-Submitted: auto-replied", "MIME-Version: 1.0", 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"'],
            "body": "--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver it.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
            "Reporting-MTA: dns; mx.acme.example\r\n\r\nFinal-Recipient: rfc822; x@acme.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n",
        },
    ),
}  # fmt: skip


@dataclass
class Sent:
    presa: Presa
    carrier: Carrier
    rows: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """Every case sent once, over one connection; rows by case."""
    folder: Path = tmp_path_factory.mktemp("senders")
    carrier, sink = Carrier(), Sink()
    with Presa(folder, carrier, PRESA_SMARTHOST=f"smtp://127.0.0.1:{sink.port}") as presa:
        presa.send(*(mail(**arguments) for _, arguments in CASES.values()))
        rows = presa.ledger()
        assert len(rows) == len(CASES)
        yield Sent(presa, carrier, dict(zip(CASES, rows, strict=True)))
    sink.close()
    carrier.close()


@pytest.mark.parametrize("case", CASES)
def test_the_ledger_says_what_became_of_it(case: str, sent: Sent) -> None:
    expected, row = CASES[case][0], sent.rows[case]
    assert {name: row[name] for name in expected} == expected, row


def test_every_accepted_mail_is_in_the_ledger_with_one_outcome_and_its_ticket(sent: Sent) -> None:
    numbers = set(sent.presa.tickets())
    for row in sent.rows.values():
        assert (row["ticket"] in numbers) == (row["outcome"] == "new"), row
        assert (row["door"], row["peer"], row["rcpt"]) == ("smtp", "127.0.0.1", [SUPPORT])
        assert row["envelope_from"] == "bounces@somewhere.example"


def test_an_unverified_ticket_keeps_the_claimed_plan_and_its_clock_and_says_so(sent: Sent) -> None:
    told = sent.presa.explain(sent.rows["dmarc fail"]["ticket"])
    assert (told["plan"], told["priority"]) == ("platinum", "P1")
    assert any(target["due"] for target in told["clocks"]["targets"])
    assert any("provisional" in line for line in told["evidence"])


def test_nobody_is_paged_by_a_spoof(sent: Sent) -> None:
    urgent = [case for case, (_, arguments) in CASES.items() if arguments.get("subject") == "URGENTE"]
    assert len(urgent) > 8
    assert sent.carrier.rung == []


def test_the_dry_run_and_who_say_the_same_as_the_door(sent: Sent, tmp_path: Path) -> None:
    names = [case for case in CASES if CASES[case][0].get("outcome") != "held"]
    paths = []
    for number, case in enumerate(names):
        paths.append(tmp_path / f"{number:03}.eml")
        given = CASES[case][1]  # another mail than the one sent, also within its second
        paths[-1].write_bytes(mail(**{**given, "more": [*given.get("more", ()), "X-Copy: 2"]}))
    told = sent.presa.rows(
        "ingest", *map(str, paths), "--dry-run", "--trusted-edge", "mx.example.test", "--peer", "127.0.0.1", "--rcpt", SUPPORT,
        "--envelope-from", "x@y.example",
    )  # fmt: skip
    for case, row, path in zip(names, told, paths, strict=True):
        expected = CASES[case][0]
        assert Path(row["file"]).name == path.name
        assert {name: row[name] for name in expected} == expected, (case, row)
    assert len(sent.presa.ledger()) == len(CASES), "a dry run stores nothing"
    for case in (
        "the contact, with the edge's pass",
        "a forged pass below our fail",
        "a neighbour at gmail",
        "a listed second domain",
    ):
        file = tmp_path / f"{names.index(case):03}.eml"
        (who,) = sent.presa.rows("who", "--mail", str(file), "--trusted-edge", "mx.example.test")
        assert (who["customer"], who["verified"]) == (sent.rows[case]["customer"], sent.rows[case]["verified"]), case
        (who,) = sent.presa.rows("who", "--mail", str(file))
        assert not who["verified"], "without a trusted edge nothing in a mail proves its sender"
