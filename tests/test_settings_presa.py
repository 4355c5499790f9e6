"""presa.yaml and the environment: what holds, and the lines about what does not."""

import shutil
from pathlib import Path

import pytest

from gateway.settings import ConfigError, Recipient, Settings, directory, load, presa, secrets
from gateway.settings.desk import load_desk
from gateway.settings.source import parse_yaml

DESKS = Path(__file__).parent.parent / "desks"
GOOD = """\
public_url: https://desk.acme.example/presa/
recipients:
  Support@ACME.example: {desk: main, queue: first}
trusted_edge:
  authserv_id: mx.acme.example
  peers: [192.0.2.1, "2001:db8::/32"]
smarthost: smtp+starttls://relay.acme.example:587
limits: {size: 1000000, connections_per_peer: 5}
carrier:
  kind: twilio
  from: 02/00000000
desks: [main/desk.yaml]
"""


def read(text: str, env: dict[str, str] | None = None) -> presa.Base:
    return presa.read(parse_yaml(text, "presa.yaml"), env or {}, secrets.read(env or {}))


def problems(text: str, env: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(text, env)
    return caught.value.problems


def test_the_file_becomes_values_in_normal_form() -> None:
    base = read(GOOD)
    assert base.public_url == "https://desk.acme.example/presa"
    assert base.recipients == {"support@acme.example": Recipient("main", "first")}
    assert base.edge is not None
    assert base.edge.delivers_from("2001:db8::9")
    assert base.limits == presa.Limits(size=1_000_000, connections_per_peer=5)
    assert base.carrier is not None
    assert (base.carrier.number, base.carrier.api_url, base.carrier.ready) == (
        "+390200000000",
        "https://api.twilio.com",
        False,
    )
    assert not base.demo


def test_how_long_a_job_is_leased_is_set_within_reason() -> None:
    assert read(GOOD).jobs.lease_seconds == 30
    assert read(GOOD + "jobs: {lease_seconds: 10}\n").jobs.lease_seconds == 10
    (line,) = problems(GOOD + "jobs: {lease_seconds: 1}\n")
    assert line.startswith("presa.yaml:13:23: lease_seconds: 1; expected greater than or equal to 2; ")


def test_the_environment_overrides() -> None:
    env = {
        "PRESA_PUBLIC_URL": "http://127.0.0.1:8123",
        "PRESA_TWILIO_API_URL": "http://127.0.0.1:9000/",
        "PRESA_TWILIO_ACCOUNT_SID": "AC1",
        "PRESA_TWILIO_AUTH_TOKEN": "new, old",
        "PRESA_SMARTHOST": "smtp://user:geheim@127.0.0.1:2500",
    }
    base = read(GOOD, env)
    assert base.carrier is not None
    assert (base.public_url, base.carrier.api_url) == ("http://127.0.0.1:8123", "http://127.0.0.1:9000")
    assert (base.carrier.auth_tokens, base.carrier.account_sid, base.carrier.ready) == (("new", "old"), "AC1", True)
    assert base.smarthost.endswith("@127.0.0.1:2500")
    assert not any(secret in repr(base) for secret in ("geheim", "new", "AC1"))


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "pepper").write_text("  salt-and-pepper\n")
    kept = secrets.read({"PRESA_PEPPER_FILE": str(tmp_path / "pepper"), "PRESA_SECRET": "k"})
    assert (kept.pepper, kept.key) == ("salt-and-pepper", "k")
    assert "pepper=" not in repr(kept)


