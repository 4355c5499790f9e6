"""Italian certified mail (PEC; DM 2 November 2005, technical rules): the envelope, and what is inside.

A provider wraps a certified mail into one of its own: From is the provider's, the real mail is `postacert.eml`, the facts
stand in `daticert.xml`. Receipts name the mail they receipt. Who may rely on any of that is for `identity` to say.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from html import unescape

from parsers.headers import Headers, one_id
from parsers.message import Address, Attachment, Certified, Message

LONGEST = 200_000  # bytes of daticert.xml that are read
_RECEIPTS = (
    "non-accettazione", "accettazione", "presa-in-carico", "avvenuta-consegna", "posta-certificata",
    "preavviso-errore-consegna", "errore-consegna", "rilevazione-virus",
)  # fmt: skip
_SENDER = re.compile(r"<mittente\b[^>]{0,200}>\s*([^<]{1,400}?)\s*</mittente>")
_SUBJECT = re.compile(r"<oggetto\b[^>]{0,200}>([^<]{0,2000})</oggetto>")
_ABOUT = re.compile(r"<msgid\b[^>]{0,200}>\s*([^<]{1,1000}?)\s*</msgid>")
_NUMBER = re.compile(r"<identificativo\b[^>]{0,200}>\s*([^<]{1,400}?)\s*</identificativo>")


def read(top: Headers, attachments: Iterable[Attachment], parse: Callable[[bytes], Message]) -> Certified | None:
    """Return what the certified envelope says; None for any other mail. `parse` reads the mail inside."""
    receipt = (top.raw("x-ricevuta") or "").strip().lower()
    transport = (top.raw("x-trasporto") or "").strip().lower()
    if not receipt and not transport:
        return None
    listed = tuple(attachments)
    facts = _facts(listed)
    inner = next((one for one in listed if one.content_type == "message/rfc822"), None)
    about = one_id(top.raw("x-riferimento-message-id")) or one_id(_first(_ABOUT, facts))
    if receipt:
        kind = "receipt"
        receipt = next((known for known in _RECEIPTS if receipt.startswith(known)), receipt[:60])
    else:
        kind = "transport" if transport.startswith("posta-certificata") else "anomaly"
    return Certified(
        kind=kind,
        receipt=receipt,
        about=about,
        sender=_first(_SENDER, facts),
        subject=_first(_SUBJECT, facts),
        number=_first(_NUMBER, facts),
        message=parse(inner.content) if inner is not None and kind != "receipt" else None,
    )


def opened(message: Message) -> Message:
    """The mail as its desk reads it: what stands inside a certified envelope, under the envelope's own headers and id.

    Any other mail, receipts too, is returned as it is. The ids of the mail inside are added to the references: whoever
    answers may name either. An envelope whose mail cannot be read speaks with the sender and subject of its certificate.
    """
    sealed = message.certified
    if sealed is None or sealed.kind == "receipt":
        return message
    inner, facts = sealed.message, replace(sealed, message=None)
    if inner is None or inner.error is not None:
        author = (Address("", sealed.sender),) if sealed.sender else message.froms
        return replace(message, froms=author, subject=sealed.subject or message.subject, certified=facts)
    ids = (*inner.references, sealed.about, inner.message_id)
    known = tuple(dict.fromkeys(one for one in ids if one and one != message.message_id))
    return replace(inner, headers=message.headers, message_id=message.message_id, references=known, certified=facts)


def _facts(attachments: Iterable[Attachment]) -> str:
    for one in attachments:
        if (one.filename or "").lower() == "daticert.xml":
            return one.content[:LONGEST].decode("utf-8", "replace").replace("\0", "\ufffd")
    return ""


def _first(pattern: re.Pattern[str], facts: str) -> str:
    found = pattern.search(facts)
    return unescape(found.group(1)).strip() if found else ""
