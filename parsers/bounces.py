"""Which recipients a report says have failed: RFC 3464, Exim's header, flufl.bounce behind a guard, and plain words.

It is asked only about mail that already looks like a report (see `automatic`), so a customer who quotes an error
message is never taken for one. A report of delay names its recipients too; success and relay name none.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.policy import compat32

from flufl.bounce import all_failures

from parsers import addresses, encoded
from parsers.message import Attachment

MANY = 1_000
LONGEST = 400_000  # bytes of a report given to the detectors of others


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
    for group in re.split(r"\n(?:[ \t]*\n)+", text.strip("\n"))[:MANY]:
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
    value = value.strip().strip("<>").strip()
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


def guarded(raw: bytes) -> Report:
    """Ask flufl.bounce, which knows two dozen formats; any mishap of its own counts as no answer."""
    try:
        message = message_from_bytes(raw[:LONGEST], policy=compat32)
        delayed, failed = all_failures(message)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError):
        return Report("", ())
    for verdict, found in (("failed", failed), ("delayed", delayed)):
        listed = unique(address.decode("ascii", "replace") for address in sorted(found) if b"@" in address)
        if listed:
            return Report(verdict, listed)
    return Report("", ())


# The old mail begins: addresses from here on are not those that failed.
_COPY = re.compile(
    r"^[ \t>]*(?:[-=*_#+]{2,}[^\n]{0,40}(?:original|returned|copy of|undelivered|message (?:text|header)|header|"
    r"follows|unsent|ursprüng|"
    r"messaggio|forwarded|body)[^\n]*|(?:Return-Path|Received|Message-ID|MIME-Version|X-[A-Za-z-]+):[ \t][^\n]*|"
    r"(?:the |your )?original (?:message|mail)\b[^\n]{0,60}:?[ \t]*|message header follows[^\n]*|"
    r"[^\n]{0,40}copy of (?:the|your) (?:message|mail|"
    r"original)[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_ADDRESS = (
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\uffff-]{1,100}@"
    r"[A-Za-z0-9\u0080-\uffff](?:[A-Za-z0-9.\u0080-\uffff-]{0,200}[A-Za-z0-9\u0080-\uffff])?"
)
_NAMED = re.compile(
    rf"(?:^[ \t>*]*<({_ADDRESS})>(?:[ \t]*[:;,(]|[ \t]*$|[ \t]))"
    rf"|(?:RCPT TO:[ \t]*<?({_ADDRESS}))"
    rf"|(?:^[ \t*>-]*(?:mailto:)?[\"'\[(]?({_ADDRESS})[\"'\])]?[ \t]*(?:[:;,]|\(|$|-|\[|\.\.\.|on \d))"
    rf"|(?:(?:recipients?|address(?:es)?|user|mailbox|to|for|destinatari[oi]|empfänger|indirizzo|casella|"
    rf"destinataire)\b[^\n@]{{0,40}}?[<\"'\[(:\s]({_ADDRESS}))",
    re.IGNORECASE | re.MULTILINE,
)
_NOT_FOR = re.compile(
    r"postmaster@|mailer-daemon@|abuse@|please|contact|help|support@|from:|von:|da:|sender", re.IGNORECASE
)


def in_words(text: str, own: frozenset[str]) -> tuple[str, ...]:
    """Addresses that the words of a report call undelivered, before the copy of the old mail; `own` is who is told."""
    copy = _COPY.search(text)
    told = text[: copy.start() if copy else len(text)][:20_000]
    found: list[str] = []
    for named in _NAMED.finditer(told):
        address = next(group for group in named.groups() if group)
        begin = told.rfind("\n", 0, named.start(named.lastindex or 0)) + 1
        before = told[begin : named.start(named.lastindex or 0)]
        if address.lower() not in own and not _NOT_FOR.search(before[-80:]) and not _NOT_FOR.match(address):
            found.append(address)
    return unique(found)


def status_parts(attachments: Iterable[Attachment]) -> list[Attachment]:
    """The machine-readable parts of a report, also under the name RFC 6533 gives them."""
    return [
        one for one in attachments if one.content_type in ("message/delivery-status", "message/global-delivery-status")
    ]
