"""The mailboxes that Presa empties over IMAP, as presa.yaml names them.

Passwords and tokens come from the environment or from files, never from YAML: PRESA_MAILBOX_<NAME>_PASSWORD,
..._CLIENT_SECRET, ..._REFRESH_TOKEN. Nothing that would be sent to a server may hold a control character: a line end in
a folder's name would be a second command.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.settings import secrets
from gateway.settings.source import ConfigError, Document
from identity import normal

GOOGLE = "https://oauth2.googleapis.com/token"
MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
SCOPES = {"google": "", "microsoft": "https://outlook.office365.com/.default offline_access", "other": ""}
PORTS = {"tls": 993, "starttls": 143, "none": 143}
LOOPBACK = ("127.0.0.1", "::1", "localhost")
NAME = r"^[a-z][a-z0-9-]{0,30}$"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class OAuth:
    """How an access token is had. Without a refresh token: the application's own rights (client credentials).

    `expires`: the day on which the client secret or the consent ends, when it is known; an alarm comes before it."""

    token_url: str
    client_id: str
    scope: str = ""
    expires: date | None = None
    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Canary:
    """A mail of our own that proves the way in: sent so often, and to be seen again within so long."""

    every: timedelta
    within: timedelta


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox. `address`: the recipient of its mails, unless a trace header names another one of ours.

    `since`: mails that came before that day are not ours to take in. `flag` and `move_to`: what is done to a mail after
    its commit. `authserv_id`: the provider whose topmost Authentication-Results count."""

    name: str
    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    user: str
    address: str
    folder: str = "INBOX"
    flag: str | None = "\\Seen"
    move_to: str | None = None
    since: date | None = None
    poll: timedelta = timedelta(seconds=60)
    idle: bool = True
    silent: timedelta | None = None
    canary: Canary | None = None
    authserv_id: str | None = None
    oauth: OAuth | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def ready(self) -> bool:
        """Whether there is something to log in with; otherwise the mailbox is left alone and `presa check` says so."""
        if self.oauth is None:
            return bool(self.password)
        return bool(self.oauth.refresh_token or self.oauth.client_secret)


def has_control(text: str) -> bool:
    """Whether a value holds what must never be sent to a server (CR, LF, NUL and their like)."""
    return bool(_CONTROL.search(text))


def _plain(text: str) -> str:
    if not text or has_control(text):
        raise ValueError("a text without line ends and control characters; write it on one line")
    return text


def _flag(text: str) -> str:
    if not re.fullmatch(r"\\(?:Seen|Flagged|Answered)|[A-Za-z$][A-Za-z0-9_$-]{0,40}|none", text):
        raise ValueError("\\Seen, \\Flagged, \\Answered, a keyword such as $Presa, or none; correct the flag")
    return text


def _address(text: str) -> str:
    found = normal.address(text)
    if found is None:
        raise ValueError("an e-mail address; write it as name@domain")
    return found


def _token_url(text: str) -> str:
    local = re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?/", text)
    if _CONTROL.search(text) or not (text.startswith("https://") or local):
        raise ValueError("an https:// address; secrets are sent there")
    return text


_Plain = Annotated[str, AfterValidator(_plain)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OAuthModel(_Model):
    """`expires` is a date such as 2027-05-01."""

    provider: Literal["google", "microsoft", "other"]
    client_id: _Plain
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")] = "organizations"
    token_url: Annotated[str, AfterValidator(_token_url)] | None = None
    scope: _Plain | None = None
    expires: date | None = None


class CanaryModel(_Model):
    every_hours: float = Field(default=6, gt=0, le=168)
    within_minutes: float = Field(default=15, gt=0, le=1440)


class MailboxModel(_Model):
    """One entry of `mailboxes` in presa.yaml."""

    host: _Plain
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    user: _Plain
    address: Annotated[str, AfterValidator(_address)]
    folder: _Plain = "INBOX"
    flag: Annotated[str, AfterValidator(_flag)] = "\\Seen"
    move_to: _Plain | None = None
    since: date | None = None
    poll_seconds: float = Field(default=60, ge=1, le=300)
    idle: bool = True
    silent_hours: float | None = Field(default=None, gt=0)
    canary: CanaryModel | None = None
    authserv_id: _Plain | None = None
    oauth: OAuthModel | None = None


def mailboxes(
    document: Document, written: Mapping[str, MailboxModel], env: Mapping[str, str], own: Collection[str],
    problems: list[str], *, demo: bool,
) -> Mapping[str, Mailbox]:  # fmt: skip
    """The mailboxes with their secrets; what is wrong with the file is added to `problems`. Raises ConfigError: a secret
    that cannot be read or holds a line end."""
    for name, one in written.items():
        problems += _problems(document, name, one, own, demo=demo)
    return {name: _mailbox(name, one, env) for name, one in written.items()}


def _problems(document: Document, name: str, one: MailboxModel, own: Collection[str], *, demo: bool) -> Iterator[str]:
    if one.address not in own:
        place = ("mailboxes", name, "address")
        yield document.problem(place, one.address, "one of the recipients", "add it there, or correct it")
    if demo and one.host not in LOOPBACK:
        place = ("mailboxes", name, "host")
        yield document.problem(place, one.host, "this machine, because of 'demo: true'", "name it, or remove 'demo'")
    if one.oauth is not None and one.oauth.provider == "other" and one.oauth.token_url is None:
        place = ("mailboxes", name, "oauth")
        yield document.problem(place, "provider other without token_url", "an https:// address", "add token_url")
    if one.security == "none" and one.host not in LOOPBACK:
        place = ("mailboxes", name, "security")
        yield document.problem(place, "a login without encryption", "tls or starttls", "use one of them")
    if one.move_to is not None and one.move_to == one.folder:
        place = ("mailboxes", name, "move_to")
        yield document.problem(place, "the folder that is read", "another folder", "name another, or leave it out")


def _mailbox(name: str, one: MailboxModel, env: Mapping[str, str]) -> Mailbox:
    prefix = f"PRESA_MAILBOX_{name.upper().replace('-', '_')}"
    return Mailbox(
        name=name, host=one.host, port=one.port or PORTS[one.security], security=one.security, user=one.user,
        address=one.address, folder=one.folder, flag=None if one.flag == "none" else one.flag, move_to=one.move_to,
        since=one.since, poll=timedelta(seconds=one.poll_seconds), idle=one.idle,
        silent=timedelta(hours=one.silent_hours) if one.silent_hours else None,
        canary=Canary(timedelta(hours=one.canary.every_hours), timedelta(minutes=one.canary.within_minutes))
        if one.canary else None,
        authserv_id=one.authserv_id, password=_secret(env, f"{prefix}_PASSWORD"),
        oauth=_oauth(one.oauth, prefix, env) if one.oauth else None,
    )  # fmt: skip


def _oauth(one: OAuthModel, prefix: str, env: Mapping[str, str]) -> OAuth:
    usual = {"google": GOOGLE, "microsoft": MICROSOFT.format(tenant=one.tenant)}
    return OAuth(
        token_url=one.token_url or usual.get(one.provider, ""),
        client_id=one.client_id,
        scope=SCOPES[one.provider] if one.scope is None else one.scope,
        expires=one.expires,
        client_secret=_secret(env, f"{prefix}_CLIENT_SECRET"),
        refresh_token=_secret(env, f"{prefix}_REFRESH_TOKEN"),
    )


def _secret(env: Mapping[str, str], name: str) -> str | None:
    found = secrets.value(env, name)
    if found is not None and has_control(found):
        raise ConfigError(
            [f"environment:{name}: holds a line end or a control character; one line of text; correct it"]
        )
    return found
