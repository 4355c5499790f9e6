"""Normal forms: what is equal, and what must never become equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import domains, normal, shared


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("mario@acme.example", "mario@acme.example"),
        ("Mario.Rossi@ACME.Example", "mario.rossi@acme.example"),
        ("  mario@acme.example ", "mario@acme.example"),
        ("o'neill+desk@acme.example", "o'neill+desk@acme.example"),
        ("mario@bücher.example", "mario@xn--bcher-kva.example"),
        ("mario@XN--BCHER-KVA.example", "mario@xn--bcher-kva.example"),
        ("müller@acme.example", "müller@acme.example"),
        ("mario@аcme.example", "mario@xn--cme-5cd.example"),  # a Cyrillic first letter stays another domain
    ],
)
def test_an_address_has_one_normal_form(written: str, expected: str) -> None:
    assert normal.address(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        "mario@ａcme.example",  # full-width letter
        "mario@acme．example",  # full-width full stop
        "mario@acme。example",  # ideographic full stop
        "mario@ac\u200bme.example",  # zero-width space
        "mario@ac\u00adme.example",  # soft hyphen
        "mario@acme.example.",
        "mario@acme..example",
        "mario@.acme.example",
        "mario@-acme.example",
        "mario@acme",
        "mario@[127.0.0.1]",
        "mario@127.0.0.1",
        "mario",
        "@acme.example",
        "mario@",
        "",
        "mario@acme.example@evil.example@",
        "luigi@evil.example@acme.example",
        '"mario"@acme.example',
        '"mario@acme.example"@evil.example',
        "mario rossi@acme.example",
        "mario\x00@acme.example",
        "mario\u202e@acme.example",
        "<mario@acme.example>",
        ".mario@acme.example",
        "ma..rio@acme.example",
        "x" * 65 + "@acme.example",
        "mario@" + "a" * 64 + ".example",
    ],
)
def test_what_has_no_safe_form_matches_nobody(written: str) -> None:
    assert normal.address(written) is None


def test_letters_outside_ascii_never_become_ascii() -> None:
    kelvin = "mi\u212ae@acme.example"
    assert normal.address(kelvin) == kelvin
    assert normal.lower("\u212aA") == "\u212aa"
    assert normal.domain("\u212a.example") is None
    assert normal.code("１００００１") == ""
    assert normal.alias("ＡＣＭ-0001") == ""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("+390612345678", "+390612345678"),
        ("06/12345678", "+390612345678"),
        ("06 / 1234 5678", "+390612345678"),
        ("06-1234.5678", "+390612345678"),
        ("(06) 12345678", "+390612345678"),
        ("390612345678", "+390612345678"),
        ("0039/06/12345678", "+390612345678"),
        ("+39 (06) 1234-5678", "+390612345678"),
        ("06 12345678 int. 204", "+390612345678"),
        ("06 12345678/9", "+390612345678"),
        ("347 123 4567", "+393471234567"),
        ("06\u00a012345678", "+390612345678"),
        ("+44 20 7946 0958", "+442079460958"),
    ],
)
def test_a_phone_number_is_understood_as_italians_write_it(written: str, expected: str) -> None:
    assert normal.phone(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        "anonymous",
        "",
        "+266696687",
        "112",
        "sip:mario@acme.example",
        "06 ACME",
        "０６１２３４５６７８",
        "+39",
        "call 0612345678",
    ],
)
def test_what_is_no_phone_number_is_nothing(written: str) -> None:
    assert normal.phone(written) is None


def test_a_missing_prefix_is_the_desks_region() -> None:
    assert normal.phone("020 7946 0958", "GB") == "+442079460958"


@pytest.mark.parametrize(
    ("typed", "looked_up"),
    [
        ("100001", "100001"),
        ("100 001#", "100001"),
        ("100-001", "100001"),
        ("acm-0001", "ACM-0001"),
        (" ACM-0001 ", "ACM-0001"),
        ("000123", "000123"),
    ],
)
def test_a_code_is_looked_up_as_digits_or_as_an_alias(typed: str, looked_up: str) -> None:
    assert normal.code_or_alias(typed) == looked_up


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "libero.it",
        "tin.it",
        "poste.it",
        "vodafone.it",
        "tim.it",
        "tiscalinet.it",
        "fastwebnet.it",
        "aruba.it",
        "virgilio.it",
        "alice.it",
        "pec.it",
        "legalmail.it",
        "arubapec.it",
        "pec.aruba.it",
        "postecert.it",
        "tutanota.com",
        "privaterelay.appleid.com",
        "outlook.it",
        "icloud.com",
    ],
)
def test_a_domain_of_many_is_known_as_shared(domain: str) -> None:
    assert shared.is_shared(domain)


@pytest.mark.parametrize("domain", ["acme.example", "pec.acme.example", "gmail.com.evil.example", "aruba.com"])
def test_a_domain_of_one_is_not_shared(domain: str) -> None:
    assert not shared.is_shared(domain)


@pytest.mark.parametrize(
    ("checked", "author", "expected"),
    [
        ("acme.example", "acme.example", True),
        ("bounces.acme.example", "acme.example", True),
        ("acme.example", "it.acme.example", True),
        ("news.acme.example", "erp.acme.example", False),
        ("evilacme.example", "acme.example", False),
        ("acme.example.evil.test", "acme.example", False),
        ("example", "acme.example", False),
        ("co.uk", "acme.co.uk", False),
        ("other.co.uk", "acme.co.uk", False),
    ],
)
def test_a_pass_speaks_only_for_names_above_or_below_it(checked: str, author: str, expected: bool) -> None:
    assert domains.aligned(checked, author) is expected


def test_strict_alignment_is_equality() -> None:
    assert domains.aligned("acme.example", "acme.example", strict=True)
    assert not domains.aligned("bounces.acme.example", "acme.example", strict=True)


@given(st.text(max_size=80))
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    for form in (normal.address, normal.domain, normal.phone):
        once = form(text)
        assert once is None or form(once) == once


@given(st.text(alphabet=st.characters(min_codepoint=128), min_size=1, max_size=8))
def test_no_letter_outside_ascii_ends_up_as_an_ascii_domain(text: str) -> None:
    name = normal.domain(f"{text}.example")
    assert name is None or name.startswith("xn--")
