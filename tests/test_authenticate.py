"""Our own DKIM, SPF and DMARC with a fake DNS and freshly signed mails; the edge; the demo's loopback rule."""

import base64
import random
from collections.abc import Mapping
from functools import cache
from typing import Any

import dkim
import pytest

import parsers
from gateway.mail.authenticate import DnsTrouble, Resolver, authenticate
from identity.people import Authentication
from identity.results import Edge

PEER = "198.51.100.7"
EDGE = Edge("mx.example.test", ("127.0.0.1",))


# A fresh RSA key: no crypto package is needed for 1,024 bits in a test ----------------------------------------------


def _prime(bits: int) -> int:
    while True:
        n = random.getrandbits(bits) | (3 << (bits - 2)) | 1
        if n % 65537 != 1 and all(pow(a, n - 1, n) == 1 for a in (2, 3, 5, 7)):
            return n


def _der(tag: int, body: bytes) -> bytes:
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + body


def _integers(*numbers: int) -> bytes:
    return _der(0x30, b"".join(_der(2, n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in numbers))


@cache
def key() -> tuple[bytes, str]:
    """(private key in PEM, DKIM record)."""
    p, q, e = _prime(512), _prime(512), 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    private = _integers(0, p * q, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    pem = b"-----BEGIN RSA PRIVATE KEY-----\n" + base64.b64encode(private) + b"\n-----END RSA PRIVATE KEY-----\n"
    algorithm = _der(0x30, bytes.fromhex("06092a864886f70d010101") + b"\x05\x00")
    public = _der(0x30, algorithm + _der(3, b"\x00" + _integers(p * q, e)))
    return pem, "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()


def mail(author: str = "Mario <mario@acme.example>", *extra: str) -> bytes:
    lines = [
        *extra,
        f"From: {author}",
        "To: support@example.test",
        "Subject: guasto",
        "Message-ID: <a@acme.example>",
        "",
        "Il centralino è fermo.",
        "",
    ]
    return "\r\n".join(lines).encode()


def signed(raw: bytes, domain: bytes = b"acme.example", **options: Any) -> bytes:
    return dkim.sign(raw, b"sel", domain, key()[0], **options) + raw


def dns(records: Mapping[tuple[str, str], tuple[str, ...]]) -> Resolver:
    def ask(name: str, kind: str, seconds: float) -> tuple[str, ...]:
        assert seconds > 0
        return records.get((name, kind), ())

    return ask


def zone(**more: tuple[str, ...]) -> dict[tuple[str, str], tuple[str, ...]]:
    """acme.example with a key; `more`: TXT records by name, with "__" for a dot."""
    records = {("sel._domainkey.acme.example", "TXT"): (key()[1],)}
    return records | {(name.replace("__", "."), "TXT"): rows for name, rows in more.items()}


def check(raw: bytes, records: Mapping[tuple[str, str], tuple[str, ...]] | Resolver, **options: Any) -> Authentication:
    resolver = records if callable(records) else dns(records)
    return authenticate(parsers.parse(raw), raw, **{"peer": PEER, "resolver": resolver} | options)


DMARC = ("v=DMARC1; p=reject",)


def test_a_valid_aligned_signature_passes() -> None:
    judged = check(signed(mail()), zone(_dmarc__acme__example=DMARC))
    assert (judged.verdict, judged.method, judged.domain) == ("pass", "dkim", "acme.example")
    assert "dkim: pass for acme.example (signature)" in judged.evidence


def test_a_signature_passes_without_a_policy_too() -> None:
    assert check(signed(mail()), zone()).passed


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda raw: raw.replace(b"guasto", b"altro"), "fail"),
        (lambda raw: raw.replace(b"fermo", b"mosso"), "fail"),
        (lambda raw: raw.replace(b"Mario <mario@", b"Mario <boss@"), "fail"),
        (lambda raw: raw.replace(b"d=acme.example", b"d=evil.example"), "fail"),
    ],
)
def test_a_changed_mail_fails_where_the_domain_has_a_policy(change: Any, expected: str) -> None:
    assert check(change(signed(mail())), zone(_dmarc__acme__example=DMARC)).verdict == expected


