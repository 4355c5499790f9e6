"""A report that came by a portal or a web form, written as a mail: kept, shown, searched and run again like any other.

What was typed stands in the mail for people and, exactly, in one header of ours for `given_in`. That header counts only
in what a portal or form door kept: in a mail that came over the wire it is a line like any other. Refuses to believe
anything: what counts as proof is judged in `gateway.mail.author`.
"""

import base64
import json
import re
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from urllib.parse import quote

from parsers import Address, Message
from routing.desk import Channel, Kind

HEADER = "X-Presa-Given"
WORDS = 76  # octets of a line of base64
_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,80}", re.ASCII)
_CONTAINERS = ("multipart/", "message/")  # a file is a file: nothing is opened because of what it calls itself


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed or handed over. `vouched`: by whom, "" when it is only a claim. `code`: the customer's, as typed.

    `key`: under which the same report sent again is known, None for its content."""

    channel: Channel = "portal"
    subject: str = ""
    text: str = ""
    address: str | None = None
    name: str = ""
    phone: str | None = None
    code: str | None = None
    kind: Kind | None = None
    priority: str | None = None
    language: str | None = None
    product: str | None = None
    vouched: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with it."""

    filename: str
    content_type: str
    content: bytes


def as_mail(given: Given, recipient: str, files: Sequence[Upload] = ()) -> bytes:
    """The report as a mail. The same report gives the same bytes, so that one sent twice is known."""
    exact = json.dumps({**asdict(given), "key": None}, ensure_ascii=True, sort_keys=True).encode()
    header = [
        f"{HEADER}: " + "\r\n ".join(_base64(exact)),
        f"From: {_quoted(given.name)}<{_line(given.address or 'unknown@form.invalid')}>",
        f"To: <{_line(recipient)}>",
        f"Subject: {_line(given.subject)}",
        "MIME-Version: 1.0",
    ]
    text = "\r\n".join(given.text.splitlines())
    body = f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n".encode()
    head = "\r\n".join(header).encode("utf-8", "replace") + b"\r\n"
    if not files:
        return head + body
    mark = f"=_{sha256(b''.join((exact, *(one.content for one in files)))).hexdigest()[:32]}"
    parts = b"".join(f"--{mark}\r\n".encode() + part for part in (body, *(_file(one) for one in files)))
    return (
        head + f'Content-Type: multipart/mixed; boundary="{mark}"\r\n\r\n'.encode() + parts + f"--{mark}--\r\n".encode()
    )


def given_in(message: Message) -> Given | None:
    """What a kept report says was given; None for any other mail. Only for what a portal or form door kept."""
    text = message.header(HEADER)
    if text is None:
        return None
    try:
        return Given(**json.loads(base64.b64decode("".join(text.split()), validate=True)))
    except (Base64Error, ValueError, TypeError):
        return None


def as_written(message: Message, given: Given) -> Message:
    """The message as it was typed: nobody quotes, signs or answers automatically in a form."""
    address = given.address or ""
    return replace(
        message,
        froms=(Address(given.name, address),) if address or given.name else (),
        subject=given.subject,
        reply_text=given.text,
        reply_with_signature=given.text,
        is_bounce=False,
        failed_recipients=(),
        is_auto_reply=False,
        suppress_auto_response=False,
        automatic=None,
        language=given.language or message.language,
        error=None,
    )


def _file(one: Upload) -> bytes:
    kind = one.content_type.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(kind) or kind.startswith(_CONTAINERS):
        kind = "application/octet-stream"
    name = quote(_line(one.filename)[-150:] or "file", safe="")
    header = (
        f"Content-Type: {kind}\r\nContent-Disposition: attachment; filename*=UTF-8''{name}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return header.encode() + "\r\n".join(_base64(one.content)).encode() + b"\r\n"


def _base64(content: bytes) -> list[str]:
    text = base64.b64encode(content).decode()
    return [text[at : at + WORDS] for at in range(0, len(text), WORDS)]


def _line(text: str) -> str:
    """One line that no reader takes for a header's end or an encoded word."""
    return " ".join("".join(c if c.isprintable() else " " for c in text.replace("=?", "= ?")).split())[:500]


def _quoted(name: str) -> str:
    plain = _line(name).replace("\\", "").replace('"', "'")
    return f'"{plain}" ' if plain else ""
