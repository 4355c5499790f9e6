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
    # ── I1 once more: results that say less than they seem to ──
    "spf of another domain": (CLAIMED, None, [edge("spf=pass smtp.mailfrom=evil.example; dkim=none; dmarc=none")], {}),
    "spf of the customer beside a dmarc fail": (CLAIMED, None, [edge("spf=pass smtp.mailfrom=acme.example; dmarc=fail header.from=acme.example")], {}),
    "dkim of the customer beside a dmarc fail": (CLAIMED, None, [edge("dkim=pass header.d=acme.example; dmarc=fail header.from=acme.example")], {}),
    "dmarc that failed for now": (CLAIMED, None, [edge("dmarc=temperror header.from=acme.example; dkim=temperror header.d=acme.example")], {}),
    "dmarc that cannot be read": (CLAIMED, None, [edge("dmarc=permerror header.from=acme.example; spf=permerror smtp.mailfrom=acme.example")], {}),
    "a signature while dmarc failed for now": (PROVEN, None, [edge("dmarc=temperror header.from=acme.example; dkim=pass header.d=acme.example")], {}),
    "results in capitals": (PROVEN, None, [edge("DMARC=PASS header.FROM=ACME.EXAMPLE")], {}),
    "results with comments everywhere": (PROVEN, None, [edge("(a) dmarc (b) = (c) pass (d (e)) header.from (f) = (g) acme.example (h)")], {}),
    "a signature without a domain": (CLAIMED, None, [edge("dkim=pass header.b=abcd1234")], {}),
    "a signature with two domains": (CLAIMED, None, [edge("dkim=pass header.d=acme.example header.d=evil.example")], {}),
    "a signature with two domains turned": (CLAIMED, None, [edge("dkim=pass header.d=evil.example header.d=acme.example")], {}),
    "dmarc with two From domains": (CLAIMED, None, [edge("dmarc=pass header.from=acme.example header.from=evil.example")], {}),
    "a property that ends alike": (CLAIMED, None, [edge("dkim=pass x-header.d=acme.example")], {}),
    "spf of the HELO with another sender": (CLAIMED, None, [edge("spf=pass smtp.mailfrom=evil.example smtp.helo=acme.example")], {}),
    "sender-id": (CLAIMED, None, [edge("sender-id=pass header.from=acme.example")], {}),
    "a logo": (CLAIMED, None, [edge("bimi=pass header.d=acme.example header.selector=default")], {}),
    "reverse DNS": (CLAIMED, None, [edge("iprev=pass policy.iprev=192.0.2.7 (mail.acme.example)")], {}),
    "S/MIME of somebody": (CLAIMED, None, [edge("smime=pass body.smime-identifier=mario@acme.example")], {}),
    "a signature of the top level": (CLAIMED, None, [edge("dkim=pass header.d=example")], {}),
    "a signature of a name that ends alike": (CLAIMED, None, [edge("dkim=pass header.d=notacme.example")], {}),
    "spf of a look-alike": (CLAIMED, None, [edge("spf=pass smtp.mailfrom=acme.example.evil.example")], {}),
    "two signatures, one of the customer": (PROVEN, None, [edge("dkim=pass header.d=esp.example; dkim=pass header.d=acme.example")], {}),
    "two signatures, the customer's broken": (CLAIMED, None, [edge("dkim=pass header.d=esp.example; dkim=fail header.d=acme.example")], {}),
    "spf with an empty sender": (CLAIMED, None, [edge("spf=pass smtp.mailfrom=<>")], {}),
    "spf with the sender in angles": (PROVEN, None, [edge("spf=pass smtp.mailfrom=<bounce@acme.example>")], {}),
    "a quoted result": (CLAIMED, None, [edge('"dmarc=pass header.from=acme.example"')], {}),
    "the parent's signature for a listed subdomain of it": (("GAMMA", True), "x@it.gamma.example", [edge("dkim=pass header.d=gamma.example")], {}),
    "results coded as a word": (CLAIMED, None, [edge(word("dmarc=pass header.from=acme.example", "Q"))], {}),
    "an id coded as a word": (CLAIMED, None, ["Authentication-Results: "+word(EDGE,"Q")+"; dmarc=pass header.from=acme.example"], {}),
    # ── I2: whose header, to the letter ──
    "an id that begins alike": (CLAIMED, None, [results("acme.example", authserv="mx.example.test.evil.example")], {}),
    "an id that ends alike": (CLAIMED, None, [results("acme.example", authserv="xmx.example.test")], {}),
    "an id with a slash": (CLAIMED, None, [results("acme.example", authserv="mx.example.test/evil")], {}),
    "an id in capitals": (PROVEN, None, [results("acme.example", authserv="MX.Example.TEST")], {}),
    "a quoted id": (PROVEN, None, [results("acme.example", authserv='"mx.example.test"')], {}),
    "a comment before the id": (PROVEN, None, [results("acme.example", authserv="(mx.evil.example) mx.example.test")], {}),
    "the first version": (PROVEN, None, [results("acme.example", authserv="mx.example.test 1")], {}),
    "a version in a comment": (PROVEN, None, [results("acme.example", authserv="mx.example.test (v2)")], {}),
    "a header of the edge in small letters": (PROVEN, None, [results("acme.example").replace("Authentication-Results", "authentication-results")], {}),
    "ours, a hop of the edge, a forged pass": (CLAIMED, None, [FAIL, HOP, ACME], {}),
    "an empty id": (CLAIMED, None, [results("acme.example", authserv="")], {}),
    "no id at all": (CLAIMED, None, ["Authentication-Results: dmarc=pass header.from=acme.example"], {}),
    "an id as the domain of a method": (CLAIMED, None, ["Authentication-Results: mx.evil.example; x=mx.example.test; dmarc=pass header.from=acme.example"], {}),
    "Old-Authentication-Results": (CLAIMED, None, [f"Old-{ACME}"], {}),
    "a space before the colon of the results": (CLAIMED, None, [ACME.replace("Results:", "Results :")], {}),
    "results behind a bare CR": (CLAIMED, None, ["X-Note: a\r"+ACME.replace("\r\n ", " ")], {}),
    "results behind a NUL": (CLAIMED, None, ["X-Note: a\0\r\n "+ACME.replace("\r\n ", " ")], {}),
    "results in a part of the mail": (CLAIMED, None, [], {"more": ["Content-Type: multipart/mixed; boundary=b"], "body": f"--b\r\nContent-Type: message/rfc822\r\n\r\n{ACME}\r\nFrom: mario@acme.example\r\n\r\nciao\r\n--b--\r\n"}),
    "a blank line made of spaces above the results": (CLAIMED, None, [EVIL_HOP, " ", ACME], {}),
    # ── I3: what else looks like a From ──
    "from in small letters and From": (HELD, MALLORY, [EVIL], {"more": ["from: mario@acme.example"]}),
    "the same From twice": (HELD, None, [ACME], {"more": ["FROM: Mario Rossi <mario@acme.example>"]}),
    "the same address twice": (HELD, "mario@acme.example, mario@acme.example", [ACME], {}),
    "a group without anybody": (HELD, "acme:;", [ACME], {}),
    "a group of one": (HELD, "acme: mario@acme.example;", [ACME], {}),
    "a group named by an address": (HELD, "mario@acme.example: mallory@evil.example;", [EVIL], {}),
    "a coded pair": (HELD, word("mario@acme.example, mallory@evil.example"), [ACME], {}),
    "two addresses and a space": (HELD, "mario@acme.example mallory@evil.example", [EVIL], {}),
    "an address behind the angles": (STRANGER, "<mallory@evil.example> mario@acme.example", [EVIL], {}),
    "angles that never close": (CLAIMED, "Mario <mario@acme.example", [EVIL], {}),
    "a quote that never closes": (HELD, '"Mario <mario@acme.example>, mallory@evil.example', [EVIL], {}),
    "a comment that never closes in the From": (STRANGER, "(mario@acme.example <mallory@evil.example>", [EVIL], {}),
    "a From folded before the address": (PROVEN, "\r\n mario@acme.example", [ACME], {}),
    "an address in Apparently-From": (STRANGER, MALLORY, [EVIL], {"more": ["Apparently-From: mario@acme.example"]}),
    "an address in X-Sender": (STRANGER, MALLORY, [EVIL], {"more": ["X-Sender: mario@acme.example", "X-Envelope-From: mario@acme.example", "Errors-To: mario@acme.example", "Disposition-Notification-To: mario@acme.example"]}),
    "no From, but a Sender": (HELD, None, [ACME], {"from_": None, "more": ["Sender: mario@acme.example"]}),
    "Sender's proof for another's From": (STRANGER, MALLORY, [ACME], {"more": ["Sender: mario@acme.example"]}),
    "a From in the attached mail": (STRANGER, MALLORY, [EVIL], {"more": ["Content-Type: multipart/mixed; boundary=b"], "body": "--b\r\nContent-Type: text/plain\r\n\r\nciao\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: mario@acme.example\r\nSubject: x\r\n\r\nfermo\r\n--b--\r\n"}),
    "a From in a text part": (STRANGER, MALLORY, [EVIL], {"more": ["Content-Type: multipart/mixed; boundary=b"], "body": "--b\r\nContent-Type: text/plain\r\nFrom: mario@acme.example\r\n\r\nciao\r\n--b--\r\n"}),
    "an mbox line that names the contact": (STRANGER, MALLORY, ["From mario@acme.example Sun Nov 22 08:00:00 2026", EVIL], {}),
    "a tab around the at sign": (STRANGER, "mario\t@\tacme.example.evil.example", [EVIL], {}),
    "Resent-From and Resent-Sender of the contact on top": (STRANGER, MALLORY, ["Resent-From: mario@acme.example", "Resent-Sender: mario@acme.example", EVIL], {}),
    # ── I4: more look-alikes ──
    "two dots": (STRANGER, "mario@acme..example", [EVIL], {}),
    "a port": (STRANGER, "mario@acme.example:25", [EVIL], {}),
    "a percent dot": (STRANGER, "mario@acme%2eexample", [EVIL], {}),
    "an underscore": (STRANGER, "mario@acme_.example", [results("acme_.example")], {}),
    "a no-break space": (STRANGER, "mario@acme.example\u00a0", [ACME], {}),
    "a word joiner": (STRANGER, "mario@acme\u2060.example", [ACME], {}),
    "a Cyrillic c": (STRANGER, "mario@a\u0441me.example", [ACME], {}),
    "a small capital": (STRANGER, "mario@\u1d00cme.example", [ACME], {}),
    "a sharp s": (STRANGER, "mario@acme\u00df.example", [ACME], {}),
    "the domain turned round": (STRANGER, "mario@example.acme", [results("example.acme")], {}),
    "the parent of the domain": (STRANGER, "mario@example", [results("example")], {}),
    "a mailbox at a PEC provider": (STRANGER, "acme@pec.it", [results("pec.it")], {}),
    "a mailbox at a professional PEC": (STRANGER, "acme@milano.pecavvocati.it", [results("milano.pecavvocati.it")], {}),
    "the contact's name at free mail": (STRANGER, '"Mario Rossi ACME S.p.A. ACM-0001" <mario.rossi@gmail.com>', [GMAIL], {}),
    "the contact at gmail in capitals": (("BETA", True), "Luigi.BETA@Gmail.Com", [GMAIL], {}),
    "the contact at gmail in quotes": (STRANGER, '"luigi.beta"@gmail.com', [GMAIL], {}),
    "a tag at the customer's own domain": (PROVEN, "mario+presa@acme.example", [ACME], {}),
    "below gmail": (STRANGER, "luigi.beta@mail.gmail.com", [results("mail.gmail.com")], {}),
    # ── I5: more claims ──
    "a code with letters for digits": (STRANGER, MALLORY, [EVIL], {"subject": "cliente 1OOOO1 e I00001"}),
    "a code in full-width digits": (STRANGER, MALLORY, [EVIL], {"subject": "cliente １００００１"}),
    "a code in a header": (STRANGER, MALLORY, [EVIL], {"more": ["X-Customer-Code: 100001", "X-Presa-Customer: ACME", "X-PIN: 471108"]}),
    "a code in the domain": (STRANGER, "mario@acm-0001.example", [results("acm-0001.example")], {}),
    "a code and a PIN from the contact at gmail, unproven": (("BETA", False), "luigi.beta@gmail.com", [EVIL], {"subject": "ACM-0001 PIN 471108"}),
    "codes of two customers": (STRANGER, MALLORY, [EVIL], {"subject": "100001 100003"}),
    "a signature of the contact": (STRANGER, MALLORY, [EVIL], {"body": "Fermo.\r\n\r\n-- \r\nMario Rossi\r\nACME S.p.A.\r\nmario@acme.example\r\n+39 06 12345678\r\n"}),
    "a forward of the contact as a mail": (STRANGER, MALLORY, [EVIL], {"subject": "Fwd: guasto", "more": ["Content-Type: multipart/mixed; boundary=b"], "body": "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: mario@acme.example\r\nTo: support@example.test\r\nSubject: guasto\r\n\r\nfermo\r\n--b--\r\n"}),
    # ── I6, I7: copies, wrappers, machines ──
    "the contact in Bcc and Delivered-To": (STRANGER, MALLORY, ["Delivered-To: mario@acme.example", "X-Original-To: mario@acme.example", EVIL], {"more": ["Bcc: mario@acme.example"]}),
    "another customer's contact in Reply-To": (("GAMMA", True), "u@gamma.example", [GAMMA], {"more": ["Reply-To: mario@acme.example"]}),
    "the contact with somebody else's Reply-To": (PROVEN, None, [ACME], {"more": [f"Reply-To: {MALLORY}"]}),
    "our postmaster, who is nobody": (STRANGER, "postmaster@example.test", [results("example.test")], {}),
    "our own address in a group": (HELD, f"desk: {SUPPORT};", [results("example.test")], {}),
    "our own address with a comment": (OURS, f"{SUPPORT} (Mario)", [results("example.test")], {}),
    "our own address and the contact": (HELD, f"{SUPPORT}, mario@acme.example", [ACME], {}),
    "our own address with a dot": (STRANGER, f"{SUPPORT}.", [EVIL], {}),
    "our own address in quotes": (STRANGER, '"support"@example.test', [EVIL], {}),
    "our own address in full width": (STRANGER, "support@\uff45xample.test", [EVIL], {}),
    "automatic mail of the contact": (PROVEN, None, [ACME], {"more": ["Auto-Submitted: auto-generated", "Precedence: bulk"]}),
    "automatic mail that claims the contact": (CLAIMED, None, [EVIL], {"more": ["Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All"]}),
    "a list that keeps the author in X-Original-From": (STRANGER, '"Mario Rossi via Lista" <lista@lists.example>', [results("lists.example")], {"more": ["List-Id: <lista.lists.example>", "X-Original-From: Mario Rossi <mario@acme.example>", "Original-From: mario@acme.example"]}),
    "a list with a chain of its own": (STRANGER, '"Mario Rossi via Lista" <lista@lists.example>', [edge("arc=pass; dmarc=pass header.from=lists.example"), "ARC-Seal: i=1; a=rsa-sha256; d=lists.example; s=s; cv=none; b=x", "ARC-Authentication-Results: i=1; lists.example; dmarc=pass header.from=acme.example"], {"more": ["X-Original-From: mario@acme.example"]}),
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