def test_a_strangers_valid_signature_says_nothing_about_the_from() -> None:
    records = {("sel._domainkey.evil.example", "TXT"): (key()[1],)}
    judged = check(signed(mail(), b"evil.example"), records)
    assert judged.verdict == "none"
    assert check(signed(mail(), b"evil.example"), records | zone(_dmarc__acme__example=DMARC)).verdict == "fail"


def test_a_signature_over_part_of_the_body_is_not_believed() -> None:
    raw = signed(mail(), length=True)
    assert check(raw + b"Bitte an folgende Nummer...\r\n", zone()).verdict == "fail"


def test_two_from_headers_are_never_checked() -> None:
    raw = b"From: boss@acme.example\r\n" + signed(mail())
    assert check(raw, zone()).evidence == ("there is no single usable From address to check",)


def test_a_parents_signature_speaks_for_a_subdomain_unless_the_policy_is_strict() -> None:
    raw = signed(mail("x@it.acme.example"))
    assert check(raw, zone()).domain == "it.acme.example"
    strict = zone(_dmarc__acme__example=("v=DMARC1; p=reject; adkim=s",))
    assert check(raw, strict).verdict == "fail"


def test_the_second_signature_counts_too() -> None:
    records = zone() | {("sel._domainkey.list.example", "TXT"): (key()[1],)}
    assert check(signed(signed(mail()), b"list.example"), records).passed


def test_a_hundred_signatures_are_not_a_hundred_questions() -> None:
    asked: list[str] = []

    def ask(name: str, kind: str, seconds: float) -> tuple[str, ...]:
        asked.append(name)
        return ()

    header = signed(mail()).split(b"From:")[0].replace(b"d=acme", b"d=evil")
    check(header * 100 + mail(), ask)
    assert 0 < len(asked) <= 10


SPF = {("acme.example", "TXT"): ("google-site-verification=x", f"v=spf1 ip4:{PEER} -all")}


@pytest.mark.parametrize(
    ("envelope", "peer", "expected"),
    [
        ("mario@acme.example", PEER, "pass"),
        ("Bounce+x=y@ACME.example", PEER, "pass"),
        ("mario@acme.example", "203.0.113.9", "fail"),
        ("mario@evil.example", PEER, "none"),
        ("", PEER, "none"),
        ("mario@acme.example", "", "none"),
    ],
)
def test_spf_counts_when_the_envelope_is_of_the_from_domain(envelope: str, peer: str, expected: str) -> None:
    judged = check(mail(), SPF, envelope_from=envelope, peer=peer, helo="out.acme.example")
    assert judged.verdict == expected
    assert judged.method == ("spf" if expected == "pass" else "own check")


def test_spf_follows_includes_and_mx() -> None:
    records = {
        ("acme.example", "TXT"): ("v=spf1 include:_spf.host.example mx -all",),
        ("_spf.host.example", "TXT"): ("v=spf1 ip4:192.0.2.0/24 ~all",),
        ("acme.example", "MX"): ("10 mx.acme.example",),
        ("mx.acme.example", "A"): (PEER,),
    }
    assert check(mail(), records, envelope_from="a@acme.example").method == "spf"
    assert check(mail(), records, envelope_from="a@acme.example", peer="192.0.2.9").method == "spf"
    assert not check(mail(), records, envelope_from="a@acme.example", peer="203.0.113.9").passed


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 include:acme.example -all",
        "v=spf1 a:%{l}.x.example ip4:nonsense -all",
        "v=spf1 " + "include:a.example " * 50,
        "v=spf1 redirect=acme.example",
    ],
)
def test_hostile_spf_records_end_without_a_pass(record: str) -> None:
    assert check(mail(), {("acme.example", "TXT"): (record,)}, envelope_from="a@acme.example").verdict == "none"


