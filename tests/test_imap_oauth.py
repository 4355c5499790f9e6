"""Access tokens: asked for once, renewed before their end, and never told to anybody."""

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from imap_desk import MailDesk, maildesk, utc
from imap_server import Fault, mail

from gateway.errors import Temporary
from gateway.imap import oauth
from gateway.imap.client import Refused
from gateway.settings.mailboxes import OAuth

__all__ = ["maildesk"]
SECRETS = {"client_secret": "hush-client", "refresh_token": "hush-refresh"}


class Provider(http.server.ThreadingHTTPServer):
    """A token endpoint on loopback. `answer`: (status, JSON); `asked`: the forms it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: tuple[int, object] = (200, {"access_token": "hush-access", "expires_in": 3600})
        self.asked: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/token"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append({name: values[0] for name, values in parse_qs(form).items()})
        status, told = self.server.answer
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.shutdown()
    made.server_close()


def tokens(provider: Provider, kept: list[str] | None = None, **changes: str | None) -> oauth.Tokens:
    known = OAuth(provider.url, "client-1", "scope-1", **{**SECRETS, **changes})  # type: ignore[arg-type]
    return oauth.Tokens(known, known.refresh_token, (kept if kept is not None else []).append, oauth.post)


def test_a_token_is_asked_for_once_and_kept(provider: Provider) -> None:
    ours = tokens(provider)
    assert [ours(), ours()] == ["hush-access", "hush-access"]
    assert provider.asked == [{"client_id": "client-1", "scope": "scope-1", "grant_type": "refresh_token", **SECRETS}]


def test_a_token_that_ends_soon_is_asked_for_anew(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = tokens(provider)
    ours()
    now = oauth.time.monotonic()
    monkeypatch.setattr(oauth.time, "monotonic", lambda: now + 3600 - oauth.EARLY + 1)
    ours()
    assert len(provider.asked) == 2


def test_a_replaced_refresh_token_is_kept_and_used(provider: Provider) -> None:
    kept: list[str] = []
    ours = tokens(provider, kept)
    provider.answer = (
        200,
        {"access_token": "a", "expires_in": "10", "refresh_token": "newer", "refresh_token_expires_in": 86_400},
    )
    ours()
    ours.forget()
    ours()
    assert kept == ["newer"]
    assert [form["refresh_token"] for form in provider.asked] == ["hush-refresh", "newer"]
    assert ours.ends == timedelta(days=1)


def test_without_a_refresh_token_the_application_asks_in_its_own_name(provider: Provider) -> None:
    tokens(provider, refresh_token=None)()
    assert provider.asked[0]["grant_type"] == "client_credentials"
    assert "refresh_token" not in provider.asked[0]


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_client", "unauthorized_client"])
def test_an_explicit_no_of_the_provider_is_a_refusal_that_tells_no_secret(provider: Provider, error: str) -> None:
    provider.answer = (400, {"error": error, "error_description": "hush-refresh is over"})
    with pytest.raises(Refused) as told:
        tokens(provider)()
    assert "hush" not in told.value.public


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}),
        (503, b"<html>"),
        (200, b"[]"),
        (200, {"token": 1}),
        (200, b"x" * 200_000),
        (302, {}),
        (429, {"error": "slow_down"}),
    ],
)
def test_whatever_else_the_provider_says_is_tried_again_later(provider: Provider, answer: tuple[int, object]) -> None:
    provider.answer = answer
    with pytest.raises(Temporary):
        tokens(provider)()


def test_a_provider_that_is_not_there_is_tried_again_later(provider: Provider) -> None:
    ours = tokens(provider)
    provider.shutdown()
    provider.server_close()
    with pytest.raises(Temporary) as told:
        ours()
    assert "hush" not in str(told.value)


# The whole way ----------------------------------------------------------------------------------------------------


def lets_in(desk: MailDesk) -> None:
    """pymap knows no XOAUTH2: the proxy lets the token in and logs in with the password behind."""
    desk.proxy.swap = (b"AUTHENTICATE XOAUTH2", b"LOGIN demouser demopass")


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_mailbox_is_read_with_a_token(maildesk: MailDesk, provider: Provider) -> None:
    lets_in(maildesk)
    maildesk.server.put(mail(1))
    known = OAuth(provider.url, "client-1", **SECRETS)  # type: ignore[arg-type]
    maildesk.settle(maildesk.replica(oauth=known, password=None))
    assert maildesk.subjects() == ["Guasto 1"]
    assert maildesk.proxy.tokens == ["user=demouser\1auth=Bearer hush-access\1\1"]


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_refresh_that_is_refused_alarms_at_once_and_makes_no_storm(maildesk: MailDesk, provider: Provider) -> None:
    """CASES mail 5."""
    provider.answer = (400, {"error": "invalid_grant"})
    watch = maildesk.replica(oauth=OAuth(provider.url, "client-1", **SECRETS), password=None)  # type: ignore[arg-type]
    watch.step()
    assert maildesk.world.alarm_kinds() == ["mailbox-login-refused"]
    for _ in range(50):
        watch.step()
        maildesk.world.rehearsal.clock.advance(60)
    assert len(provider.asked) == 3
    assert maildesk.world.alarm_kinds() == ["mailbox-login-refused"]
    assert "hush" not in maildesk.world.everything_stored()


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_kept_token_that_the_server_does_not_take_is_renewed_once(maildesk: MailDesk, provider: Provider) -> None:
    lets_in(maildesk)
    watch = maildesk.replica(oauth=OAuth(provider.url, "client-1", **SECRETS), password=None)  # type: ignore[arg-type]
    maildesk.settle(watch)
    watch.hang_up()
    refusal = b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n"
    maildesk.proxy.faults = [
        Fault("AUTHENTICATE", do="answer", answer=refusal + b"TAG NO [AUTHENTICATIONFAILED] over\r\n", then_end=False)
    ]
    maildesk.settle(watch)
    assert len(provider.asked) == 2
    assert maildesk.world.alarms() == []


@pytest.mark.parametrize("kind", ["sqlite"])
def test_credentials_that_end_soon_alarm_before(maildesk: MailDesk, provider: Provider) -> None:
    lets_in(maildesk)
    ends = utc("2026-12-05 00:00").date()
    known = OAuth(provider.url, "client-1", expires=ends, **SECRETS)  # type: ignore[arg-type]
    maildesk.settle(maildesk.replica(oauth=known, password=None))
    (alarm,) = maildesk.world.alarms()
    assert (alarm.kind, "2026-12-05" in alarm.words) == ("mailbox-credentials-end", True)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_replaced_refresh_token_survives_a_restart(maildesk: MailDesk, provider: Provider) -> None:
    lets_in(maildesk)
    provider.answer = (200, {"access_token": "hush-access", "expires_in": 3600, "refresh_token": "newer"})
    known = OAuth(provider.url, "client-1", **SECRETS)  # type: ignore[arg-type]
    first = maildesk.replica(oauth=known, password=None)
    maildesk.settle(first)
    first.leave()
    maildesk.settle(maildesk.replica(oauth=known, password=None))
    assert [form["refresh_token"] for form in provider.asked] == ["hush-refresh", "newer"]
