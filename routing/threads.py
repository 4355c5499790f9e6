"""Is it the same delivery again? Is it part of a conversation, and may its sender add to it?

Finding a ticket is one step, being allowed to join it another. A right token from somebody who is no verified party is
held: the token proves that the mail was seen, not who writes. Numbers quoted in a subject find nothing: they are no
secret. Refuses to compare texts; that is another question, asked after the promise.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from identity import rights
from identity.people import Recognition
from routing.tickets import Ticket

REOPEN_WITHIN = timedelta(days=14)  # later, an answer to a resolved ticket opens a new one that is linked to it

# What relays, filters and mailboxes put on top of a mail on its way: two deliveries of one mail differ in nothing else. Not
# what its author's side wrote: DKIM-Signature, List-*, X-Mailer and X-MS-Has-Attach are as much part of the mail as its Subject.
# Each with the line break before it, which is found much faster than the start of a line.
_TRACE = re.compile(
    rb"\n(?:received|x-received|return-path|delivered-to|x-delivered-to|x-original-to|envelope-to|x-envelope-[a-z]+|x-forwarded-[a-z]+"
    rb"|(?:x-|original-)?authentication-results(?:-original)?|(?:x-)?received-spf|arc-[a-z-]+|dkim-filter|x-google-smtp-source"
    rb"|x-gm-[a-z-]+|x-gmail-[a-z-]+|x-ms-exchange-[a-z-]+|x-ms-publictraffictype|x-ms-traffictypediagnostic"
    rb"|x-ms-office365-filtering-[a-z-]+|x-microsoft-antispam[a-z-]*|x-forefront-[a-z-]+|x-exchange-antispam-[a-z-]+"
    rb"|x-eop(?:tenant)?attributedmessage|x-spam[a-z0-9-]*|x-virus-[a-z-]+|x-amavis[a-z-]*|x-rspamd?-[a-z-]+|x-bogosity|x-sieve"
    rb"|x-proofpoint-[a-z-]+|x-barracuda-[a-z-]+|x-mimecast-[a-z-]+|x-ironport-[a-z-]+|x-mailscanner-[a-z-]+|x-tm-as-[a-z-]+"
    rb"|x-cmae-[a-z-]+|x-libvirus[a-z-]*|x-scanned-by"
    rb"|status|x-status|x-keywords|x-uid|x-uidl|x-imapbase|x-account-key|x-mozilla-[a-z0-9]+)"
    rb"[ \t]*:.*(?:\n[ \t].*)*",
    re.IGNORECASE,
)


_GAP = re.compile(rb"\n\r?\n")
PIECE = 1 << 20


def delivery_key(raw: bytes, *, identified: bool, received: datetime) -> str:
    """The idempotency key of a mail: its content without trace fields, whatever door it came by.

    Never the Message-ID alone: equal ids on different mails are different mails. A mail with neither Message-ID nor
    Date (`identified` False) says nothing about which delivery it is, so it is the same only within one UTC day.
    """
    gap = _GAP.search(raw)
    header = raw[: gap.start()].removesuffix(b"\r") if gap else raw
    digest = sha256((_TRACE.sub(b"", b"\n" + header.replace(b"\r\n", b"\n")) + b"\n")[1:])
    if gap:
        digest.update(b"\n\n")
        for piece in _pieces(raw, gap.end()):
            digest.update(piece.replace(b"\r\n", b"\n"))
    if not identified:
        digest.update(received.date().isoformat().encode())
    return digest.hexdigest()


def _pieces(raw: bytes, at: int) -> Iterator[bytes]:
    """A body without the line ends at its end, in pieces, for it may be large; none of them parts a CRLF."""
    end = len(raw)
    while end > at and raw[end - 1 : end] in (b"\r", b"\n"):
        block = raw[max(at, end - PIECE) : end]
        end -= len(block) - len(block.rstrip(b"\r\n"))
    while at < end:
        to = min(at + PIECE, end)
        to += raw[to - 1 : to + 1] == b"\r\n" and to < end
        yield raw[at:to]
        at = to


@dataclass(frozen=True, slots=True)
class Clues:
    """Where a mail points. `proven`: tickets whose own token it carries; `wrong`: it carries a token that is none of
    ours; `shared`: tickets that its references name without a token.
    """

    proven: tuple[int, ...] = ()
    wrong: bool = False
    shared: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Joining:
    """What becomes of a mail that points at a ticket. `verdict`: join, reopen, hold, follow-up (a new linked ticket) or
    new.
    """

    verdict: str
    ticket: Ticket | None
    evidence: tuple[str, ...]


def join(
    ticket: Ticket,
    who: Recognition,
    *,
    proven: bool,
    resolved_at: datetime | None,
    received: datetime,
    within: timedelta = REOPEN_WITHIN,
) -> Joining:
    """May this mail be added to the ticket it points at? `proven`: by the ticket's own token; `within`: how long after
    its resolution it is reopened."""
    how = "the ticket's own token" if proven else "references shared with its mails"
    if not rights.is_party(who, ticket.customer, (ticket.requester,) if ticket.requester else ()):
        if proven:
            return Joining(
                "hold", ticket, (f"thread: {ticket.number} by {how}, but the sender is no verified party to it",)
            )
        return Joining(
            "new",
            None,
            (f"thread: points at {ticket.number}, but the sender is no verified party to it: a ticket of its own",),
        )
    told = f"thread: {ticket.number} by {how}; the sender is a verified party to it"
    if ticket.state not in ("resolved", "closed"):
        return Joining("join", ticket, (told,))
    if resolved_at is None or received - resolved_at <= within:
        return Joining("reopen", ticket, (told, "reopened, within the window"))
    return Joining("follow-up", ticket, (told, f"resolved more than {within.days} days ago: a new ticket linked to it"))