@pytest.mark.parametrize("tail", ["p=", "p=AAAA", "k=ed25519; p=xx", "p=" + "A" * 100_000, "\x00\xff", ""])
def test_hostile_keys_end_without_a_pass(tail: str) -> None:
    records = {("sel._domainkey.acme.example", "TXT"): ("v=DKIM1; " + tail,)}
    assert not check(signed(mail()), records).passed


@pytest.mark.parametrize(
    "header", ["", "v=1", "v=1; a=rsa-sha256; d=; s=; h=; bh=; b=", "d=acme.example; b=(((", "é" * 500, ";" * 5000]
)
def test_hostile_signatures_end_without_a_pass(header: str) -> None:
    assert not check(mail("mario@acme.example", "DKIM-Signature: " + header), zone()).passed


def test_dns_trouble_is_temporary_and_never_a_pass() -> None:
    def down(name: str, kind: str, seconds: float) -> tuple[str, ...]:
        raise DnsTrouble("no answer")

    assert check(signed(mail()), down).verdict == "temperror"
    assert check(mail(), down, envelope_from="a@acme.example").verdict == "temperror"


def test_a_valid_signature_passes_though_the_policy_could_not_be_read() -> None:
    def half(name: str, kind: str, seconds: float) -> tuple[str, ...]:
        if name.startswith("_dmarc"):
            raise DnsTrouble("no answer")
        return (key()[1],)

    assert check(signed(mail()), half).passed


def test_the_budget_for_dns_is_used_up_once() -> None:
    asked: list[float] = []

    def ask(name: str, kind: str, seconds: float) -> tuple[str, ...]:
        asked.append(seconds)
        return ()

    check(signed(mail()), ask, budget=3.0)
    assert asked
    assert all(seconds <= 3.0 for seconds in asked)
    assert check(signed(mail()), ask, budget=0.0).verdict == "temperror"


def test_without_a_resolver_nothing_is_claimed() -> None:
    judged = check(signed(mail()), {}, resolver=None)
    assert (judged.verdict, judged.evidence) == ("none", ("sender not checked: no DNS here",))


# The edge and the demo --------------------------------------------------------------------------------------------

RESULTS = "Authentication-Results: mx.example.test; dmarc=pass header.from=acme.example"


def test_the_edges_results_count_from_its_own_address_only() -> None:
    raw = mail("mario@acme.example", RESULTS)
    assert check(raw, {}, peer="127.0.0.1", edge=EDGE).method == "edge dmarc"
    assert check(raw, {}, peer=PEER, edge=EDGE).verdict == "none"
    assert check(raw, {}, peer="127.0.0.1", edge=None).verdict == "none"


def test_a_folded_header_of_the_edge_is_read() -> None:
    raw = mail(
        "mario@acme.example",
        "Authentication-Results: mx.example.test;\r\n\tdkim=pass (1024-bit key)\r\n header.d=acme.example",
    )
    assert check(raw, {}, peer="127.0.0.1", edge=EDGE).method == "edge dkim"


def test_display_names_and_reply_to_prove_nothing() -> None:
    raw = mail(
        '"mario@acme.example" <x@evil.example>', RESULTS, "Reply-To: mario@acme.example", "Sender: mario@acme.example"
    )
    assert check(raw, {}, peer="127.0.0.1", edge=EDGE).verdict == "none"


@pytest.mark.parametrize(
    ("peer", "method"), [("127.0.0.1", "demo"), ("::1", "demo"), ("::ffff:127.0.0.1", "demo"), (PEER, "own check")]
)
def test_the_demo_trusts_loopback_and_says_so(peer: str, method: str) -> None:
    judged = check(mail(), {}, peer=peer, demo=True)
    assert judged.method == method
    assert judged.passed is (method == "demo")
    assert (judged.evidence == ("demo: sender not checked",)) is (method == "demo")


def test_outside_the_demo_loopback_is_nobody() -> None:
    assert check(mail(), {}, peer="127.0.0.1").verdict == "none"


# ed25519, ARC --------------------------------------------------------------------------------------------------------