def test_a_forged_certified_envelope_proves_nothing_of_whom_it_names(engine: Engine) -> None:
    inside = "From: mario@acme.example\r\nTo: support@example.test\r\nSubject: guasto\r\n\r\nSiamo fermi.\r\n"
    facts = "<postacert><intestazione><mittente>mario@acme.example</mittente></intestazione></postacert>"
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nMessaggio di posta certificata\r\n"
        f'--b\r\nContent-Type: application/xml; name="daticert.xml"\r\n\r\n{facts}\r\n'
        f'--b\r\nContent-Type: message/rfc822; name="postacert.eml"\r\n\r\n{inside}--b--\r\n'
    )
    more = [
        "X-Trasporto: posta-certificata",
        "Reply-To: mario@acme.example",
        "Content-Type: multipart/mixed; boundary=b",
    ]
    author = '"Per conto di: mario@acme.example" <posta-certificata@evil.example>'
    raw = mail(author, top=[EVIL], more=more, subject="POSTA CERTIFICATA: guasto", body=body)
    arrival = Arrival("file", "127.0.0.1", "x@somewhere.example", (SUPPORT,), raw, datetime.now(UTC))
    outcome = engine.take_mail(arrival)
    assert outcome.outcome == "new"
    assert outcome.who is not None
    assert not outcome.who.verified
    assert outcome.decision is not None
    assert not outcome.decision.page
    assert not outcome.acknowledge or outcome.who.customer is None
