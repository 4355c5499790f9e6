"""directory.yaml: normal forms, and every contradiction with its line."""

from datetime import date

import pytest

from gateway.settings import directory
from gateway.settings.source import ConfigError, parse_yaml
from identity.directory import Directory

GOOD = """\
customers:
  - id: ACME
    code: 100001
    aliases: [acm-0001]
    desk: main
    plan: gold
    domains: [ACME.example, bücher.example]
    contacts:
      - name: Mario
        emails: [Mario@ACME.example]
        phones: [06/12345678, 393471234567]
    pins: [471108]
  - id: BETA
    desk: main
    plan: basic
    contract: {ends: 2026-12-31}
    contacts:
      - name: Luigi
        id: BETA-1
        emails: [luigi@gmail.com]
        pins: ["012345"]
"""


def read(text: str) -> Directory:
    return directory.read(parse_yaml(text, "d.yaml"))


def test_everything_is_brought_to_its_normal_form() -> None:
    people = read(GOOD)
    acme, beta = people.customers
    assert (acme.name, acme.code, acme.aliases, acme.domains) == (
        "ACME", "100001", ("ACM-0001",), ("acme.example", "xn--bcher-kva.example")
    )  # fmt: skip
    assert acme.contacts[0].emails == ("mario@acme.example",)
    assert acme.contacts[0].phones == ("+390612345678", "+393471234567")
    assert beta.contract.ends == date(2026, 12, 31)
    assert [(pin.customer, pin.contact, pin.digits) for pin in people.pins] == [
        ("ACME", None, "471108"),
        ("BETA", "BETA-1", "012345"),
    ]


def test_a_contact_without_an_id_gets_one_that_survives_reordering_and_names_nobody() -> None:
    first = read(GOOD).customers[0].contacts[0].id
    other = "      - {name: Anna, emails: [anna@acme.example]}\n      - name: Mario"
    assert read(GOOD.replace("      - name: Mario", other)).customers[0].contacts[1].id == first
    assert first.startswith("ACME-")
    assert "mario" not in first.lower()


def test_the_directory_answers_look_ups() -> None:
    people = read(GOOD)
    assert people.by_address("mario@acme.example")[0].customer.id == "ACME"
    assert people.by_domain("acme.example")[0].customer.id == "ACME"
    assert people.by_domain("it.acme.example") == ()
    assert people.by_phone("+393471234567")[0].contact is not None
    assert people.by_code("ACM-0001")[0].customer.id == "ACME"
    assert people.by_id("BETA") is not None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  - id: BETA\n", "  - id: ACME\n", "d.yaml:13:9: customer id ACME again: ACME has it on line 2; "),
        ("  - id: BETA\n", "  - id: BETA\n    code: 100001\n", "d.yaml:14:11: code 100001 again: ACME has it on line 3; one code for one owner; remove one of the two"),
        ("  - id: BETA\n", "  - id: BETA\n    aliases: [ACM-0001]\n", "d.yaml:14:15: code ACM-0001 again: ACME has it on line 4; "),
        ("  - id: BETA\n", "  - id: BETA\n    aliases: [100-001]\n", "d.yaml:14:15: code 100001 again: ACME has it on line 3; "),
        ("luigi@gmail.com", "mario@ACME.example", "d.yaml:20:18: address mario@acme.example again: ACME has it on line 10; "),
        ("id: BETA-1", "id: BETA-1\n        phones: [12]", "d.yaml:20:18: phone '12'; a number that can be dialled; write it as "),
        ("393471234567", "sconosciuto", "d.yaml:11:31: phone 'sconosciuto'; "),
        ("ACME.example, b", "libero.it, b", "d.yaml:7:15: domain libero.it, which many strangers share; a domain of this customer alone; list the addresses"),
        ("ACME.example, b", "tin.it, b", "d.yaml:7:15: domain tin.it, which "),
        ("ACME.example, b", "pec.it, b", "d.yaml:7:15: domain pec.it, which "),
        ("ACME.example, b", "co.uk, b", "d.yaml:7:15: domain 'co.uk'; a full name such as acme.example; "),
        ("ACME.example, b", "acme, b", "d.yaml:7:15: domain 'acme'; "),
        ("ACME.example, b", "ａcme.example, b", "d.yaml:7:15: domain 'ａcme.example'; "),
        ("Mario@ACME.example", "mario@", "d.yaml:10:18: address 'mario@'; an e-mail address; "),
        ("Mario@ACME.example", "mario@ａcme.example", "d.yaml:10:18: address 'mario@ａcme.example'; plain letters in the domain; "),
        ("code: 100001", "code: A1", "d.yaml:3:11: code A1; 3 to 12 digits, for a keypad; "),
        ("acm-0001", "ＡＣＭ", "d.yaml:4:15: alias 'ＡＣＭ'; ASCII letters, digits and dashes; "),
        ("471108", "47", "d.yaml:12:12: a PIN that is not shown; 4 to 12 digits; issue another one"),
        ("plan: basic", "plna: basic", "d.yaml:15:5: unknown key 'plna'; one of "),
        ("        phones", "        zone: Roma\n        phones", "d.yaml:11:15: there is no time zone 'Roma'; an IANA name such as Europe/Rome; "),
        ("plan: basic", "plan: basic\n    zone: CEST", "d.yaml:16:11: there is no time zone 'CEST'; "),
        ("2026-12-31", "31/12/2026", "d.yaml:16:22: ends: '31/12/2026'; expected "),
    ],
)  # fmt: skip
def test_a_contradiction_is_named_with_its_line(old: str, new: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(GOOD.replace(old, new, 1))
    assert any(line.startswith(expected) for line in caught.value.problems), caught.value.problems


def test_a_wrong_pin_is_never_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        read(GOOD.replace("471108", "47110a").replace('"012345"', "[99]"))
    assert not [line for line in caught.value.problems if "47110a" in line or "99" in line]


def test_one_domain_may_belong_to_several_contracts() -> None:
    people = read(GOOD.replace("    plan: basic\n", "    plan: basic\n    domains: [acme.example]\n"))
    assert [found.customer.id for found in people.by_domain("acme.example")] == ["ACME", "BETA"]


def test_a_thousand_customers_are_read_and_indexed() -> None:
    one = "  - {{id: C{n}, code: '{code}', desk: d, plan: p, domains: [c{n}.example], contacts: [{{name: N, emails: [a@c{n}.example]}}]}}\n"
    text = "customers:\n" + "".join(one.format(n=n, code=100_000 + n) for n in range(1_000))
    people = read(text)
    assert people.by_domain("c999.example")[0].customer.code == "100999"