def test_an_ed25519_signature_passes_and_a_changed_mail_does_not() -> None:
    """RFC 8463."""
    from nacl.signing import SigningKey

    secret = SigningKey.generate()
    record = "v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(secret.verify_key)).decode()
    private = base64.b64encode(bytes(secret))
    raw = dkim.sign(mail(), b"ed", b"acme.example", private, signature_algorithm=b"ed25519-sha256") + mail()
    records = {("ed._domainkey.acme.example", "TXT"): (record,), ("_dmarc.acme.example", "TXT"): DMARC}
    assert check(raw, records).passed
    assert check(raw.replace(b"fermo", b"mosso"), records).verdict == "fail"


SEALED_RESULTS = (
    b"Authentication-Results: lists.example; dmarc=pass header.from=acme.example; dkim=pass header.d=acme.example\r\n"
)


def sealed(results: bytes = SEALED_RESULTS, *, tag: bytes = b"[lista] ") -> bytes:
    """A mail of ACME that a list has changed after checking it, sealed by the list."""
    changed = signed(mail()).replace(b"Subject: ", b"Subject: " + tag)
    raw = results + changed
    lines = dkim.arc_sign(raw, b"sel", b"lists.example", key()[0], b"lists.example", None)
    return b"".join(lines) + changed


def arc_zone() -> dict[tuple[str, str], tuple[str, ...]]:
    return zone(_dmarc__acme__example=DMARC) | {("sel._domainkey.lists.example", "TXT"): (key()[1],)}


def test_a_list_that_is_trusted_vouches_for_what_it_checked_before_it_changed_the_mail() -> None:
    """RFC 8617."""
    judged = check(sealed(), arc_zone(), sealers=("lists.example",))
    assert (judged.verdict, judged.method, judged.domain) == ("pass", "arc", "acme.example")
    assert "arc: sealed by lists.example, whom the configuration trusts" in judged.evidence


@pytest.mark.parametrize(
    ("raw", "sealers"),
    [
        (sealed, ()),  # nobody is trusted
        (sealed, ("other.example",)),  # somebody else is
        (lambda: sealed(SEALED_RESULTS.replace(b"pass", b"fail")), ("lists.example",)),
        (lambda: sealed(SEALED_RESULTS.replace(b"acme", b"evil")), ("lists.example",)),
        (lambda: sealed().replace(b"fermo", b"mosso"), ("lists.example",)),  # changed after the seal
        (lambda: sealed().replace(b"dmarc=pass", b"dmarc=PASS"), ("lists.example",)),  # the set was touched
        (lambda: sealed().replace(b"i=1", b"i=2"), ("lists.example",)),
    ],
)
def test_no_other_seal_proves_anything(raw: Any, sealers: tuple[str, ...]) -> None:
    assert not check(raw(), arc_zone(), sealers=sealers).passed


def test_behind_our_edge_its_word_on_the_chain_counts_and_only_with_a_trusted_sealer() -> None:
    arc = "mx.example.test; arc=pass; dmarc=fail header.from=acme.example"
    raw = f"Authentication-Results: {arc}\r\n".encode() + sealed()
    for sealers, verdict in ((("lists.example",), "pass"), ((), "fail")):
        judged = authenticate(parsers.parse(raw), raw, peer="127.0.0.1", edge=EDGE, sealers=sealers)
        assert judged.verdict == verdict
    broken = raw.replace(b"arc=pass", b"arc=fail")
    assert not authenticate(
        parsers.parse(broken), broken, peer="127.0.0.1", edge=EDGE, sealers=("lists.example",)
    ).passed
    doubled = raw + b""
    doubled = doubled.replace(b"ARC-Seal:", b"ARC-Seal: i=1; d=lists.example; b=x\r\nARC-Seal:", 1)
    assert not authenticate(
        parsers.parse(doubled), doubled, peer="127.0.0.1", edge=EDGE, sealers=("lists.example",)
    ).passed


def test_a_dns_that_does_not_answer_proves_no_seal() -> None:
    def silent(name: str, kind: str, seconds: float) -> tuple[str, ...]:
        raise DnsTrouble("no answer")

    assert check(sealed(), silent, sealers=("lists.example",)).verdict == "temperror"
