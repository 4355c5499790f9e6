"""What a portal or a web form typed: JSON, a form, or a form with files, read within bounds and checked field by field.

Everything that is wrong with a field is one line that names it. Refuses to look anybody up: what a field claims is
judged by the story of the report.
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from gateway.mail.forms import Given, Upload
from identity import normal
from routing.desk import Desk, Kind

SMALL = 1 << 16
MOST_FILES, MOST_FIELDS = 50, 50
LONGEST_TEXT, LONGEST_FIELD = 200_000, 500
ASK = {"WWW-Authenticate": 'Bearer realm="presa"'}
FIELDS: Mapping[str, str] = {
    "email": "the customer's address; answers go there",
    "name": "their name",
    "phone": "their number",
    "code": "their customer code",
    "subject": "one line; the text's first line when it is missing",
    "text": "what happened",
    "severity": "a priority of the desk, or 1 for its highest, 2 for the next, ...",
    "impact": "with urgency: the desk's own matrix, or high, medium, low",
    "urgency": "with impact",
    "kind": "incident, fulfilment, information, ...",
    "product": "what it is about, by the desk's name for it or the contract's",
    "language": "ISO 639-1; guessed from the text when it is missing",
    "recipient": "the desk's address; the first one when it is missing",
}
OURS = ("form", "expires", "signature", "idempotency_key")
_PLAIN = {"type": "string", "maxLength": LONGEST_FIELD}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["text"],
    "properties": {
        **{name: {**_PLAIN, "description": words} for name, words in FIELDS.items()},
        "text": {"type": "string", "maxLength": LONGEST_TEXT, "minLength": 1, "description": FIELDS["text"]},
    },
}
_FILES_IN_JSON = {
    "type": "array",
    "maxItems": MOST_FILES,
    "items": {
        "type": "object",
        "required": ["filename", "content"],
        "properties": {"filename": _PLAIN, "content_type": _PLAIN, "content": {"type": "string", "format": "byte"}},
    },
}
_FORM = {**_SCHEMA, "properties": {**_SCHEMA["properties"], **dict.fromkeys(OURS, _PLAIN)}}
_MULTIPART = {
    **_FORM,
    "properties": {**_FORM["properties"], "file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
}
_BODY = {
    "application/json": {"schema": {**_SCHEMA, "properties": {**_SCHEMA["properties"], "attachments": _FILES_IN_JSON}}},
    "application/x-www-form-urlencoded": {"schema": _FORM},
    "multipart/form-data": {"schema": _MULTIPART},
}
REPORT: dict[str, Any] = {
    "requestBody": {"required": True, "content": _BODY},
    "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}],
    "security": [{"bearer": []}, {}],
}
RAW: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"message/rfc822": {"schema": {"type": "string", "format": "binary"}}}},
    "parameters": [
        {"name": "recipient", "in": "query", "description": "an envelope recipient; may be repeated, or X-Envelope-To",
         "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "sender", "in": "query", "description": "the envelope sender, empty for the null sender; or X-Envelope-From",
         "schema": {"type": "string"}},
        {"name": "client", "in": "query", "description": "the IP address that the mail came from, for SPF",
         "schema": {"type": "string"}},
        {"name": "helo", "in": "query", "schema": {"type": "string"}},
    ],
    "security": [{"bearer": []}],
}  # fmt: skip


class Refused(Exception):
    """The request can't be had; the words are for whoever sent it."""

    def __init__(self, status: int, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.status, self.words, self.headers = status, words, headers


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields as they came, and the files."""

    fields: Mapping[str, str]
    files: tuple[Upload, ...] = field(default=(), repr=False)

    def get(self, name: str) -> str:
        return self.fields.get(name, "")


def token_text(authorization: str) -> str:
    """The token of `Authorization`: Bearer, or the password of Basic for senders that know no other way; "" for none."""
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode("ascii").partition(":")[2]
    except ValueError:
        return ""


async def read(request: Request, pieces: AsyncIterator[bytes], most: int) -> Typed:
    """The typed fields, whatever they are wrapped in. Raises Refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _clean(*await _multipart(request, pieces, most))
    if kind == "application/json":
        return _clean(*_json(b"".join([piece async for piece in pieces])))
    if kind == "application/x-www-form-urlencoded":
        body = b"".join([piece async for piece in pieces])
        try:
            return _clean(dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)), ())
        except ValueError:
            raise Refused(400, "the form can't be read; send it as application/x-www-form-urlencoded") from None
    raise Refused(415, "send application/json, application/x-www-form-urlencoded or multipart/form-data")


async def _multipart(
    request: Request, pieces: AsyncIterator[bytes], most: int
) -> tuple[Mapping[str, str], tuple[Upload, ...]]:
    parser = MultiPartParser(
        request.headers, _generator(pieces), max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=most
    )
    try:
        form = await parser.parse()
    except MultiPartException as trouble:
        raise Refused(400, f"the form can't be read: {trouble.message[:100]}") from None
    except KeyError:
        raise Refused(400, "the form can't be read: it names no boundary") from None
    fields, files = {}, []
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            fields[name] = value
        elif value.filename or value.size:
            files.append(Upload(value.filename or "file", value.content_type or "", value.file.read()))
    await form.close()
    return fields, tuple(files)


