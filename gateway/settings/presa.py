"""presa.yaml: where Presa listens in the world, whom it trusts, who carries its mail and calls.

Turns the file and the overriding environment into frozen values. The demo's one liberty, that loopback peers need no
proof of their address, is refused to every configuration that could reach real people.
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.settings import mail_door
from gateway.settings.mail_door import (
    Apart,
    Loops,
    LoopsModel,
    MailDoor,
    MailDoorModel,
    Own,
    Recipient,
    RecipientModel,
    network,
)
from gateway.settings.mailboxes import NAME, Mailbox, MailboxModel, mailboxes
from gateway.settings.secrets import Secrets
from gateway.settings.sip import Sip, SipModel, sip
from gateway.settings.source import ConfigError, Document, validate
from identity import normal
from identity.results import Edge

CARRIER_APIS: Mapping[str, str] = {"twilio": "https://api.twilio.com", "telnyx": "https://api.telnyx.com"}
SIP_ACCOUNT = "AC" + "0" * 32
SMARTHOST_SCHEMES = ("smtp", "smtp+starttls", "smtps", "outbox")
# Names that reach nobody: RFC 2606 and RFC 6761.
_RESERVED = ("example", "test", "invalid", "localhost", "example.com", "example.net", "example.org")


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
    data_grace: float = 60.0
    data_rate: int = 1_000
    greet_delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """How jobs run. `lease_seconds`: so long after a process died another one goes on with what it had begun."""

    lease_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days each thing is kept; None: for good. What is held, open or unseen is kept in any case."""

    raw: int | None = None
    spam: int | None = None
    letters: int | None = None
    calls: int | None = None
    texts: int | None = None
    ledger: int | None = None
    recordings: int | None = None


@dataclass(frozen=True, slots=True)
class Transcription:
    """What writes recordings down. `model`: the path of a faster-whisper model; the carrier needs none."""

    kind: Literal["whisper", "carrier"]
    model: str = ""


Region = Literal["us1", "us2", "ie1", "de1", "sg1", "br1", "au1", "jp1"]  # Twilio, "TwiML Conference", region


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who carries calls. `number`: ours, E.164. `api_url`: base of every REST request, without a final slash.

    `auth_tokens`: what webhooks are checked with; `api_key`: what orders are given with, where that is something else;
    `application`: the TeXML application at Telnyx; `region`: where conferences take place."""

    kind: Literal["twilio", "signalwire", "telnyx", "simulator", "sip"]
    number: str
    api_url: str
    account_sid: str | None = field(default=None, repr=False)
    auth_tokens: tuple[str, ...] = field(default=(), repr=False)
    api_key: str | None = field(default=None, repr=False)
    application: str = ""
    sip: Sip | None = None
    region: Region = "ie1"

    @property
    def ready(self) -> bool:
        """Whether webhooks can be checked and calls be made; otherwise the phone door stays shut."""
        return bool(
            self.auth_tokens and self.account_sid and (self.api_key or self.kind in ("twilio", "simulator", "sip"))
        )

    @property
    def path(self) -> str:
        """Below which its webhooks come in; the simulator and a line of our own are a Twilio."""
        return f"/phone/{'twilio' if self.kind in ('simulator', 'sip') else self.kind}"


@dataclass(frozen=True, slots=True)
class Paging:
    """`heartbeat`: an address outside that is called as long as pages go as they should. `ntfy`: the server of people's topics."""

    heartbeat: str = field(default="", repr=False)
    ntfy: str = ""


@dataclass(frozen=True, slots=True)
class Dkim:
    """With what our mail is signed (RFC 6376). `key_file`: the private key, unless PRESA_DKIM_KEY holds it."""

    domain: str
    selector: str
    key_file: str | None = None


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
    retention: Retention
    held_alarm_hours: float
    form_senders: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()
    sealers: frozenset[str] = frozenset()
    pec_providers: frozenset[str] = frozenset()
    dkim: Dkim | None = None
    door: MailDoor = field(default_factory=MailDoor)
    loops: Loops = field(default_factory=Loops)
    mailboxes: Mapping[str, Mailbox] = field(default_factory=dict)
    paging: Paging = field(default_factory=Paging)
    transcription: Transcription | None = None


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


