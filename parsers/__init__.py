"""Mail bytes to facts, pure: no network, clock, files or database, and no opinion about who the sender really is.

`parse` never raises and is linear in its input; `as_json` is what `presa parse` prints.
"""

from parsers import (
    addresses,
    automatic,
    bodies,
    forwards,
    headers,
    hypertext,
    invites,
    language,
    mime,
    opened,
    pec,
    replies,
)
from parsers.headers import Headers
from parsers.message import Address, Attachment, Certified, Forwarded, Invite, Message, as_json
from parsers.pec import opened as unsealed

__all__ = ["Address", "Attachment", "Certified", "Forwarded", "Invite", "Message", "as_json", "parse", "unsealed"]


def parse(raw: bytes) -> Message:
    """Return what the mail in `raw` says.

    Whatever the bytes are, this returns: what can't be read is left out, and only if nothing could be said at all
    does `error` tell so. Bounds: 100 levels, 1,000 parts, 1,000 addresses a header, 2,000 header lines a part.
    """
    if not raw.strip():
        return Message(error="the message is empty")
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")  # an old Macintosh wrote it: with no LF anywhere, CR cannot be a second meaning
    try:
        return _read(raw)
    except Exception as problem:  # the door of the package: a mail that upsets us is still a mail
        return Message(error=f"the message could not be read ({type(problem).__name__})")


def _read(raw: bytes, *, inside: bool = False) -> Message:
    """Read a mail; `inside` is the one within a certified envelope, which opens no further one."""
    parts = mime.walk(raw)
    top = parts[0].headers
    body, protection = _opened(bodies.choose(raw, parts), parts[0].kind)
    froms = _listed(top, "from")
    to = _named(top, "to")
    subject = top.text("subject")
    invited = invites.read(body.attachments) if body.attachments else ()
    said = _words(body)
    words = said.whole
    reply = _reply(said, froms) if words else _asked(invited)
    facts = automatic.Facts(raw, top, parts[0].kind, froms, to, subject or "", words, body.attachments)
    verdict = automatic.judge(facts)
    certified = "x-trasporto" in top or "x-ricevuta" in top
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
        protection=protection,
        forwarded=None if certified else _forwarded(subject or "", words, reply, body, verdict),
        certified=None if inside or not certified else pec.read(top, body.attachments, _inner),
        invites=invited,
    )


def _opened(body: bodies.Bodies, kind: str) -> tuple[bodies.Bodies, str | None]:
    """Look inside only where something may be inside: most mails have no attachment and no armour."""
    if not body.attachments and "begin " not in (text := body.text or "") and "-----BEGIN PGP" not in text:
        return body, None
    found = opened.all_of(body, kind)
    return found.bodies, found.protection


def _inner(raw: bytes) -> Message:
    try:
        return _read(raw, inside=True)
    except Exception as problem:  # as in `parse`: the envelope is still good
        return Message(error=f"the message inside could not be read ({type(problem).__name__})")


def _forwarded(
    subject: str, words: str, reply: replies.Reply, body: bodies.Bodies, verdict: automatic.Verdict
) -> Forwarded | None:
    """Only a person passes mail on: what reports and receipts carry is their subject, not a forward."""
    if verdict.is_bounce or verdict.is_auto_reply or verdict.reason in ("receipt", "report", "pec-receipt"):
        return None
    if not body.text and forwards.passes_on(subject):
        reply = replies.cut(words)  # the marks of HTML have taken the old header lines away
    if not body.attachments and reply.passed_on is None:
        return None
    return forwards.find(subject, words, reply, body.attachments)


def _asked(invited: tuple[Invite, ...]) -> replies.Reply:
    """An invitation without a word says what it asks."""
    said = "\n".join(one.summary for one in invited)
    return replies.Reply(said, said)


def _listed(top: Headers, name: str) -> tuple[Address, ...]:
    """Every address of every header of that name, also a bare name; the same one twice stays two."""
    found = (one for value in top.all(name) for one in addresses.parse(value))
    return tuple(found)[: addresses.MANY]


def _named(top: Headers, name: str) -> tuple[Address, ...]:
    """The recipients of a header: those without any address are left out."""
    return tuple(one for one in (addr for value in top.all(name) for addr in addresses.parse(value)) if one.addr)[
        : addresses.MANY
    ]


def _words(body: bodies.Bodies) -> hypertext.Views:
    """What the mail says in words, from whichever body there is."""
    if body.html and not (body.text and body.text.strip()):
        return hypertext.views(body.html)
    spoken = opened.spoken(body.text or "")
    return hypertext.Views(spoken, spoken, spoken)


def _reply(said: hypertext.Views, froms: tuple[Address, ...]) -> replies.Reply:
    """What the author newly wrote; where all of a page is marked as a quote, it is a forwarded mail."""
    author = (froms[0].name or froms[0].addr.partition("@")[0]) if froms else ""
    own = replies.cut(said.own, author)
    if not own.with_signature and said.own != said.whole:
        own = replies.cut(said.whole, author)
    if said.bare == said.own:
        return own
    return replies.Reply(replies.cut(said.bare, author).text or own.text, own.with_signature)
