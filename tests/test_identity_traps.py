"""Traps for recognition: what a hostile internet writes into a mail, and the one right verdict on each.

Each mail goes through `presa who --mail FILE --trusted-edge ID` and through the engine that `presa ingest` uses. CASES mail
10, 13, 16 to 23 and I1 to I7.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databases import settings_of
from outside_presa import SUPPORT, mail, results
from typer.testing import CliRunner

from gateway import app
from gateway.cli.commands import app as commands
from gateway.engine import Arrival, Engine
from gateway.store.database import open_database
from identity.sender import AMBIGUOUS, OWN

EDGE = "mx.example.test"
ACME, EVIL, GMAIL, GAMMA = (results(d) for d in ("acme.example", "evil.example", "gmail.com", "gamma.example"))
FAIL = results("acme.example", "fail")
HOP = "Received: from out.example ([192.0.2.7]) by mx.example.test with ESMTPS id 1; Sun, 22 Nov 2026 08:00:00 +0000"
EVIL_HOP = "Received: from pc by relay.evil.example with SMTP id 2; Sun, 22 Nov 2026 07:59:00 +0000"


def edge(text: str) -> str:
    return f"Authentication-Results: {EDGE}; {text}"


def word(text: str, how: str = "B") -> str:
    coded = b64encode(text.encode()).decode() if how == "B" else "".join(f"={byte:02X}" for byte in text.encode())
    return f"=?utf-8?{how}?{coded}?="


MALLORY = "Mallory <mallory@evil.example>"
PROVEN, CLAIMED, STRANGER, HELD, OURS = ("ACME", True), ("ACME", False), (None, False), AMBIGUOUS, OWN
Verdict = tuple[str | None, bool] | str

# name: (verdict, From or None for the contact's, headers on top, further arguments of `mail`)
TRAPS: dict[str, tuple[Verdict, str | None, list[str], dict[str, object]]] = {
    # ── I1: is the sender proven? ──
    "the honest contact": (PROVEN, None, [ACME], {}),
    "the honest colleague": (PROVEN, "anna@acme.example", [ACME], {}),
    "an address in capitals": (PROVEN, "MARIO@Acme.EXAMPLE", [ACME], {}),
    "a Return-Path above the results": (PROVEN, None, ["Return-Path: <mario@acme.example>", ACME], {}),
    "a spoof without any proof": (CLAIMED, None, [], {}),
    "a spoof that fails": (CLAIMED, None, [FAIL], {}),
    "a spoof with the stranger's own pass": (CLAIMED, None, [EVIL], {}),
    "a pass for the neighbour of the domain": (CLAIMED, None, [results("acme.example.evil.example")], {}),
    "a pass for a subdomain only": (CLAIMED, None, [edge("dmarc=pass header.from=mail.acme.example")], {}),
    "a pass for the parent only": (("GAMMA", False), "x@it.gamma.example", [edge("dmarc=pass header.from=gamma.example")], {}),
    "dmarc pass beside a signature of another": (CLAIMED, None, [edge("dkim=pass header.d=evil.example; dmarc=pass header.from=evil.example")], {}),
    "a signature whose i= is the customer's": (CLAIMED, None, [edge("dkim=pass header.d=evil.example header.i=@acme.example")], {}),
    "a signature that is only neutral": (CLAIMED, None, [edge("dkim=neutral header.d=acme.example; spf=softfail smtp.mailfrom=acme.example")], {}),
    "a pass of the HELO": (CLAIMED, None, [edge("spf=pass smtp.helo=acme.example")], {}),
    "spf of the customer's name in the local part": (CLAIMED, None, [edge('spf=pass smtp.mailfrom="mario@acme.example"@evil.example')], {}),
    "smtp login of somebody": (CLAIMED, None, [edge("auth=pass smtp.auth=mario@acme.example")], {}),
    "only an ARC pass": (CLAIMED, None, [edge("arc=pass header.d=acme.example")], {}),
    "an unknown method": (CLAIMED, None, [edge("x-dmarc=pass header.from=acme.example; dkim-adsp=pass header.from=acme.example")], {}),
    "a result that only begins with pass": (CLAIMED, None, [edge("dmarc=passed header.from=acme.example; dkim=pass+ header.d=acme.example")], {}),
    "a guess of a relay": (CLAIMED, None, [edge("dmarc=bestguesspass header.from=acme.example; spf=none")], {}),
    "a guess beside a real signature": (PROVEN, None, [edge("dmarc=bestguesspass header.from=acme.example; dkim=pass header.d=acme.example")], {}),
    "fail and pass of dmarc in one header": (CLAIMED, None, [edge("dmarc=pass header.from=acme.example; dmarc=fail header.from=acme.example")], {}),
    "the contact at gmail, proven": (("BETA", True), "luigi.beta@gmail.com", [GMAIL], {}),
    "the contact at gmail, by somebody else": (("BETA", False), "luigi.beta@gmail.com", [EVIL], {}),
    "a dotted display name": (PROVEN, "Ing. M. Rossi, ACME S.p.A. <mario@acme.example>", [ACME], {}),
    "on behalf of somebody at another firm": (PROVEN, None, [ACME], {"more": ["Sender: assistant@evil.example"]}),
    "our address is not in To": (PROVEN, None, [ACME], {"to": "undisclosed-recipients:;"}),
    # ── I2: whose results? ──
    "results of another server": (CLAIMED, None, [results("acme.example", authserv="mx.evil.example")], {}),
    "ours below another server's": (CLAIMED, None, [results("x.example", authserv="mx.evil.example"), ACME], {}),
    "ours below another hop": (CLAIMED, None, [HOP, EVIL_HOP, ACME], {}),
    "ours below a hop that claims to be the edge": (CLAIMED, None, ["Received: from mx.example.test by relay.evil.example; x", ACME], {}),
    "a hop that hides its name in a comment": (CLAIMED, None, ["Received: from a (by mx.example.test) by relay.evil.example; x", ACME], {}),
    "a hop without a name": (CLAIMED, None, ["Received: from a; x", ACME], {}),
    "a fail on top of a forged pass": (CLAIMED, None, [FAIL, ACME], {}),
    "none on top of a forged pass": (CLAIMED, None, [edge("none"), ACME], {}),
    "an empty header on top": (CLAIMED, None, ["Authentication-Results:", ACME], {}),
    "an id in a comment": (CLAIMED, None, ["Authentication-Results: mx.evil.example (mx.example.test); dmarc=pass header.from=acme.example"], {}),
    "an id as a second word": (CLAIMED, None, ["Authentication-Results: mx.evil.example mx.example.test; dmarc=pass header.from=acme.example"], {}),
    "an id with a dot more": (CLAIMED, None, [results("acme.example", authserv="mx.example.test.")], {}),
    "an id in look-alike letters": (CLAIMED, None, [results("acme.example", authserv="mx.ex\u0430mple.test")], {}),
    "an id in full-width letters": (CLAIMED, None, [results("acme.example", authserv="\uff4dx.example.test")], {}),
    "an id that is quoted and longer": (CLAIMED, None, [results("acme.example", authserv='"mx.example.test evil"')], {}),
    "an unknown version": (CLAIMED, None, [results("acme.example", authserv="mx.example.test 2")], {}),
    "a pass in a comment": (CLAIMED, None, [edge("dmarc=fail (dmarc=pass header.from=acme.example) header.from=acme.example")], {}),
    "a pass in a reason": (CLAIMED, None, [edge('dmarc=fail reason="x; dmarc=pass header.from=acme.example" header.from=acme.example')], {}),
    "a comment that never closes": (CLAIMED, None, [edge("dmarc=pass (header.from=acme.example")], {}),
    "X-Authentication-Results": (CLAIMED, None, [f"X-{ACME}"], {}),
    "ARC-Authentication-Results": (CLAIMED, None, ["ARC-Authentication-Results: i=1; mx.example.test; dmarc=pass header.from=acme.example"], {}),
    "Received-SPF": (CLAIMED, None, ["Received-SPF: pass (mx.example.test) envelope-from=mario@acme.example"], {}),
    "results after the From": (CLAIMED, None, [EVIL_HOP], {"more": [ACME]}),
    "results in the body": (CLAIMED, None, [], {"body": f"{ACME}\r\n\r\nciao\r\n"}),
    # ── I3: one address, and only the address ──
    "two From headers": (HELD, None, [ACME, f"From: {MALLORY}"], {}),
    "two From headers, the customer's last": (HELD, MALLORY, [EVIL], {"more": ["From: mario@acme.example"]}),
    "two addresses": (HELD, "mario@acme.example, mallory@evil.example", [EVIL], {}),
    "two addresses and a semicolon": (HELD, "mario@acme.example; mallory@evil.example", [EVIL], {}),
    "a group": (HELD, "acme: mario@acme.example, mallory@evil.example;", [ACME], {}),
    "an empty From": (HELD, "", [ACME], {}),
    "an empty pair of angles": (HELD, "Mario <>", [ACME], {}),
    "a name only": (HELD, "Mario Rossi", [ACME], {}),
    "a name that is an address": (STRANGER, '"mario@acme.example" <mallory@evil.example>', [EVIL], {}),
    "an unquoted name that is an address": (STRANGER, "mario@acme.example <mallory@evil.example>", [EVIL], {}),
    "a coded name that is an address": (STRANGER, f"{word('mario@acme.example')} <mallory@evil.example>", [EVIL], {}),
    "a coded name with angles": (STRANGER, f"{word('Mario <mario@acme.example>')} <mallory@evil.example>", [EVIL], {}),
    "a coded name with a line break": (STRANGER, "=?utf-8?q?a=0D=0AFrom:_mario=40acme.example?= <mallory@evil.example>", [EVIL], {}),
    "a coded name with a NUL": (STRANGER, "=?utf-8?q?mario=40acme.example=00?= <mallory@evil.example>", [EVIL], {}),
    "the whole address coded": (HELD, f"{word('mario@acme.example')}", [ACME], {}),
    "the address coded in angles": (STRANGER, f"<{word('mario@acme.example', 'Q')}>", [ACME], {}),
    "a comment behind": (STRANGER, "mallory@evil.example (mario@acme.example)", [EVIL], {}),
    "a comment in front": (STRANGER, "(mario@acme.example) mallory@evil.example", [EVIL], {}),
    "a comment inside": (STRANGER, "mallory@(acme.example)evil.example", [EVIL], {}),
    "nested comments": (STRANGER, "((mario@acme.example)(x)) <mallory@evil.example>", [EVIL], {}),
    "a route": (STRANGER, "<@acme.example:mallory@evil.example>", [EVIL], {}),
    "a route the other way": (CLAIMED, "<@evil.example:mario@acme.example>", [EVIL], {}),
    "angles twice": (HELD, "<mallory@evil.example><mario@acme.example>", [EVIL], {}),
    "a quoted local part": (STRANGER, '"mario@acme.example"@evil.example', [EVIL], {}),
    "a quoted local part with angles": (STRANGER, '"<mario@acme.example>"@evil.example', [EVIL], {}),
    "two at signs": (STRANGER, "mario@acme.example@evil.example", [EVIL], {}),
    "the percent hack": (STRANGER, "mario%acme.example@evil.example", [EVIL], {}),
    "the bang path": (STRANGER, "acme.example!mario@evil.example", [EVIL], {}),
    "a backslash": (STRANGER, "mario\\@acme.example@evil.example", [EVIL], {}),
    "a dot at the end": (STRANGER, "mario@acme.example.", [EVIL], {}),
    "an address literal": (STRANGER, "mario@[192.0.2.7]", [EVIL], {}),
    "a bare CR in the From": (HELD, "mallory@evil.example\rFrom: mario@acme.example", [EVIL], {}),
    "a NUL in the domain": (STRANGER, "mario@acme.example\0.evil.example", [EVIL], {}),
    "a folded domain": (STRANGER, "mario@acme.example\r\n .evil.example", [EVIL], {}),
    "a space before the colon": (HELD, MALLORY, [EVIL], {"more": ["From : mario@acme.example"]}),
    "Sender names the contact": (STRANGER, MALLORY, [EVIL], {"more": ["Sender: mario@acme.example"]}),
    "Resent-From names the contact": (STRANGER, MALLORY, [EVIL], {"more": ["Resent-From: mario@acme.example"]}),
    "X-Original-From names the contact": (STRANGER, MALLORY, [EVIL], {"more": ["X-Original-From: mario@acme.example"]}),
    "Reply-To names the contact": (STRANGER, MALLORY, [EVIL], {"more": ["Reply-To: mario@acme.example"]}),
    "Return-Path names the contact": (STRANGER, MALLORY, ["Return-Path: <mario@acme.example>", EVIL], {}),
    "On-Behalf-Of names the contact": (STRANGER, '"Mallory on behalf of mario@acme.example" <mallory@evil.example>', [EVIL], {}),
    # ── I4: look-alikes, suffixes, shared domains ──
    "a subdomain": (STRANGER, "mario@mail.acme.example", [results("mail.acme.example")], {}),
    "a name that ends like it": (STRANGER, "mario@notacme.example", [results("notacme.example")], {}),
    "a name that begins like it": (STRANGER, "mario@acme.example.evil.example", [results("acme.example.evil.example")], {}),
    "a hyphen": (STRANGER, "mario@acme-example.com", [results("acme-example.com")], {}),
    "another top level": (STRANGER, "mario@acme.test", [results("acme.test")], {}),
    "rn for m": (STRANGER, "mario@acrne.example", [results("acrne.example")], {}),
    "a Cyrillic a": (STRANGER, "mario@\u0430cme.example", [results("xn--cme-5cd.example")], {}),
    "the same in punycode": (STRANGER, "mario@xn--cme-5cd.example", [results("xn--cme-5cd.example")], {}),
    "full-width letters": (STRANGER, "mario@\uff41\uff43\uff4d\uff45.example", [ACME], {}),
    "a full-width dot": (STRANGER, "mario@acme\uff0eexample", [ACME], {}),
    "an ideographic dot": (STRANGER, "mario@acme\u3002example", [ACME], {}),
    "a zero-width joiner": (STRANGER, "mario@ac\u200dme.example", [ACME], {}),
    "a soft hyphen": (STRANGER, "mario@ac\u00adme.example", [ACME], {}),
    "a right-to-left mark": (STRANGER, "mario@acme.example\u202e", [ACME], {}),
    "a combining accent": (STRANGER, "mario@acme\u0301.example", [ACME], {}),
    "the Kelvin sign at gmail": (STRANGER, "luigi.beta@gmail.com.\u212aexample", [GMAIL], {}),
    "gmail without the dot": (STRANGER, "luigibeta@gmail.com", [GMAIL], {}),
    "gmail with a tag": (STRANGER, "luigi.beta+x@gmail.com", [GMAIL], {}),
    "googlemail": (STRANGER, "luigi.beta@googlemail.com", [results("googlemail.com")], {}),
    "a neighbour at gmail": (STRANGER, "acme@gmail.com", [GMAIL], {}),
    "a Turkish letter in the local part": (STRANGER, "lu\u0131gi.beta@gmail.com", [GMAIL], {}),
    "a Kelvin local part": (("ACME", True), "\u212aarl@acme.example", [ACME], {}),  # nobody on file, but of the domain
    "a listed second domain": (("GAMMA", True), "u@it.gamma.example", [results("it.gamma.example")], {}),
    "an unlisted second domain": (STRANGER, "u@de.gamma.example", [results("de.gamma.example")], {}),
    "below a listed second domain": (STRANGER, "u@x.it.gamma.example", [results("x.it.gamma.example")], {}),
    # ── I5: what a text says of itself ──
    "a code in the subject": (STRANGER, MALLORY, [EVIL], {"subject": "Codice cliente 100001"}),
    "a code and a PIN in the text": (STRANGER, MALLORY, [EVIL], {"body": "cliente ACM-0001, PIN 471108\r\n"}),
    "a code in the name": (STRANGER, '"ACME 100001" <mallory@evil.example>', [EVIL], {}),
    "a code in the local part": (STRANGER, "100001@evil.example", [EVIL], {}),
    "another customer's code": (("GAMMA", True), "u@gamma.example", [GAMMA], {"subject": "100001 ACM-0001"}),
    "the contact's number in the text": (STRANGER, MALLORY, [EVIL], {"body": "chiamatemi al 06 12345678\r\n"}),
    "a forwarded contact": (
        STRANGER, MALLORY, [EVIL],
        {"subject": "Fwd: guasto", "body": "---------- Forwarded message ---------\r\nFrom: Mario <mario@acme.example>\r\nTo: x\r\nSubject: guasto\r\n\r\nfermo\r\n"},
    ),
    "a customer forwards another's contact": (
        ("GAMMA", True), "u@gamma.example", [GAMMA],
        {"subject": "I: guasto", "body": "-----Messaggio originale-----\r\nDa: Mario <mario@acme.example>\r\nA: x\r\nOggetto: guasto\r\n\r\nfermo\r\n"},
    ),
    # ── I6, I7: whose conversation, whose copy ──
    "the contact in Cc": (STRANGER, MALLORY, [EVIL], {"more": ["Cc: mario@acme.example"]}),
    "the contact in To": (STRANGER, MALLORY, [EVIL], {"to": f"{SUPPORT}, mario@acme.example"}),
    "a guessed number": (STRANGER, MALLORY, [EVIL], {"subject": "Re: [TS-1000001-7] guasto"}),
    "forged references": (STRANGER, MALLORY, [EVIL], {"more": ["References: <1.1000001.aaaa@example.test>", "In-Reply-To: <1.1000001.aaaa@example.test>"]}),
    "our own address": (OURS, SUPPORT, [results("example.test")], {}),
    "our own address in capitals": (OURS, SUPPORT.upper(), [results("example.test")], {}),
    "our own address with a tag": (OURS, "support+1000001.abcdef@example.test", [results("example.test")], {}),
    "our own address in a name": (STRANGER, f'"{SUPPORT}" <mallory@evil.example>', [EVIL], {}),
    "a sign-up mail of another site": (STRANGER, "noreply@site.example", [results("site.example")], {"subject": "Confirm your account", "more": ["Auto-Submitted: auto-generated"]}),
    "a sign-up mail that claims to be the contact": (CLAIMED, None, [results("site.example")], {"more": ["Auto-Submitted: auto-generated"]}),
    "a vacation of the contact": (PROVEN, None, [ACME], {"subject": "Out of office", "more": ["Auto-Submitted: auto-replied"], "id_": ""}),
    "a list that rewrites the From": (STRANGER, '"Mario Rossi via Lista" <lista@lists.example>', [results("lists.example")], {"more": ["List-Id: <lista.lists.example>", "Reply-To: mario@acme.example"]}),
    "a list that leaves the From": (CLAIMED, None, [FAIL], {"more": ["List-Id: <lista.lists.example>"]}),
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    from dataclasses import replace

    from identity.results import Edge

    settings = replace(settings_of("test"), edge=Edge(EDGE, ("127.0.0.1",)))
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('traps')}/traps.db")
    app.prepare(settings, database)
    yield Engine(settings, database, b"secret")
    database.close()


def raw_of(name: str) -> bytes:
    _, from_, top, more = TRAPS[name]
    return mail(*([from_] if from_ is not None else []), top=top, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TRAPS)
def test_who_gives_the_one_right_verdict(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRESA_DATABASE", raising=False)
    verdict, file = TRAPS[name][0], tmp_path / "m.eml"
    file.write_bytes(raw_of(name))
    done = CliRunner().invoke(
        commands, ["who", "--mail", str(file), "--trusted-edge", EDGE, "--config", "desks/test", "--json"]
    )
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    if isinstance(verdict, str):
        assert (said["customer"], said["verified"], said["why_not"]) == (None, False, verdict)
    else:
        assert (said["customer"], said["verified"]) == verdict, said


@pytest.mark.parametrize("name", TRAPS)
def test_ingest_files_it_for_whom_it_is_and_gives_nobody_elses_rights(name: str, engine: Engine) -> None:
    verdict = TRAPS[name][0]
    arrival = Arrival("file", "127.0.0.1", "x@somewhere.example", (SUPPORT,), raw_of(name), datetime.now(UTC))
    outcome = engine.take_mail(arrival)
    if isinstance(verdict, str):
        assert (outcome.outcome, outcome.reason, outcome.who) == ("held", verdict, None)
        return
    assert outcome.outcome == "new", outcome
    assert outcome.who is not None
    assert (outcome.who.customer, outcome.who.verified) == verdict, outcome.who
    assert outcome.decision is not None
    assert not (outcome.decision.page and not outcome.who.verified)
    if outcome.who.customer and not outcome.who.verified:
        assert not outcome.acknowledge
