"""presa.yaml: where Presa listens in the world, whom it trusts, who carries its mail and calls.

Turns the file and the overriding environment into frozen values. The demo's one liberty, that loopback peers need no
proof of their address, is refused to every configuration that could reach real people.
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.settings.secrets import Secrets
from gateway.settings.source import ConfigError, Document, validate
from identity import normal
from identity.results import Edge

TWILIO_API = "https://api.twilio.com"
SMARTHOST_SCHEMES = ("smtp", "smtp+starttls", "smtps", "outbox")
# Names that reach nobody: RFC 2606 and RFC 6761.
_RESERVED = ("example", "test", "invalid", "localhost", "example.com", "example.net", "example.org")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where mail to one of our addresses goes. `queue` None: as the desk's rules say."""

    desk: str
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of the mail door. Sizes in bytes, times in seconds; names as in the door's own limits."""

    size: int = 26_214_400
    connections: int = 500
    connections_per_peer: int = 100
    recipients: int = 100
    commands: int = 500
    errors: int = 20
    idle: float = 60.0
    session: float = 1_200.0


@dataclass(frozen=True, slots=True)
class Work:
    """How jobs run. `lease_seconds`: so long after a process died another one goes on with what it had begun."""

    lease_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who carries calls. `number`: ours, E.164. `api_url`: base of every REST request, without a final slash."""

    kind: Literal["twilio", "simulator"]
    number: str
    api_url: str
    account_sid: str | None = field(default=None, repr=False)
    auth_tokens: tuple[str, ...] = field(default=(), repr=False)

    @property
    def ready(self) -> bool:
        """Whether webhooks can be checked and calls be made; otherwise the phone door stays shut."""
        return bool(self.auth_tokens and self.account_sid)


@dataclass(frozen=True, slots=True)
class Base:
    """What presa.yaml and the environment say, before desks and directory are read."""

    public_url: str
    recipients: Mapping[str, Recipient]
    edge: Edge | None
    smarthost: str = field(repr=False)
    limits: Limits
    jobs: Work
    carrier: Carrier | None
    desk_paths: tuple[str, ...]
    demo: bool


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address such as https://desk.example.com; write scheme, host and port, no query")
    return text.rstrip("/")


def _smarthost(text: str) -> str:
    scheme, colon, _ = text.partition(":")
    if not colon or scheme not in SMARTHOST_SCHEMES or (scheme != "outbox" and not urlsplit(text).hostname):
        raise ValueError("outbox:, smtp://host:port, smtp+starttls:// or smtps://; name the server that sends our mail")
    return text


def _own_address(text: str) -> str:
    address = normal.address(text)
    if address is None:
        raise ValueError("an e-mail address; write it as name@domain")
    return address


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError("an IP address or network; write 192.0.2.7 or 192.0.2.0/24") from error
    return text


def _number(value: object) -> str:
    number = normal.phone(str(value)) if isinstance(value, str | int) else None
    if number is None:
        raise ValueError('a phone number in E.164; write it as "+390200000000"')
    return number


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Recipient(_Model):
    desk: str
    queue: str | None = None


class _Edge(_Model):
    authserv_id: str = Field(min_length=1)
    peers: list[Annotated[str, AfterValidator(_network)]] = Field(min_length=1)
    hosts: list[str] = []


class _Limits(_Model):
    size: int = Field(default=26_214_400, ge=65_536)
    connections: int = Field(default=500, ge=1)
    connections_per_peer: int = Field(default=100, ge=1)
    recipients: int = Field(default=100, ge=1)
    commands: int = Field(default=500, ge=10)
    errors: int = Field(default=20, ge=1)
    idle: float = Field(default=60.0, gt=0)
    session: float = Field(default=1_200.0, gt=0)


class _Jobs(_Model):
    lease_seconds: float = Field(default=30.0, ge=2, le=600)


class _Carrier(_Model):
    kind: Literal["twilio", "simulator"]
    number: Annotated[str, BeforeValidator(_number)] = Field(alias="from")
    api_url: Annotated[str, AfterValidator(_url)] = TWILIO_API
    demo_account_sid: str | None = None
    demo_auth_token: str | None = None


class _Presa(_Model):
    public_url: Annotated[str, AfterValidator(_url)]
    recipients: dict[Annotated[str, AfterValidator(_own_address)], _Recipient] = Field(min_length=1)
    desks: list[str] = Field(min_length=1)
    trusted_edge: _Edge | None = None
    smarthost: Annotated[str, AfterValidator(_smarthost)] = "outbox:"
    limits: _Limits = _Limits()
    jobs: _Jobs = _Jobs()
    carrier: _Carrier | None = None
    demo: bool = False


def read(document: Document, env: Mapping[str, str], secrets: Secrets) -> Base:
    """The values of presa.yaml; PRESA_PUBLIC_URL, PRESA_TWILIO_API_URL and the secrets of the environment override."""
    written = validate(_Presa, document)
    base = Base(
        public_url=_checked_env("PRESA_PUBLIC_URL", env.get("PRESA_PUBLIC_URL"), _url) or written.public_url,
        recipients={address: Recipient(r.desk, r.queue) for address, r in written.recipients.items()},
        edge=_edge(written.trusted_edge),
        smarthost=_checked_env("PRESA_SMARTHOST", secrets.smarthost, _smarthost) or written.smarthost,
        limits=Limits(**written.limits.model_dump()),
        jobs=Work(**written.jobs.model_dump()),
        carrier=_carrier(written.carrier, env, secrets),
        desk_paths=tuple(written.desks),
        demo=written.demo,
    )
    problems = _demo_problems(document, base) if written.demo else _demo_leftovers(document, written)
    if len(base.recipients) < len(document.data["recipients"]):
        found = "an address that differs from another only in its letters' case"
        problems.append(document.problem(("recipients",), found, "each address once", "remove one of the two"))
    if problems:
        raise ConfigError(problems)
    return base


def _checked_env(name: str, text: str | None, check: Callable[[str], str]) -> str | None:
    """A value of the environment through the same check as the file's; its text may be a secret and is not shown."""
    try:
        return check(text) if text else None
    except ValueError as error:
        raise ConfigError([f"environment:{name}: not usable; expected {error}"]) from error