@pytest.mark.parametrize(
    ("env", "start"),
    [
        ({"PRESA_PEPPER": "a", "PRESA_PEPPER_FILE": "/b"}, "environment:PRESA_PEPPER: both "),
        (
            {"PRESA_PEPPER_FILE": "/nowhere/pepper"},
            "environment:PRESA_PEPPER_FILE: PRESA_PEPPER_FILE names /nowhere/pepper",
        ),
        ({"PRESA_TWILIO_AUTH_TOKEN": "a,b,c"}, "environment:PRESA_TWILIO_AUTH_TOKEN: 3 tokens; "),
        (
            {"PRESA_PUBLIC_URL": "desk.example"},
            "environment:PRESA_PUBLIC_URL: not usable; expected an address such as ",
        ),
        ({"PRESA_SMARTHOST": "relay"}, "environment:PRESA_SMARTHOST: not usable; "),
    ],
)
def test_a_wrong_environment_is_one_clear_line(env: dict[str, str], start: str) -> None:
    (line,) = problems(GOOD, env)
    assert line.startswith(start)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("public_url: https", "public_url: ftp", "presa.yaml:1:13: public_url: 'ftp://desk.acme.example/presa/'; expected an address such as"),
        ("Support@ACME.example", "support", "presa.yaml:3:3: key 'support'; expected an e-mail address; write it as name@domain"),
        ("{desk: main,", "{desks: main,", "presa.yaml:3:25: 'desk' is missing; a value for it; add 'desk:' here"),
        ("192.0.2.1", "mx1.acme.example", "presa.yaml:6:11: peers 1: 'mx1.acme.example'; expected an IP address or network; write 192.0.2.7 or"),
        ("smtp+starttls:", "imap:", "presa.yaml:7:12: smarthost: 'imap://relay.acme.example:587'; expected outbox:, "),
        ("limits: {size: 1000000", "limits: {size: 10", "presa.yaml:8:16: size: 10; expected greater than or equal to 65536; correct the value"),
        ("connections_per_peer", "connection_per_peer", "presa.yaml:8:25: unknown key 'connection_per_peer'; one of commands, "),
        ("kind: twilio", "kind: vonage", "presa.yaml:10:9: kind: 'vonage'; expected 'twilio', 'signalwire', 'telnyx', 'simulator' or 'sip'; correct the value"),
        ("02/00000000", "anonymous", "presa.yaml:11:9: from: 'anonymous'; expected a phone number in E.164; write it as "),
        ("desks: [main/desk.yaml]", "desks: []", "presa.yaml:12:8: desks: a list; expected "),
        ("  kind: twilio", "  kind: twilio\n  demo_auth_token: x", "presa.yaml:11:3: demo_auth_token in a configuration that is not the demo; no secrets in this file; "),
        ("desks: [", "support: x\ndesks: [", "presa.yaml:12:1: unknown key 'support'; one of "),
        ("trusted_edge:", "  support@acme.example: {desk: main}\ntrusted_edge:", "presa.yaml:3:3: an address that differs from another only in "),
    ],
)  # fmt: skip
def test_a_wrong_file_names_line_column_and_what_was_expected(old: str, new: str, expected: str) -> None:
    lines = problems(GOOD.replace(old, new, 1))
    assert any(line.startswith(expected) for line in lines), lines


DEMO = """\
demo: true
public_url: http://127.0.0.1:8000
recipients:
  support@demo.example: {desk: demo}
carrier: {kind: simulator, from: "+390200000000", demo_account_sid: AC0, demo_auth_token: t}
desks: [desk.yaml]
"""


def test_the_demo_has_a_token_of_its_own() -> None:
    base = read(DEMO)
    assert base.demo
    assert base.carrier is not None
    assert (base.carrier.ready, base.carrier.auth_tokens) == (True, ("t",))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("support@demo.example", "support@demo.it", "presa.yaml:4:3: support@demo.it; "),
        ("http://127.0.0.1:8000", "https://desk.acme.it", "presa.yaml:2:13: public_url: https://desk.acme.it; "),
        ("kind: simulator", "kind: twilio", "presa.yaml:5:10: carrier: twilio; "),
        ("desks:", "smarthost: smtp://relay.acme.it\ndesks:", "presa.yaml:6:12: smarthost: smtp; "),
        (
            "desks:",
            "trusted_edge: {authserv_id: mx, peers: [127.0.0.1]}\ndesks:",
            "presa.yaml:6:15: trusted_edge: an edge; ",
        ),
    ],
)
def test_the_demos_liberty_is_refused_to_what_could_reach_the_world(old: str, new: str, place: str) -> None:
    lines = problems(DEMO.replace(old, new, 1))
    assert any(line.startswith(place) for line in lines), lines
    assert all("demo" in line for line in lines)


def test_the_demo_is_refused_a_public_url_from_the_environment_too() -> None:
    assert "public_url" in problems(DEMO, {"PRESA_PUBLIC_URL": "https://desk.acme.it"})[0]


# The desks that ship ----------------------------------------------------------------------------------------------


def test_the_test_desk_is_as_promised_to_those_who_test_from_outside() -> None:
    settings = load(DESKS / "test", {"PRESA_TWILIO_AUTH_TOKEN": "t", "PRESA_TWILIO_ACCOUNT_SID": "AC1"})
    assert settings.own_addresses == {"support@example.test"}
    assert settings.edge is not None
    assert (settings.edge.authserv_id, settings.edge.peers) == ("mx.example.test", ("127.0.0.1",))
    assert (settings.limits.connections_per_peer, settings.limits.connections) == (100, 500)
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.carrier is not None
    assert (settings.carrier.number, settings.carrier.ready) == ("+390200000000", True)
    acme = settings.people.by_code("100001")[0].customer
    assert (acme.id, acme.plan, acme.domains) == ("ACME", "platinum", ("acme.example",))
    assert settings.people.by_code("ACM-0001")[0].customer == acme
    assert settings.people.by_phone("+390612345678")[0].customer == acme
    assert [(pin.customer, pin.digits) for pin in settings.people.pins] == [("ACME", "471108")]
    beta = settings.people.by_address("luigi.beta@gmail.com")[0].customer
    assert (beta.id, beta.domains) == ("BETA", ())
    assert [settings.people.by_domain(name)[0].customer.id for name in ("gamma.example", "it.gamma.example")] == [
        "GAMMA"
    ] * 2
    assert not settings.demo


