"""Who speaks in a report: the From of a mail, the person behind a listed web form, or what a portal says of its user.

A Reply-To names the author only in mails of a form that is listed and proven: any other responder could make us write
to whom it likes (CASES mail 21). What a portal or form says is a claim, unless the token that it comes with vouches for
it. Refuses to recognise a customer: that is `identity.match`.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from gateway.mail.forms import Given
from identity import certified, normal, sender
from identity.clues import Signs
from identity.people import Authentication
from identity.sender import Sender
from parsers import Message, unsealed
from routing.desk import Channel


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote, and what speaks for it. `automatic`: why no automatic answer may go back, None for a person."""

    sender: Sender
    proof: Authentication
    channel: Channel
    automatic: str | None
    reply_to: tuple[str, ...]
    given: Given = field(default_factory=Given)
    evidence: tuple[str, ...] = ()

    def signs(self, message: Message, staff: Collection[str] = ()) -> Signs:
        """What recognition looks at. `staff`: our own people, who may pass a customer's mail on."""
        passed_on = normal.address(message.forwarded.sender.addr) if message.forwarded else None
        return Signs(
            self.channel, self.sender.address, self.proof,
            phone=normal.phone(self.given.phone) if self.given.phone else None,
            keyed=normal.code_or_alias(self.given.code) if self.given.code else None,
            vouched=self.given.vouched, subject=message.subject or "", text=message.reply_text,
            name=message.from_.name if message.from_ else "", forwarded=passed_on, agent=self.sender.address in staff,
        )  # fmt: skip


def unwrapped(message: Message, proof: Authentication, providers: Collection[str]) -> tuple[Message, Authentication]:
    """A certified mail (PEC) out of its envelope, and what that proves of the sender inside; any other mail as it is.

    `proof`: of the envelope's own From. `providers`: domains whose envelopes vouch for the sender."""
    sealed = message.certified
    if sealed is None or sealed.kind == "receipt":
        return message, proof
    mail = unsealed(message)
    author, envelope = (normal.address(one.froms[0].addr) if len(one.froms) == 1 else None for one in (mail, message))
    transport = sealed.kind == "transport"
    return mail, certified.judge(author, sealed.sender, envelope, proof, providers, transport=transport)


def of_mail(
    message: Message, proof: Authentication, own: Collection[str], forms: Collection[str], *, null_sender: bool = False
) -> Author:
    """The author of a mail. `forms`: addresses of web forms whose Reply-To is believed, `own`: ours."""
    written = [value for name, value in message.headers if name == "from"]
    author = sender.judge([one.addr for one in message.froms], own, written)
    if proof.author and not author.held:
        author = sender.judge((proof.author,), own)
        reply_to: tuple[str, ...] = ()  # the list's doing
    else:
        reply_to = tuple(one.addr for one in message.reply_to)
    automatic = message.automatic or ("null-sender" if null_sender else None)
    if author.address is None or author.address not in forms or len(reply_to) != 1:
        return Author(author, proof, "mail", automatic, reply_to, evidence=_sent_by(message, author))
    person = sender.judge(reply_to, own)
    if not proof.passed or person.address is None:
        why = "its sender is not proven" if not proof.passed else "its Reply-To names nobody who can be answered"
        return Author(
            author, proof, "mail", automatic, reply_to, evidence=(f"form: {author.address} is a form, but {why}",)
        )
    told = f"form: {author.address} is a listed web form; {person.address} in its Reply-To wrote it, as a claim"
    claim = Authentication("none", "form", None, ("the address was typed into a web form: a claim, not proof",))
    # The form's own mail is automatic, the person behind it is not; a bounce or an auto-reply of it still is.
    machine = automatic if message.is_bounce or message.is_auto_reply else None
    return Author(person, claim, "mail", machine, (), evidence=(told,))


def _sent_by(message: Message, author: Sender) -> tuple[str, ...]:
    """Who pressed the button, when it was somebody else (RFC 5322 section 3.6.2): told, never taken for the author."""
    by = normal.address(message.sender.addr) if message.sender else None
    return (f"sender: {by} sent it for {author.address}",) if by and author.address and by != author.address else ()


def of_form(given: Given, own: Collection[str]) -> Author:
    """The author of a report that came by a portal or a web form; perhaps one without an address."""
    address = normal.address(given.address) if given.address else None
    held = sender.OWN if address is not None and sender.is_own(address, own) else None
    if given.vouched and address:
        proof = Authentication("pass", "token", normal.host(address), (f"{given.vouched} vouches for {address}",))
    else:
        proof = Authentication("none", "form", None, ("the address was typed into a form: a claim, not proof",))
    author = Sender(None if held else address, held, given.address)
    return Author(author, proof, given.channel, None, (), given)
