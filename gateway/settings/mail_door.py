"""The mail door's section of presa.yaml, and where mail to each of our addresses goes.

`smtp` says where else mail is taken and from whom more is accepted; `recipients` and `apart` say what an address means;
`loops` says when enough is enough. Refuses what would make the door lie: LMTP where strangers are, TLS without a certificate.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.settings.source import Document
from identity import normal
from routing.desk import Desk

UNIX = "unix:"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where mail to one of our addresses goes. `queue` None: as the desk's rules say. `engineer`: whose own address it
    is. `group`: mails to addresses of different groups are different reports, though they are the same mail."""

    desk: str
    queue: str | None = None
    engineer: str | None = None
    group: int = 0


@dataclass(frozen=True, slots=True)
class MailDoor:
    """Where mail is taken besides `presa up --smtp`: `smtps` HOST:PORT with TLS from the first byte, `lmtp` HOST:PORT or
    unix:PATH. `relays` and `proxies`: addresses or networks. `certificate` and `key` both or neither."""

    hostname: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    smtps: str | None = None
    lmtp: str | None = None
    relays: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loops:
    """When mails are held as a suspected loop: so many in an hour on one ticket, or with the same words from senders that
    nobody verified."""

    mails_per_ticket: int = 10
    same_words: int = 10


def network(text: str) -> str:
    """An IP address or network, as it was written. Raises ValueError."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError("an IP address or network; write 192.0.2.7 or 192.0.2.0/24") from error
    return text


def own_address(text: str) -> str:
    """One of our addresses in its normal form, checked like every address that people enter. Raises ValueError."""
    address = normal.address(text)
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        why = " ".join(str(error).split())
        raise ValueError(f"an e-mail address; write it as name@domain ({why})") from error
    if address is None:
        raise ValueError("an e-mail address; write it as name@domain")
    return address


def _listening(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not host or not colon or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("HOST:PORT such as 0.0.0.0:465; write it so")
    return text


def _handed_over(text: str) -> str:
    return text if text.startswith(f"{UNIX}/") else _listening(text)


def _host(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text or not text:
        raise ValueError("the door's name in the DNS, such as mx.example.com; write that")
    return text


_Network = Annotated[str, AfterValidator(network)]
Own = Annotated[str, AfterValidator(own_address)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecipientModel(_Model):
    """One entry of `recipients`."""

    desk: str
    queue: str | None = None
    engineer: str | None = None


class MailDoorModel(_Model):
    """`smtp`."""

    hostname: Annotated[str, AfterValidator(_host)] | None = None
    certificate: str | None = None
    key: str | None = None
    smtps: Annotated[str, AfterValidator(_listening)] | None = None
    lmtp: Annotated[str, AfterValidator(_handed_over)] | None = None
    relays: list[_Network] = []
    proxies: list[_Network] = []


class LoopsModel(_Model):
    """`loops`."""

    mails_per_ticket: int = Field(default=10, ge=1)
    same_words: int = Field(default=10, ge=1)


Apart = Annotated[list[Own], Field(min_length=2)]


def mail_door(document: Document, written: MailDoorModel, problems: list[str]) -> MailDoor:
    """The section's values; what is wrong with it is added to `problems`. File names are beside presa.yaml."""
    if (written.certificate is None) != (written.key is None):
        found = "one of certificate and key"
        problems.append(document.problem(("smtp",), found, "both or neither", "name both files"))
    if written.smtps is not None and written.certificate is None:
        found = "smtps without a certificate"
        problems.append(document.problem(("smtp", "smtps"), found, "certificate and key", "name both files"))
    facts = written.model_dump(exclude={"certificate", "key", "relays", "proxies"})
    home = Path(document.path).parent
    return MailDoor(
        **facts,
        certificate=home / written.certificate if written.certificate else None,
        key=home / written.key if written.key else None,
        relays=tuple(written.relays),
        proxies=tuple(written.proxies),
    )


def recipients(
    document: Document, written: Mapping[str, RecipientModel], apart: Sequence[Sequence[str]], problems: list[str]
) -> Mapping[str, Recipient]:
    """Every address with the group that keeps it apart from those it is to be kept apart from."""
    groups: dict[str, int] = {}
    for place, addresses in enumerate(apart):
        for unknown in (one for one in addresses if one not in written):
            loc = ("apart", place)
            problems.append(document.problem(loc, unknown, "addresses of 'recipients'", "add it there, or remove it"))
    for address in written:
        foes = {other for pair in apart if address in pair for other in pair} - {address}
        taken = {groups[foe] for foe in foes if foe in groups}
        groups[address] = next(one for one in range(len(written)) if one not in taken)
    return {address: Recipient(r.desk, r.queue, r.engineer, groups[address]) for address, r in written.items()}


def unknown_names(document: Document, recipients: Mapping[str, Recipient], desks: Mapping[str, Desk]) -> Iterator[str]:
    """Desks, queues and engineers that are not there. Recipients are looked up as they were written, which is how the
    file's places are kept."""
    written = list(document.data["recipients"])
    for index, recipient in enumerate(recipients.values()):
        loc = ("recipients", written[index])
        desk = desks.get(recipient.desk)
        if desk is None:
            known = ", ".join(sorted(desks))
            yield document.problem((*loc, "desk"), f"desk {recipient.desk}", f"one of {known}", "correct the name")
            continue
        people = desk.on_call.people if desk.on_call else {}
        for kind, name, there in (("queue", recipient.queue, desk.queues), ("engineer", recipient.engineer, people)):
            if name is not None and name not in there:
                known = ", ".join(sorted(there)) or "none, for the desk has no on-call people"
                yield document.problem((*loc, kind), f"{kind} {name}", f"one of {known}", "correct the name")
