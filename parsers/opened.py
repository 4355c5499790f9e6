"""What is packed inside the parts, taken out: winmail.dat, opaque S/MIME, uuencoded files; encryption and PGP told.

The packed part stays an attachment; what comes out stands behind it with `inside` naming where it was. A mail that has
no readable body gets the one inside. Nothing is verified, decrypted or trusted here.
"""

import hashlib
import mimetypes
import re
from dataclasses import dataclass, replace

from parsers import bodies, cms, mime, tnef, transfer
from parsers.bodies import Bodies
from parsers.headers import line
from parsers.message import Attachment

DEPTH = 3  # envelopes within envelopes
MANY = 2_000  # attachments, with all that was inside
LARGEST = 60_000_000  # bytes taken out of one mail
_SMIME = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pkcs7-mime+enveloped"))
_SIGNED = frozenset(("application/pkcs7-signature", "application/x-pkcs7-signature"))
_UU = re.compile(r"^begin [0-7]{3,4} (\S[^\n]{0,200})\n(?=[!-`][^\n]{1,90}\n)", re.MULTILINE)
_ARMOUR = re.compile(r"^-----BEGIN PGP (SIGNED MESSAGE|MESSAGE)-----[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Opened:
    """The bodies with what was inside; `protection` is smime-signed, smime-encrypted, pgp-signed, pgp-encrypted or None."""

    bodies: Bodies
    protection: str | None


def all_of(body: Bodies, kind: str, depth: int = DEPTH) -> Opened:
    """Open what can be opened without a key; `kind` is the type of the whole mail."""
    protection = None
    for one in body.attachments:
        if len(body.attachments) > MANY:
            break
        if one.content_type in _SMIME and depth and _is_message(one):
            envelope = cms.unwrap(one.content)
            protection = f"smime-{envelope.kind}" if envelope.kind in ("signed", "encrypted") else protection
            if envelope.content is not None:
                inner = _entity(envelope.content, one.filename or "smime.p7m", depth - 1)
                protection = inner.protection or protection
                body = _added(body, inner.bodies, one)
        elif one.content_type in _SIGNED:
            protection = protection or "smime-signed"
        elif one.content_type == "application/pgp-encrypted" or kind == "multipart/encrypted":
            protection = "pgp-encrypted"
        elif one.content_type == "application/pgp-signature":
            protection = protection or "pgp-signed"
        elif tnef.is_one(one.content_type, one.filename, one.content):
            found = tnef.unpack(one.content)
            files = tuple(_file(each, one.filename or "winmail.dat") for each in found.files)
            body = _added(body, Bodies(found.text, found.html, files), one)
    if body.text:
        body, armour = _in_text(body, body.text)
        protection = protection or armour
    return Opened(body, protection)


def _is_message(one: Attachment) -> bool:
    """Not the signed documents (contratto.pdf.p7m) that Italian offices attach."""
    name = (one.filename or "").lower()
    return not name or name.endswith(".p7z") or name.count(".") <= 1


def _entity(content: bytes, name: str, depth: int) -> Opened:
    """Read a MIME entity that was inside an envelope."""
    parts = mime.walk(content)
    chosen = bodies.choose(content, parts)
    marked = tuple(replace(one, inside=name) for one in chosen.attachments)
    return all_of(Bodies(chosen.text, chosen.html, marked), parts[0].kind, depth)


def _added(body: Bodies, inner: Bodies, after: Attachment) -> Bodies:
    """Put the files behind their container, and the bodies in place of missing ones."""
    at = next(place for place, one in enumerate(body.attachments) if one is after) + 1
    room = LARGEST - sum(one.size for one in body.attachments if one.inside)
    files = inner.attachments if sum(one.size for one in inner.attachments) <= room else ()
    empty = not (body.text or "").strip() and not body.html
    return Bodies(
        (inner.text or body.text) if empty else body.text,
        (inner.html or body.html) if empty else body.html,
        (*body.attachments[:at], *files, *body.attachments[at:]),
    )


def _file(one: tnef.File, container: str) -> Attachment:
    kind = one.content_type if re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,100}", one.content_type) else ""
    guessed = kind or mimetypes.types_map.get("." + one.name.rpartition(".")[2].lower(), "application/octet-stream")
    digest = hashlib.sha256(one.content).hexdigest()
    name = line(one.name).rpartition("\\")[2] or None
    return Attachment(name, guessed, len(one.content), digest, one.content_id is not None, one.content_id,
                      one.content, container)  # fmt: skip


def _in_text(body: Bodies, text: str) -> tuple[Bodies, str | None]:
    """Files and armour written into the text itself; the text stays as it came."""
    files: list[Attachment] = []
    if "\nbegin " in text or text.startswith("begin "):
        end = 0
        for found in _UU.finditer(text):
            if found.start() < end:
                continue
            end = text.find("\nend", found.end() - 1)
            if end < 0 or len(files) >= 100:
                break
            packed = text[found.start() : end + 4].encode("latin-1", "replace")
            content = transfer.decode(packed, "x-uuencode")
            if content:
                files.append(_file(tnef.File(found.group(1).strip(), content), "text"))
    armour = _ARMOUR.search(text) if "-----BEGIN PGP " in text else None
    kind = None if armour is None else "pgp-signed" if armour.group(1) == "SIGNED MESSAGE" else "pgp-encrypted"
    return (Bodies(body.text, body.html, (*body.attachments, *files)) if files else body), kind


_SIGNED_TEXT = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Za-z-]{1,40}: [^\n]*\n)*[ \t]*\n", re.MULTILINE
)


def spoken(text: str) -> str:
    """Return a text without PGP armour (RFC 9580 7) and without uuencoded files: what a person reads."""
    if "-----BEGIN PGP " in text:
        text = _without(text, "-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----")
        text = _without(text, "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----")
        opened = _SIGNED_TEXT.search(text)
        if opened is not None:
            below = text[opened.end() :]
            below = below[2:] if below.startswith("- ") else below
            text = text[: opened.start()] + below.replace("\n- ", "\n")
    if "\nbegin " in text or text.startswith("begin "):
        at = 0
        kept: list[str] = []
        for found in _UU.finditer(text):
            if found.start() < at:
                continue
            end = text.find("\nend", found.end() - 1)
            if end < 0:
                break
            kept.append(text[at : found.start()])
            at = end + 4
        text = "".join([*kept, text[at:]])
    return text


def _without(text: str, opening: str, closing: str) -> str:
    """Drop what stands between the two lines, them included."""
    kept: list[str] = []
    at = 0
    while (start := text.find(opening, at)) >= 0 and (end := text.find(closing, start)) >= 0:
        kept.append(text[at:start])
        at = end + len(closing)
    return "".join([*kept, text[at:]])
