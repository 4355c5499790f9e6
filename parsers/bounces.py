"""Which recipients a report says have failed: RFC 3464, Exim's header, flufl.bounce behind a guard, and plain words.

It is asked only about mail that already looks like a report (see `automatic`), so a customer who quotes an error
message is never taken for one. A report of delay names its recipients too; success and relay name none.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message as EmailMessage
from email.policy import compat32
from email.utils import getaddresses

from flufl.bounce import all_failures

from parsers import addresses, encoded
from parsers.message import Attachment

MANY = 1_000
LONGEST = 200_000  # bytes of a report given to the detectors of others, some of which take time for each line
LINES = 3_000


@dataclass(frozen=True, slots=True)
class Report:
    """What a delivery report says: `verdict` is "failed", "delayed",
    "other" (success, relay) or "" (says nothing)."""

    verdict: str
    recipients: tuple[str, ...]


_FIELD = re.compile(r"^([A-Za-z][A-Za-z-]*)[ \t]*:[ \t]*([^\n]*(?:\n[ \t]+[^\n]+)*)", re.MULTILINE)
_ACTION = re.compile(r"fail|error|undeliver|dela|expand|relay|deliver|success|bounc|permanent|temp")
_TYPED = re.compile(r"^\s*[A-Za-z0-9-]+\s*;\s*(.*)$", re.DOTALL)


def delivery_status(content: bytes) -> Report:
    """Read a message/delivery-status part (RFC 3464 2.2, 2.3): groups of fields, one for each recipient."""
    text = content[:LONGEST].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    failed: list[str] = []
    delayed: list[str] = []
    other = False
    blocks = re.split(r"\n(?:[ \t]*\n)+", text.strip("\n"))[:MANY]
    for group in [one for block in blocks for one in _one_each(block)][: 2 * MANY]:
        fields = {name.lower(): " ".join(value.split()) for name, value in reversed(_FIELD.findall(group))}
        recipient = _recipient(fields)
        verdict = _verdict(fields)
        if not recipient and "action" not in fields:
            continue
        if verdict == "failed":
            failed.append(recipient)
        elif verdict == "delayed":
            delayed.append(recipient)
        else:
            other = True
    if failed:
        return Report("failed", unique(failed))
    return Report("delayed", unique(delayed)) if delayed else Report("other" if other else "", ())


_FINAL = re.compile(r"^Final-Recipient[ \t]*:", re.IGNORECASE | re.MULTILINE)
_ACT = re.compile(r"^Action[ \t]*:[^\n]*$", re.IGNORECASE | re.MULTILINE)


def _one_each(group: str) -> list[str]:
    """One group for each recipient, also where a mail system forgot the empty lines between them."""
    places = [found.start() for found in _FINAL.finditer(group)]
    if len(places) < 2:
        return [group]
    act = _ACT.search(group)
    said = "\n" + act.group() if act else ""
    ends = [*places[1:], len(group)]
    starts = [0, *places[1:]]
    return [group[start:end] + said for start, end in zip(starts, ends, strict=True)]


def _verdict(fields: dict[str, str]) -> str:
    """Failed, delayed or other, from Action; where it is missing or invented, from the class of Status (RFC 3463)."""
    action = fields.get("action", "").lower()
    word = _ACTION.search(action)
    if word is not None and word.group() in ("fail", "error", "undeliver", "bounc", "permanent"):
        return "failed"
    if word is not None and word.group() in ("dela", "temp"):
        return "delayed"
    if word is not None:
        return "other"
    return {"5": "failed", "4": "delayed"}.get(fields.get("status", "").strip()[:1], "other")


def _recipient(fields: dict[str, str]) -> str:
    """The address the sender wrote to: Original-Recipient, else Final-Recipient (RFC 3464 2.3.1, 2.3.2)."""
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        value = fields.get(name, "")
        typed = _TYPED.match(value)
        address = address_in(typed.group(1) if typed else value)
        if address:
            return address
    return ""


def address_in(value: str) -> str:
    """The one address in a field of a report; "" when there is none."""
    value = value.strip().strip('<>"').strip()
    if value.lower().startswith("rfc822;"):
        value = value[7:].strip()
    if "@" not in value:
        return ""
    listed = [one.addr for one in addresses.parse(encoded.words(value)) if "@" in one.addr]
    return _trim(listed[0]) if listed else ""


def _trim(address: str) -> str:
    return address.strip().strip("<>,;:\"'").rstrip(".")


def unique(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_trim(address) for address in found if address))[:MANY]


_LONG = re.compile(rb"([^\n]{600})[^\n]+")  # some patterns of the detectors are quadratic in a line


def _seven_bit(part: EmailMessage) -> None:
    """Make the headers ASCII: one other byte there and the detectors give up, loudly, before they read the body."""
    fields = part.items()
    if all(isinstance(value, str) for _, value in fields):
        return
    for name in part.keys():  # noqa: SIM118 - iterating a message is not iterating its names
        del part[name]
    for name, value in fields:
        part[name] = str(value).encode("ascii", "replace").decode("ascii").replace("\n", " ").replace("\r", " ")


def _shorten(part: EmailMessage) -> None:
    """Give the detectors the words as they read, not base64, in lines of bounded length."""
    content = part.get_payload(decode=True)
    if isinstance(content, bytes):
        del part["content-transfer-encoding"]
        part.set_payload(_LONG.sub(rb"\1", content).decode("latin-1"))


def guarded(raw: bytes) -> Report:
    """Ask flufl.bounce, which knows two dozen formats; any mishap of its own counts as no answer."""
    try:
        told = b"\n".join(raw[:LONGEST].split(b"\n", LINES)[:LINES])
        message = message_from_bytes(told, policy=compat32)
        for part in message.walk():
            _seven_bit(part)
            if part.get_content_maintype() == "text":
                _shorten(part)
        if not getaddresses([message.get("from", "")]):
            del message["from"]
            message["From"] = "unknown"
        delayed, failed = all_failures(message)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError):
        return Report("", ())
    for verdict, found in (("failed", failed), ("delayed", delayed)):
        listed = unique(address.decode("ascii", "replace") for address in sorted(found) if b"@" in address)
        if listed:
            return Report(verdict, listed)
    return Report("", ())


# The old mail begins: addresses from here on are not those that failed. A transcript of the session is no old mail.
_COPY = re.compile(
    r"^(?:[ \t>]*+[-=*_#+|]{2,}+(?![^\n]{0,40}(?:transcript|address|recipient|session|reason))[^\n]{0,40}"
    r"(?:original|returned|copy of|undelivered|message (?:text|header)|header|follows|unsent|ursprüng|"
    r"messaggio|forwarded|body)[^\n]*|>?(?:Return-Path|Received|Message-ID|MIME-Version|X-[A-Za-z-]+):[ \t]?[^\n]*|"
    r"[ \t>]*(?:the |your )?original (?:message|mail)\b(?! (?:was|has|sent|you|could|to)\b)[^\n]{0,60}:?[ \t]*|"
    r"[ \t>]*message header follows[^\n]*|[^\n]{0,40}copy of (?:the|your) (?:original|message|mail)[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_ADDRESS = (
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\uffff-]{1,100}@"
    r"[A-Za-z0-9\u0080-\uffff](?:[A-Za-z0-9.\u0080-\uffff-]{0,200}[A-Za-z0-9\u0080-\uffff])?"
)
_NAMED = re.compile(
    rf"(?:^[ \t>*]*+<({_ADDRESS})>(?:[ \t]*[:;,(]|[ \t]*$|[ \t]))"
    rf"|(?:RCPT TO:[ \t]*<?({_ADDRESS}))"
    rf"|(?:^[ \t>*]*+{_ADDRESS}[ \t]*<({_ADDRESS})>)"
    rf"|(?:^[ \t*>-]*+(?:mailto:)?[\"'\[(]?({_ADDRESS})[\"'\])]?[ \t]*(?:[:;,]|\(|$|-|\[|\.\.\.|on (?:\d|[A-Z][a-z]{{2}},)))"
    rf"|(?:(?:recipients?|address(?:es)?|user|mailbox|to|for|destinatari[oi]|empfänger|indirizzo|casella|"
    rf"destinataire)\b[^\n@]{{0,40}}?[<\"'\[(:\s]({_ADDRESS}))",
    re.IGNORECASE | re.MULTILINE,
)
_SOURCE = re.compile(rf"(?:generated|expanded|forwarded|aliased) from:? [<\"']?({_ADDRESS})", re.IGNORECASE)
_NOT_FOR = re.compile(
    r"postmaster@|mailer-daemon@|abuse@|please|contact|help|reached at|support@|from:|von:|da:|sender|reply to|reply-to|"
    r"message-?id|mail from|questions|visit|https?:",
    re.IGNORECASE,
)
_ANY = re.compile(rf"(?<![^\s<>\[(\"':;,]){_ADDRESS}")
_HIDDEN = re.compile(r"[*?]{2}|\.\.")


def in_words(text: str, own: frozenset[str]) -> tuple[str, ...]:
    """Addresses that the words of a report call undelivered, before the copy of the old mail; `own` is who is told.

    First those that stand where reports name their recipients, and only without any such one the others.
    """
    return named(text, own) or _not_own(_told(text), _ANY, own)


def named(text: str, own: frozenset[str]) -> tuple[str, ...]:
    """Only the addresses that stand where reports name their recipients."""
    return _not_own(_told(text), _NAMED, own)


def sources(text: str) -> frozenset[str]:
    """Lists and aliases that those who failed came from: `(generated from list@y)`."""
    return frozenset(found.group(1).lower() for found in _SOURCE.finditer(text[:20_000]))


def advised(text: str, address: str) -> bool:
    """Say whether the words name an address only as one to turn to."""
    told = _told(text)
    return address in told and not _not_own(told, re.compile(re.escape(address)), frozenset())


def _told(text: str) -> str:
    copy = _COPY.search(text[:20_000])
    return text[: copy.start() if copy else 20_000]


def _not_own(told: str, pattern: re.Pattern[str], own: frozenset[str]) -> tuple[str, ...]:
    found: list[str] = []
    for one in pattern.finditer(told):
        place = one.start(one.lastindex or 0)
        address = _trim(next((group for group in one.groups() if group), one.group()))
        before = told[told.rfind("\n", 0, place) + 1 : place]
        skip = _NOT_FOR.search(before[-80:]) or _NOT_FOR.match(address) or _HIDDEN.search(address)
        if address.lower() not in own and not skip:
            found.append(address)
    return unique(found)


_TO = re.compile(
    r"^[ \t>]{0,4}To[ \t]*:[ \t]*([^\n]{1,2000}(?:\n[ \t]+[^\n]{1,2000}){0,5})", re.IGNORECASE | re.MULTILINE
)


def returns_a_copy(text: str, attachments: Iterable[Attachment]) -> bool:
    """Say whether the mail that was not delivered comes along."""
    return any(one.content_type in _RETURNED for one in attachments) or _COPY.search(text[:20_000]) is not None


_RETURNED = frozenset(("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global"))


def in_original(text: str, attachments: Iterable[Attachment]) -> tuple[str, ...]:
    """To whom the returned mail was written, if to one address only: the last resort of a report that names nobody."""
    returned = [
        one.content[:100_000].decode("utf-8", "replace") for one in attachments if one.content_type in _RETURNED
    ]
    if len(returned) > 1:
        return ()
    copy = None if returned else _COPY.search(text[:20_000])
    written = _TO.search(returned[0] if returned else text[copy.start() : copy.start() + 100_000] if copy else "")
    listed = [one.addr for one in addresses.parse(written.group(1)) if "@" in one.addr] if written else []
    return unique(listed) if len(listed) == 1 else ()


def status_parts(attachments: Iterable[Attachment]) -> list[Attachment]:
    """The machine-readable parts of a report, also under the name RFC 6533 gives them."""
    return [
        one for one in attachments if one.content_type in ("message/delivery-status", "message/global-delivery-status")
    ]