def _domain(text: str) -> str:
    domain = normal.domain(text)
    if domain is None:
        raise ValueError("a domain name; write it as example.com")
    return domain


def _number(value: object) -> str:
    number = normal.phone(str(value)) if isinstance(value, str | int) else None
    if number is None:
        raise ValueError('a phone number in E.164; write it as "+390200000000"')
    return number


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Edge(_Model):
    authserv_id: str = Field(min_length=1)
    peers: list[Annotated[str, AfterValidator(network)]] = Field(min_length=1)
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
    data_grace: float = Field(default=60.0, gt=0)
    data_rate: int = Field(default=1_000, ge=1)
    greet_delay: float = Field(default=0.0, ge=0, le=60)


class _Jobs(_Model):
    lease_seconds: float = Field(default=30.0, ge=2, le=600)


class _Retention(_Model):
    """Days."""

    raw: int | None = Field(default=None, ge=1)
    spam: int | None = Field(default=None, ge=1)
    letters: int | None = Field(default=None, ge=1)
    calls: int | None = Field(default=None, ge=1)
    texts: int | None = Field(default=None, ge=1)
    ledger: int | None = Field(default=None, ge=1)
    recordings: int | None = Field(default=None, ge=1)


class _Held(_Model):
    alarm_hours: float = Field(default=24.0, gt=0, le=8_760)


class _Carrier(_Model):
    kind: Literal["twilio", "signalwire", "telnyx", "simulator", "sip"]
    number: Annotated[str, BeforeValidator(_number)] = Field(alias="from")
    api_url: Annotated[str, AfterValidator(_url)] | None = None
    application: str = Field(default="", max_length=64)
    sip: SipModel | None = None
    region: Region = "ie1"
    demo_account_sid: str | None = None
    demo_auth_token: str | None = None


class _Transcription(_Model):
    kind: Literal["whisper", "carrier"]
    model: str = ""


class _Paging(_Model):
    heartbeat: str = Field(default="", pattern=r"^(https?://[!-~]+)?$")
    ntfy: str = Field(default="", pattern=r"^(https?://[!-~]+)?$")


class _Dkim(_Model):
    domain: Annotated[str, AfterValidator(_domain)]
    selector: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$")
    key_file: str | None = None


class _Presa(_Model):
    public_url: Annotated[str, AfterValidator(_url)]
    recipients: dict[Own, RecipientModel] = Field(min_length=1)
    apart: list[Apart] = []
    desks: list[str] = Field(min_length=1)
    trusted_edge: _Edge | None = None
    smarthost: Annotated[str, AfterValidator(_smarthost)] = "outbox:"
    limits: _Limits = _Limits()
    jobs: _Jobs = _Jobs()
    carrier: _Carrier | None = None
    retention: _Retention = _Retention()
    held: _Held = _Held()
    demo: bool = False
    form_senders: list[Own] = []
    staff: list[Own] = []
    sealers: list[Annotated[str, AfterValidator(_domain)]] = []
    pec_providers: list[Annotated[str, AfterValidator(_domain)]] = []
    smtp: MailDoorModel = MailDoorModel()
    loops: LoopsModel = LoopsModel()
    dkim: _Dkim | None = None
    paging: _Paging = _Paging()
    transcription: _Transcription | None = None
    mailboxes: dict[Annotated[str, Field(pattern=NAME)], MailboxModel] = {}