def test_the_demo_desk_has_three_customers_on_three_plans() -> None:
    settings = load(DESKS / "demo", {})
    assert settings.demo
    assert {customer.plan for customer in settings.people.customers} == {"basic", "gold", "platinum"}
    assert all("Demo" in customer.name for customer in settings.people.customers)
    assert all(customer.code and customer.domains and customer.contacts for customer in settings.people.customers)
    assert {pin.customer for pin in settings.people.pins} == {customer.id for customer in settings.people.customers}
    assert settings.covers["demo", "platinum"].channels >= {"mail", "phone"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("presa.yaml", "directory.yaml", "desk.yaml"):
        shutil.copy(DESKS / "test" / name, tmp_path / name)
    return tmp_path


def change(path: Path, old: str, new: str) -> int:
    """Replace once; the line on which it stands."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def loading(home: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(home, {})
    return caught.value.problems


def test_an_unknown_desk_or_queue_of_a_recipient_is_named(home: Path) -> None:
    line = change(home / "presa.yaml", "{desk: test}", "{desk: tset}")
    (problem,) = loading(home)
    assert problem.startswith(f"{home}/presa.yaml:{line}:32: desk tset; one of test; ")
    change(home / "presa.yaml", "{desk: tset}", "{desk: test, queue: nowhere}")
    (problem,) = loading(home)
    assert problem.startswith(f"{home}/presa.yaml:{line}:45: queue nowhere; one of ")


def test_a_missing_desk_file_and_a_desk_named_twice_are_lines(home: Path) -> None:
    change(home / "presa.yaml", "[desk.yaml]", "[nothing.yaml, desk.yaml, desk.yaml]")
    missing, twice = loading(home)
    assert missing.startswith(f"{home}/nothing.yaml:1:1: no such file; ")
    assert ": desk test again; " in twice


def test_names_in_the_directory_are_checked_against_the_desks(home: Path) -> None:
    line = change(home / "directory.yaml", "plan: platinum", "plan: plutonium")
    (problem,) = loading(home)
    assert problem.startswith(
        f"{home}/directory.yaml:{line}:11: plan plutonium; a plan of test: basic, gold, platinum; "
    )


def test_a_directory_file_is_not_needed(home: Path) -> None:
    (home / "directory.yaml").unlink()
    settings: Settings = load(home, {})
    assert settings.people.customers == ()


def test_an_empty_directory_says_which_file_is_missing(tmp_path: Path) -> None:
    assert loading(tmp_path)[0].startswith(f"{tmp_path}/presa.yaml:1:1: no such file; ")


def test_real_people_are_refused_in_the_demos_directory(tmp_path: Path) -> None:
    for name in ("presa.yaml", "directory.yaml", "desk.yaml"):
        shutil.copy(DESKS / "demo" / name, tmp_path / name)
    change(tmp_path / "directory.yaml", "anna.bianchi@alfa-demo.example", "anna@gmail.com")
    (problem,) = loading(tmp_path)
    assert "gmail.com in the demo's directory" in problem


def test_no_secret_and_no_pin_shows_in_the_settings(home: Path) -> None:
    env = {
        "PRESA_TWILIO_AUTH_TOKEN": "tok-9f",
        "PRESA_TWILIO_ACCOUNT_SID": "AC-77",
        "PRESA_PEPPER": "pep-31",
        "PRESA_SECRET": "key-5",
    }
    settings = load(home, env)
    shown = repr(settings) + repr(settings.people) + repr(settings.carrier) + repr(settings.secrets)
    assert not [secret for secret in (*env.values(), "471108") if secret in shown]


def test_every_desk_says_what_its_plans_cover() -> None:
    covers = directory.covers(
        {name: load_desk(DESKS / name / "desk.yaml") for name in ("aruba-enterprise", "ivanti", "imagicle-care")}
    )
    assert "mail" not in covers["aruba-enterprise", "small-enterprise"].channels
    assert "mail" in covers["aruba-enterprise", "enterprise"].channels
    assert covers["aruba-enterprise", "premium"].contacts_only
    assert not covers["imagicle-care", "basic"].contacts_only


@pytest.mark.parametrize("key", ["staff", "form_senders"])
@pytest.mark.parametrize(
    "address",
    ["nobody", "a@b", "a b@desk.example", "a@-desk.example", "a@desk..example", "a@desk.invalid", '"a"@desk.example'],
)
def test_an_address_that_people_enter_is_checked_wherever_it_stands(key: str, address: str) -> None:
    found = problems(GOOD + f"\n{key}: ['{address}']\n")
    assert len(found) == 1
    assert "write it as name@domain" in found[0]
    assert read(GOOD + f"\n{key}: [Giulia@Desk.Example]\n")


@pytest.mark.parametrize("domain", ["nobody", "lists..example", "a@lists.example", "-lists.example", "192.0.2.7"])
def test_a_sealer_is_a_domain(domain: str) -> None:
    (found,) = problems(GOOD + f"\nsealers: ['{domain}']\n")
    assert "write it as example.com" in found
