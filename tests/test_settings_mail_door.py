"""The mail door's section of presa.yaml and the meaning of addresses: what holds, and the lines about what does not."""

from pathlib import Path

import pytest
from test_settings_presa import GOOD, problems, read

from gateway.settings import Recipient, load
from gateway.settings.mail_door import Loops, MailDoor


def test_the_section_reads_as_it_is_written(tmp_path: Path) -> None:
    text = GOOD + (
        "smtp:\n  hostname: mx.acme.example\n  certificate: tls/chain.pem\n  key: tls/key.pem\n  smtps: '0.0.0.0:465'\n"
        "  lmtp: unix:/run/presa/lmtp.sock\n  relays: [192.0.2.7]\n  proxies: ['2001:db8::/64']\n"
        "loops: {mails_per_ticket: 3, same_words: 4}\n"
    )
    base = read(text)
    assert base.door == MailDoor(
        "mx.acme.example", Path("tls/chain.pem"), Path("tls/key.pem"), "0.0.0.0:465", "unix:/run/presa/lmtp.sock",
        ("192.0.2.7",), ("2001:db8::/64",),
    )  # fmt: skip
    assert base.loops == Loops(3, 4)
    assert base.edge is not None
    assert base.edge.delivers_from("192.0.2.7"), "what a relay hands in was judged by the edge"


def test_without_a_section_the_door_is_plain() -> None:
    assert (read(GOOD).door, read(GOOD).loops) == (MailDoor(), Loops())


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("smtp: {certificate: a.pem}", "one of certificate and key; both or neither"),
        ("smtp: {smtps: '0.0.0.0:465'}", "smtps without a certificate; certificate and key"),
        ("smtp: {lmtp: somewhere}", "HOST:PORT"),
        ("smtp: {lmtp: 'unix:relative.sock'}", "HOST:PORT"),
        ("smtp: {smtps: '0.0.0.0:99999', certificate: a, key: b}", "HOST:PORT"),
        ("smtp: {relays: [mx.acme.example]}", "an IP address or network"),
        ("smtp: {hostname: 'mx acme'}", "the door's name in the DNS"),
        ("smtp: {port: 25}", "unknown key 'port'"),
        ("loops: {mails_per_ticket: 0}", "greater than or equal to 1"),
        ("apart: [[support@acme.example, nobody@acme.example]]", "nobody@acme.example; addresses of 'recipients'"),
        ("apart: [[support@acme.example]]", "at least 2"),
        ("limits: {greet_delay: -1}", "greater than or equal to 0"),
    ],
)
def test_what_is_wrong_is_told(section: str, expected: str) -> None:
    text = (
        GOOD
        if not section.startswith("limits")
        else GOOD.replace("limits: {size: 1000000, connections_per_peer: 5}\n", "")
    )
    lines = problems(text + section + "\n")
    assert any(expected in line for line in lines), lines


def test_addresses_that_are_kept_apart_are_of_different_groups() -> None:
    text = GOOD.replace(
        "trusted_edge:",
        "  sales@acme.example: {desk: main}\n  press@acme.example: {desk: main}\n  jobs@acme.example: {desk: main}\n"
        "apart:\n  - [Support@acme.example, sales@acme.example]\n  - [sales@acme.example, press@acme.example]\ntrusted_edge:",
        1,
    )
    groups = {address.partition("@")[0]: one.group for address, one in read(text).recipients.items()}
    assert groups["support"] != groups["sales"] != groups["press"]
    assert groups["jobs"] == 0


def test_an_engineer_who_is_not_there_is_told_with_those_who_are(tmp_path: Path) -> None:
    home = Path(__file__).parent.parent / "desks" / "test"
    for name in ("desk.yaml", "directory.yaml"):
        (tmp_path / name).write_text((home / name).read_text())
    text = (home / "presa.yaml").read_text()
    good = text.replace("recipients:\n", "recipients:\n  ugo@example.test: {desk: test, engineer: uno}\n", 1)
    (tmp_path / "presa.yaml").write_text(good)
    assert load(tmp_path, {}).recipients["ugo@example.test"] == Recipient("test", None, "uno")
    (tmp_path / "presa.yaml").write_text(good.replace("engineer: uno", "engineer: nobody"))
    with pytest.raises(Exception, match=r"engineer nobody; one of .*uno"):
        load(tmp_path, {})
