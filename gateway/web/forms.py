"""Forms that come in and files that go out, each with its limits.

A form is `application/x-www-form-urlencoded`, a megabyte at the most. A file goes out as a download that no browser
shows or runs, under the name it came with only as a harmless label.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import Permanent
from gateway.web import sessions
from gateway.web.labels import mark as _
from gateway.web.rendering import FILE_POLICY, secured
from gateway.web.views import File

FORM_BYTES = 1_000_000
FORM_FIELDS = 120  # a hundred mails may be ticked at once
LONGEST_TEXT = 200_000

# What an action can't do without, and what is said when it is missing.
REQUIRED: Mapping[str, tuple[str, str]] = {
    "answer": ("text", _("Write the answer first.")),
    "note": ("text", _("Write the note first.")),
    "pause": ("reason", _("Say why the clock is paused: whom are we waiting for?")),
    "priority": ("priority", _("Choose the new priority.")),
    "escalate": ("to", _("Choose who takes over.")),
    "resolve": ("text", _("Say what solved it.")),
    "contract": ("plan", _("Choose the plan.")),
    "plan": ("text", _("Write the action plan first.")),
    "news": ("text", _("Write what the customer was told.")),
    "assign": ("customer", _("Say whose report it is.")),
    "move": ("to", _("Choose the next stage.")),
}


class Unreadable(Exception):
    """The form can't be read; `status` and the words are the answer."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


async def read(request: Request) -> Mapping[str, str]:
    """The fields of a posted form; of a field sent twice the last one. Raises Unreadable."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise Unreadable(415, _("A form was expected."))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            raise Unreadable(413, _("The form is too large."))
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FORM_FIELDS)
    except (ValueError, UnicodeDecodeError):
        raise Unreadable(400, _("The form can't be read.")) from None
    # Browsers send line ends as CRLF; texts are kept with LF. NUL has no place in any of them.
    return {name: value.replace("\r\n", "\n").replace("\0", "") for name, value in fields}


def is_ours(request: Request, token: str, form: Mapping[str, str]) -> bool:
    """Whether a form was made for this session. Browsers say where a request comes from, but the token decides."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    return bool(token) and sessions.form_token_is_right(token, form.get("csrf", ""))


def check(action: str, fields: Mapping[str, str]) -> None:
    """Raises Permanent when the action lacks something, before anything is asked of the store."""
    name, words = REQUIRED.get(action, ("", ""))
    if name and not fields.get(name):
        raise Permanent(words)
    if any(len(value) > LONGEST_TEXT for value in fields.values()):
        raise Permanent(_("The text is too long: 200,000 characters at the most."))


def once(form: Mapping[str, str]) -> str:
    """A key of what was sent: the same form with the same words again has the same key, other words another one.

    The words count because a page fetched back from the browser's history brings its old `once` with a new text."""
    parts = sorted(f"{name}={value}" for name, value in form.items())
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def download(file: File | None, content_type: str) -> Response:
    """The file as a download (RFC 6266); 404 when there is none. The type it claims is never repeated."""
    if file is None:
        return secured(Response("There is no such file.", status_code=404, media_type="text/plain"))
    headers = {"Content-Disposition": disposition(file.filename)}
    return secured(Response(file.content, media_type=content_type, headers=headers), FILE_POLICY)


def disposition(filename: str) -> str:
    """`attachment` with a name that holds no path, no control and no character that turns the text around."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if c.isprintable() and c not in '"<>|?*:').strip(" .")[:150] or "file"
    plain = "".join(c if c.isascii() else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