async def _generator(pieces: AsyncIterator[bytes]) -> Any:
    async for piece in pieces:
        yield piece


def _json(body: bytes) -> tuple[Mapping[str, str], tuple[Upload, ...]]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON; send one object") from None
    if not isinstance(found, dict):
        raise Refused(400, "the body is no JSON object; send one")
    files = found.pop("attachments", None) or []
    if not isinstance(files, list) or len(files) > MOST_FILES:
        raise Refused(422, f"attachments: not a list of at most {MOST_FILES} files")
    for name, value in found.items():
        if value is not None and not isinstance(value, str | int):
            raise Refused(422, f"{str(name)[:50]}: not a text; send a string")
    fields = {str(name): str(value) for name, value in found.items() if value is not None}
    return fields, tuple(_upload(one) for one in files)


def _upload(one: object) -> Upload:
    try:
        assert isinstance(one, dict)
        content = base64.b64decode(one["content"], validate=True)
        return Upload(str(one["filename"]), str(one.get("content_type") or ""), content)
    except (AssertionError, KeyError, TypeError, ValueError):
        raise Refused(422, "attachments: each needs a filename and its content in base64") from None


def typed(fields: Mapping[str, str]) -> Typed:
    """Fields that were read elsewhere, within the same bounds. Raises Refused."""
    return _clean(fields, ())


def _clean(fields: Mapping[str, str], files: tuple[Upload, ...]) -> Typed:
    unknown = [name for name in fields if name not in FIELDS and name not in OURS]
    if unknown:
        raise Refused(422, f"{unknown[0][:50]}: no field of a report; the fields are {', '.join(FIELDS)}")
    clean = {}
    for name, value in fields.items():
        longest = LONGEST_TEXT if name == "text" else LONGEST_FIELD
        if len(value) > longest:
            raise Refused(422, f"{name}: longer than {longest} characters; shorten it or send a file")
        text = value.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").encode("utf-8", "replace").decode()
        clean[name] = text.strip() if name == "text" else " ".join(text.split())
    return Typed(clean, files)


def given(typed: Typed, desk: Desk, vouched: str) -> Given:
    """What the fields say, each of them usable. Raises Refused that names the field."""
    text, email, phone, code = (typed.get(name) for name in ("text", "email", "phone", "code"))
    if not text:
        raise Refused(422, "text: missing; say what happened")
    if not (email or phone or code):
        raise Refused(422, "email, phone and code are all missing; say who it is from by one of them")
    if email and normal.address(email) is None:
        raise Refused(422, "email: not an address; write it as name@domain")
    if phone and normal.phone(phone) is None:
        raise Refused(422, "phone: not a number; write it as +39 06 1234567")
    subject = typed.get("subject") or text.split("\n", 1)[0][:100]
    return Given(
        "portal", subject, text, address=email or None, name=typed.get("name"), phone=normal.phone(phone) if phone else None,
        code=code or None, kind=_kind(typed, desk), priority=_priority(typed, desk),
        language=typed.get("language")[:2].lower() or None, product=typed.get("product") or None, vouched=vouched,
    )  # fmt: skip


def _kind(typed: Typed, desk: Desk) -> Kind | None:
    wanted = typed.get("kind").lower()
    for kind in get_args(Kind):
        if kind == wanted and kind in desk.kinds:
            return kind  # type: ignore[no-any-return]
    if wanted:
        raise Refused(422, f"kind: {wanted[:50]} is none of this desk's; use one of {', '.join(desk.kinds)}")
    return None


def _priority(typed: Typed, desk: Desk) -> str | None:
    """By severity, else by impact and urgency; None leaves it to the desk's words."""
    severity, impact, urgency = (typed.get(name).lower() for name in ("severity", "impact", "urgency"))
    ranks = list(desk.priorities)
    if severity:
        if severity.isdecimal() and severity.isascii() and 1 <= int(severity[:3]) <= len(ranks):
            return ranks[int(severity) - 1]
        for rank in ranks:
            if severity in (rank.lower(), *(label.lower() for label in desk.priorities[rank].values())):
                return rank
        raise Refused(422, f"severity: {severity[:50]} is none of this desk's; use one of {', '.join(ranks)}")
    if not impact and not urgency:
        return None
    own = {(row.lower(), column.lower()): priority for (row, column), priority in desk.matrix.items()}
    if (impact, urgency) in own:
        return own[impact, urgency]
    usual = {"high": 0, "medium": 1, "low": 2}
    if own or impact not in usual or urgency not in usual:
        pairs = sorted({row for row, _ in own} or usual), sorted({column for _, column in own} or usual)
        raise Refused(422, f"impact and urgency: use {', '.join(pairs[0])} and {', '.join(pairs[1])}, both of them")
    return ranks[min(usual[impact] + usual[urgency], len(ranks) - 1)]
