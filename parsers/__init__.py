"""Mail bytes to facts, pure: no network, clock, files or database, and no opinion about who the sender really is.

`parse` never raises and is linear in its input; `as_json` is what `presa parse` prints.
"""

from parsers import addresses, automatic, bodies, headers, hypertext, language, mime, replies
from parsers.headers import Headers
from parsers.message import Address, Attachment, Message, as_json

__all__ = ["Address", "Attachment", "Message", "as_json", "parse"]


def parse(raw: bytes) -> Message:
    """Return what the mail in `raw` says.

    Whatever the bytes are, this returns: what can't be read is left out, and only if nothing could be said at all
    does `error` tell so. Bounds: 100 levels, 1,000 parts, 1,000 addresses a header, 2,000 header lines a part.
    """
    if not raw.strip():
        return Message(error="the message is empty")
    try:
        return _read(raw)
    except Exception as problem:  # the door of the package: a mail that upsets us is still a mail
        return Message(error=f"the message could not be read ({type(problem).__name__})")


def _read(raw: bytes) -> Message:
    parts = mime.walk(raw)
    top = parts[0].headers
    body = bodies.choose(raw, parts)
    froms = _listed(top, "from")
    to = _named(top, "to")
    subject = top.text("subject")
    reply = _reply(body)
    facts = automatic.Facts(raw, top, parts[0].kind, froms, to, subject or "", _words(body), body.attachments)
    verdict = automatic.judge(facts)
    answered = headers.ids(top.raw("in-reply-to"))
    return Message(
        headers=top.items(),
        froms=froms,
        sender=next(iter(_listed(top, "sender")), None),
        reply_to=_named(top, "reply-to"),
        to=to,
        cc=_named(top, "cc"),
        subject=subject,
        message_id=headers.one_id(top.raw("message-id")),
        in_reply_to=answered[0] if answered else None,
        references=headers.ids(" ".join(top.all("references"))),
        date=headers.date(top.raw("date")),
        text=body.text,
        html=body.html,
        attachments=body.attachments,
        reply_text=reply.text,
        reply_with_signature=reply.with_signature,
        is_bounce=verdict.is_bounce,
        failed_recipients=verdict.failed_recipients,
        is_auto_reply=verdict.is_auto_reply,
        suppress_auto_response=verdict.reason is not None,
        automatic=verdict.reason,
        language=language.guess(reply.text or subject or ""),
    )


def _listed(top: Headers, name: str) -> tuple[Address, ...]:
    """Every address of every header of that name, also a bare name; the same one twice is one."""
    found = (one for value in top.all(name) for one in addresses.parse(value))
    return tuple(dict.fromkeys(found))[: addresses.MANY]


def _named(top: Headers, name: str) -> tuple[Address, ...]:
    """The recipients of a header: those without any address are left out."""
    return tuple(one for one in (addr for value in top.all(name) for addr in addresses.parse(value)) if one.addr)[
        : addresses.MANY
    ]


def _words(body: bodies.Bodies) -> str:
    """What the mail says in words, from whichever body there is."""
    if body.text and body.text.strip():
        return body.text
    return hypertext.to_text(body.html) if body.html else ""


def _reply(body: bodies.Bodies) -> replies.Reply:
    if body.text and body.text.strip():
        return replies.cut(body.text)
    if not body.html:
        return replies.Reply("", "")
    whole = replies.cut(hypertext.to_text(body.html, quotes=False))
    if not whole.with_signature:  # everything is marked as a quote: a forwarded mail
        whole = replies.cut(hypertext.to_text(body.html))
    bare = replies.cut(hypertext.to_text(body.html, quotes=False, signature=False))
    return replies.Reply(bare.text or whole.text, whole.with_signature)
