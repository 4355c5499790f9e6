"""The values of the package: what a mail says, frozen. No reading and no judging happens here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox as written: `name` decoded and for people only, `addr` exact ("" when only a name was given)."""

    name: str
    addr: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """One part that is not the body. `content` is decoded from its transfer encoding; `size` counts its bytes.

    `inside` names the container (winmail.dat, smime.p7m, "text" for uuencode) that it was taken out of; the container
    itself stays an attachment.
    """

    filename: str | None
    content_type: str
    size: int
    sha256: str
    inline: bool
    content_id: str | None
    content: bytes = field(repr=False)
    inside: str | None = None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Who wrote the mail that is passed on, with the words that say so: an offer, never proof."""

    sender: Address
    subject: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Invite:
    """One event of a calendar part; times as the organiser wrote them, "" where nothing is said."""

    method: str
    subject: str
    starts: str
    ends: str
    where: str
    organiser: str

    @property
    def summary(self) -> str:
        """One line for people."""
        when = " - ".join(one for one in (self.starts, self.ends) if one)
        return ", ".join(one for one in (self.subject, when, self.where, self.organiser) if one)


@dataclass(frozen=True, slots=True)
class Certified:
    """The envelope of Italian certified mail (PEC).

    `kind` is transport (a certified mail, `message` is the real one), anomaly (a mail from outside that the provider
    wrapped) or receipt (`receipt` is its X-Ricevuta). `about` is the id of the mail this is about; `sender` and
    `subject` are those of daticert.xml, `number` the provider's own.
    """

    kind: str
    receipt: str
    about: str | None
    sender: str
    subject: str
    number: str
    message: "Message | None" = None


@dataclass(frozen=True, slots=True)
class Message:
    """The facts of one mail. Ids carry no angle brackets; `date` is the sender's claim, in UTC.

    `froms` holds every address of every From header: anything but exactly one is an ambiguous sender.
    `automatic` is the reason code why nothing may be answered automatically (see `automatic.RULES`), or None.
    `protection` is smime-signed, smime-encrypted, pgp-signed, pgp-encrypted or None: told, not verified.
    """

    headers: tuple[tuple[str, str], ...] = ()
    froms: tuple[Address, ...] = ()
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str | None = None
    message_id: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    date: datetime | None = None
    text: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    reply_text: str = ""
    reply_with_signature: str = ""
    is_bounce: bool = False
    failed_recipients: tuple[str, ...] = ()
    is_auto_reply: bool = False
    suppress_auto_response: bool = False
    automatic: str | None = None
    language: str | None = None
    protection: str | None = None
    forwarded: Forwarded | None = None
    certified: Certified | None = None
    invites: tuple[Invite, ...] = ()
    error: str | None = None

    @property
    def from_(self) -> Address | None:
        return self.froms[0] if self.froms else None

    def header(self, name: str) -> str | None:
        """Return the first raw value of that header, encoded words undecoded."""
        wanted = name.lower()
        return next((value for found, value in self.headers if found == wanted), None)


def _address(address: Address) -> Mapping[str, str]:
    return {"name": address.name, "addr": address.addr}


def _attachment(one: Attachment) -> dict[str, object]:
    return {
        "filename": one.filename, "content_type": one.content_type, "size": one.size, "sha256": one.sha256,
        "inline": one.inline,
    }  # fmt: skip


def as_json(message: Message) -> dict[str, object]:
    """Return what `presa parse` prints (DESIGN section 6); `error` is there only when nothing could be said.

    `attachments` are the parts of the mail; what was packed inside them stands in `unpacked`.
    What only some mails have (`unpacked`, `protection`, `forwarded`, `certified`, `invites`) is printed only where it is.
    """
    out: dict[str, object] = {
        "from": _address(message.from_) if message.from_ else None,
        "to": [_address(one) for one in message.to],
        "cc": [_address(one) for one in message.cc],
        "subject": message.subject,
        "message_id": message.message_id,
        "in_reply_to": message.in_reply_to,
        "references": list(message.references),
        "text": message.text,
        "html": message.html,
        "attachments": [
            _attachment(one) for one in message.attachments if not one.inside
        ],
        "reply_text": message.reply_text,
        "reply_with_signature": message.reply_with_signature,
        "is_bounce": message.is_bounce,
        "failed_recipients": list(message.failed_recipients),
        "is_auto_reply": message.is_auto_reply,
        "suppress_auto_response": message.suppress_auto_response,
    }  # fmt: skip
    out.update(_rare(message))
    return out


def _rare(message: Message) -> dict[str, object]:
    """What only some mails have."""
    out: dict[str, object] = {}
    unpacked = [{**_attachment(one), "inside": one.inside} for one in message.attachments if one.inside]
    if unpacked:
        out["unpacked"] = unpacked
    if message.protection:
        out["protection"] = message.protection
    if message.forwarded:
        one = message.forwarded
        out["forwarded"] = {"sender": _address(one.sender), "subject": one.subject, "evidence": one.evidence}
    if message.certified:
        sealed = message.certified
        inner = sealed.message
        out["certified"] = {
            "kind": sealed.kind, "receipt": sealed.receipt, "about": sealed.about, "sender": sealed.sender,
            "subject": sealed.subject, "number": sealed.number, "message": as_json(inner) if inner else None,
        }  # fmt: skip
    if message.invites:
        names = ("method", "subject", "starts", "ends", "where", "organiser")
        out["invites"] = [{name: getattr(invite, name) for name in names} for invite in message.invites]
    if message.error is not None:
        out["error"] = message.error
    return out
