"""Mailboxes in presa.yaml: what is read, what is refused, and that secrets stay where they belong."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.settings import presa, secrets
from gateway.settings.mailboxes import GOOGLE, Mailbox
from gateway.settings.source import ConfigError, parse_yaml

HEAD = """
public_url: https://desk.example.com
recipients:
  support@example.com: {desk: test}
desks: [desk.yaml]
mailboxes:
  support:
    host: imap.example.com
    user: support@example.com
    address: Support@Example.com
"""


def read(more: str = "", env: Mapping[str, str] | None = None) -> Mapping[str, Mailbox]:
    lines = "".join(f"    {line}\n" for line in more.splitlines())
    return presa.read(parse_yaml(HEAD + lines, "presa.yaml"), env or {}, secrets.Secrets()).mailboxes


def test_a_mailbox_needs_little_and_has_safe_defaults() -> None:
    box = read(env={"PRESA_MAILBOX_SUPPORT_PASSWORD": "hush"})["support"]
    assert (box.port, box.security, box.folder, box.flag, box.move_to) == (993, "tls", "INBOX", "\\Seen", None)
    assert (box.address, box.poll, box.idle, box.ready) == ("support@example.com", timedelta(seconds=60), True, True)
    assert "hush" not in repr(box)


def test_all_of_a_mailbox_is_read() -> None:
    box = read(
        "folder: Support\nflag: $Presa\nmove_to: Done\nsince: 2026-11-01\npoll_seconds: 30\nidle: false\nsilent_hours: 12\n"
        "canary: {every_hours: 2, within_minutes: 5}\nauthserv_id: mx.google.com\n"
        "oauth: {provider: google, client_id: abc, expires: 2027-05-01}",
        {"PRESA_MAILBOX_SUPPORT_REFRESH_TOKEN": "hush", "PRESA_MAILBOX_SUPPORT_CLIENT_SECRET": "hush"},
    )["support"]
    assert (box.since, box.silent, box.authserv_id) == (date(2026, 11, 1), timedelta(hours=12), "mx.google.com")
    assert box.oauth is not None
    assert (box.oauth.token_url, box.oauth.expires, box.ready) == (GOOGLE, date(2027, 5, 1), True)
    assert box.canary is not None
    assert (box.canary.every, box.canary.within) == (timedelta(hours=2), timedelta(minutes=5))
    assert "hush" not in repr(box)


def test_without_its_secret_a_mailbox_is_not_ready() -> None:
    assert read()["support"].ready is False
    assert read("oauth: {provider: google, client_id: abc}")["support"].ready is False


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hush\n")
    box = read(env={"PRESA_MAILBOX_SUPPORT_PASSWORD_FILE": str(tmp_path / "password")})["support"]
    assert box.password == "hush"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('folder: "INBOX\\r\\nA1 DELETE INBOX"', "line ends"),
        ('move_to: "a\\0b"', "control characters"),
        ("flag: \\Deleted", "keyword"),
        ("move_to: INBOX", "another folder"),
        ("security: none", "tls or starttls"),
        ("poll_seconds: 600", "300"),
        ("oauth: {provider: other, client_id: x}", "token_url"),
        ("oauth: {provider: other, client_id: x, token_url: http://tokens.example.com/t}", "https://"),
        ("password: hush", "password"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_place(more: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(more)
    assert said in str(refused.value)
    assert "presa.yaml:" in str(refused.value)
    assert "hush" not in str(refused.value)


def test_a_mailbox_for_an_address_that_is_not_ours_is_refused() -> None:
    text = HEAD.replace("address: Support@Example.com", "address: other@example.com")
    with pytest.raises(ConfigError, match="one of the recipients"):
        presa.read(parse_yaml(text, "presa.yaml"), {}, secrets.Secrets())


def test_a_secret_with_a_line_end_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError) as refused:
        read(env={"PRESA_MAILBOX_SUPPORT_PASSWORD": "hu\nsh"})
    assert "PRESA_MAILBOX_SUPPORT_PASSWORD" in str(refused.value)
    assert "hu" not in str(refused.value).replace("PRESA", "")
