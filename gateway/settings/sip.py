"""The `sip` part of `carrier` in presa.yaml: a telephone line without a carrier (`gateway.sip`).

Refuses a line that would answer everybody or call anywhere: peers and prefixes have to be written down.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gateway.settings.mail_door import network

HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]"
ADDRESS = re.compile(rf"({HOST})(?::([0-9]{{1,5}}))?")
PHONE = re.compile(rf"sip:[A-Za-z0-9+._-]{{1,64}}@(?:{HOST})(?::[0-9]{{1,5}})?")
SIP_PORT = 5060


@dataclass(frozen=True, slots=True)
class Sip:
    """`listen`, `trunk`: host and port. `advertise`: our address as the others see it. `peers`: networks that may call and
    send sound. `ports`: first and last for RTP. `phones`: our numbers that are telephones here, rung without the trunk."""

    listen: tuple[str, int]
    peers: tuple[str, ...]
    prefixes: tuple[str, ...]
    trunk: tuple[str, int] | None = None
    advertise: str | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    register: bool = False
    ports: tuple[int, int] = (20_000, 20_199)
    calls: int = 25
    phones: Mapping[str, str] = field(default_factory=dict)
    espeak: str = "espeak-ng"
    piper: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    recordings: str = "var/recordings"


def address(text: str) -> tuple[str, int]:
    """Host and port of `sip.example.com:5060`; the port may be left out."""
    found = ADDRESS.fullmatch(text.strip())
    if found is None or int(found[2] or SIP_PORT) > 65_535:
        raise ValueError("HOST or HOST:PORT, such as 192.0.2.10:5060")
    return found[1].strip("[]"), int(found[2] or SIP_PORT)


def _listen(text: str) -> str:
    ipaddress.ip_address(address(text)[0])
    return text


def _trunk(text: str) -> str:
    address(text)
    return text


def _ports(text: str) -> str:
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal() and 1_024 <= int(first) < int(last) <= 65_535):
        raise ValueError("the first and the last port for sound, such as 20000-20199")
    return text


def _phone(text: str) -> str:
    if not PHONE.fullmatch(text):
        raise ValueError("a telephone's address, such as sip:anna@192.0.2.20")
    return text


class SipModel(BaseModel):
    """As written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: Annotated[str, AfterValidator(_listen)]
    peers: list[Annotated[str, AfterValidator(network)]] = Field(min_length=1)
    prefixes: list[Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,13}$")]] = []
    trunk: Annotated[str, AfterValidator(_trunk)] | None = None
    advertise: str | None = Field(default=None, pattern=r"^[0-9A-Fa-f:.]+$")
    user: str = Field(default="", pattern=r"^[A-Za-z0-9+._-]{0,64}$")
    register_: bool = Field(default=False, alias="register")
    ports: Annotated[str, AfterValidator(_ports)] = "20000-20199"
    calls: int = Field(default=25, ge=1, le=200)
    phones: dict[Annotated[str, Field(pattern=r"^\+[1-9][0-9]{3,14}$")], Annotated[str, AfterValidator(_phone)]] = {}
    espeak: str = "espeak-ng"
    piper: str | None = None
    models: dict[Annotated[str, Field(pattern=r"^[a-z]{2}$")], str] = {}
    recordings: str = "var/recordings"

    @model_validator(mode="after")
    def _fits(self) -> "SipModel":
        if ipaddress.ip_address(address(self.listen)[0]).is_unspecified and not self.advertise:
            raise ValueError("'listen' is every address of this machine: write in 'advertise' which one the others see")
        if any(ipaddress.ip_network(peer, strict=False).prefixlen == 0 for peer in self.peers):
            raise ValueError("'peers' names the whole world; write the addresses of the trunk and the telephones")
        if self.register_ and not (self.trunk and self.user):
            raise ValueError("'register' needs 'trunk' and 'user'")
        first, last = (int(port) for port in self.ports.split("-"))
        if (last - first + 1) // 2 < self.calls:
            raise ValueError(f"'ports' has too few for {self.calls} calls at once; each takes two")
        return self


def sip(written: SipModel | None, password: str | None) -> Sip | None:
    if written is None:
        return None
    first, last = (int(port) for port in written.ports.split("-"))
    return Sip(
        listen=address(written.listen),
        peers=tuple(written.peers),
        prefixes=tuple(written.prefixes),
        trunk=address(written.trunk) if written.trunk else None,
        advertise=written.advertise,
        user=written.user,
        password=password or "",
        register=written.register_,
        ports=(first, last),
        calls=written.calls,
        phones=dict(written.phones),
        espeak=written.espeak,
        piper=written.piper,
        models=dict(written.models),
        recordings=written.recordings,
    )