def _edge(written: _Edge | None) -> Edge | None:
    return Edge(written.authserv_id, tuple(written.peers), tuple(written.hosts)) if written else None


def _carrier(written: _Carrier | None, env: Mapping[str, str], secrets: Secrets) -> Carrier | None:
    if written is None:
        return None
    demo_tokens = (written.demo_auth_token,) if written.demo_auth_token else ()
    return Carrier(
        kind=written.kind,
        number=written.number,
        api_url=_checked_env("PRESA_TWILIO_API_URL", env.get("PRESA_TWILIO_API_URL"), _url) or written.api_url,
        account_sid=secrets.twilio_account_sid or written.demo_account_sid,
        auth_tokens=secrets.twilio_auth_tokens or demo_tokens,
    )


def is_reserved(domain: str) -> bool:
    """Whether a name can't belong to anybody (RFC 2606, RFC 6761)."""
    return any(domain == name or domain.endswith(f".{name}") for name in _RESERVED)


def is_loopback(host: str) -> bool:
    """Whether an address or host name is this machine."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _demo_problems(document: Document, base: Base) -> list[str]:
    """`demo: true` trusts every loopback peer, so nothing in the configuration may reach the world."""
    unreal = "something that stays on this machine because of 'demo: true'"
    advice = "use a name under .example, or remove 'demo'"
    problems = [
        document.problem(("recipients", address), address, unreal, advice, key=True)
        for address in base.recipients
        if not is_reserved(normal.host(address))
    ]
    carrier = base.carrier.kind if base.carrier else "none"
    checks = (
        ("public_url", base.public_url, is_loopback(urlsplit(base.public_url).hostname or "")),
        ("smarthost", urlsplit(base.smarthost).scheme, base.smarthost.startswith("outbox:")),
        ("carrier", carrier, carrier != "twilio"),
        ("trusted_edge", "an edge", base.edge is None),
    )
    advice = "use loopback, outbox: and the simulator, or remove 'demo'"
    problems += [document.problem((key,), f"{key}: {found}", unreal, advice) for key, found, fits in checks if not fits]
    return problems


def _demo_leftovers(document: Document, written: _Presa) -> list[str]:
    """Without `demo: true` no credential may stand in the file."""
    found = "in a configuration that is not the demo"
    advice = "set PRESA_TWILIO_ACCOUNT_SID and PRESA_TWILIO_AUTH_TOKEN"
    return [
        document.problem(("carrier", key), f"{key} {found}", "no secrets in this file", advice, key=True)
        for key in ("demo_account_sid", "demo_auth_token")
        if written.carrier and getattr(written.carrier, key)
    ]