def read(document: Document, env: Mapping[str, str], secrets: Secrets) -> Base:
    """The values of presa.yaml; PRESA_PUBLIC_URL, PRESA_TWILIO_API_URL and the secrets of the environment override."""
    written = validate(_Presa, document)
    problems: list[str] = []
    base = Base(
        public_url=_checked_env("PRESA_PUBLIC_URL", env.get("PRESA_PUBLIC_URL"), _url) or written.public_url,
        recipients=mail_door.recipients(document, written.recipients, written.apart, problems),
        edge=_edge(written.trusted_edge, written.smtp.relays),
        smarthost=_checked_env("PRESA_SMARTHOST", secrets.smarthost, _smarthost) or written.smarthost,
        limits=Limits(**written.limits.model_dump()),
        jobs=Work(**written.jobs.model_dump()),
        carrier=_carrier(written.carrier, env, secrets),
        desk_paths=tuple(written.desks),
        demo=written.demo,
        retention=Retention(**written.retention.model_dump()),
        held_alarm_hours=written.held.alarm_hours,
        form_senders=frozenset(written.form_senders),
        staff=frozenset(written.staff),
        sealers=frozenset(written.sealers),
        pec_providers=frozenset(written.pec_providers),
        dkim=Dkim(**written.dkim.model_dump()) if written.dkim else None,
        door=mail_door.mail_door(document, written.smtp, problems),
        loops=Loops(**written.loops.model_dump()),
        mailboxes=mailboxes(document, written.mailboxes, env, written.recipients, problems, demo=written.demo),
        paging=Paging(**written.paging.model_dump()),
        transcription=Transcription(**written.transcription.model_dump()) if written.transcription else None,
    )
    if written.transcription and written.transcription.kind == "whisper" and not written.transcription.model:
        needed = "the path of a faster-whisper model"
        problems.append(document.problem(("transcription",), "whisper without a model", needed, "write model: PATH"))
    if written.transcription and written.transcription.kind == "carrier" and not _writes_down(written.carrier):
        found, able = "a carrier that does not write down here", "twilio or signalwire, or whisper"
        problems.append(document.problem(("transcription",), found, able, "write kind: whisper and model: PATH"))
    if base.transcription and base.transcription.kind == "carrier" and base.carrier and base.carrier.kind == "sip":
        needed = "kind: whisper, with a model of your own"
        problems.append(document.problem(("transcription",), "'carrier' on a line without one", needed, "correct it"))
    problems += _carrier_problems(document, written.carrier)
    problems += _demo_problems(document, base) if written.demo else _demo_leftovers(document, written)
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


def _edge(written: _Edge | None, relays: Sequence[str]) -> Edge | None:
    """What our relays hand in was judged by the edge as well: its results count from them too."""
    return Edge(written.authserv_id, (*written.peers, *relays), tuple(written.hosts)) if written else None


def _carrier(written: _Carrier | None, env: Mapping[str, str], secrets: Secrets) -> Carrier | None:
    if written is None:
        return None
    demo_tokens = (written.demo_auth_token,) if written.demo_auth_token else ()
    asked = _checked_env("PRESA_TWILIO_API_URL", env.get("PRESA_TWILIO_API_URL"), _url)
    api_url = asked or written.api_url or CARRIER_APIS.get(written.kind, "")
    match written.kind:
        case "signalwire":
            who, tokens, key = secrets.signalwire_project, secrets.signalwire_signing_keys, secrets.signalwire_token
        case "telnyx":
            who, tokens, key = secrets.telnyx_account_sid, secrets.telnyx_public_keys, secrets.telnyx_api_key
        case "sip":  # signs and checks within one process: nobody else ever needs the token
            who, tokens, key = SIP_ACCOUNT, (token_hex(32),), None
        case _:
            who, tokens, key = secrets.twilio_account_sid, secrets.twilio_auth_tokens, None
    return Carrier(
        kind=written.kind,
        number=written.number,
        api_url=api_url,
        account_sid=who or written.demo_account_sid,
        auth_tokens=tokens or demo_tokens,
        api_key=key,
        application=written.application,
        sip=sip(written.sip, secrets.sip_password),
        region=written.region,
    )


def _writes_down(written: _Carrier | None) -> bool:
    return written is not None and written.kind in ("twilio", "signalwire", "simulator")


def _carrier_problems(document: Document, written: _Carrier | None) -> list[str]:
    """What one carrier needs and the others do not."""
    if written is None:
        return []
    needs = {
        "signalwire": ("api_url", "the address of your space", "write api_url: https://NAME.signalwire.com"),
        "telnyx": ("application", "the TeXML application of the number", "write its id as application:"),
        "sip": ("sip", "where the line listens and who may call", "write sip: {listen: …, peers: […]}"),
    }.get(written.kind)
    if needs is None or getattr(written, needs[0]):
        return []
    return [document.problem(("carrier", "kind"), f"{written.kind} without {needs[0]}", needs[1], needs[2])]


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
        ("carrier", carrier, carrier in ("none", "simulator")),
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
