"""The pages of held mails: the list, one mail with all that it says, and what somebody decides about one or many.

A held mail is a stranger's: its text is text, its HTML is sanitised and framed as a ticket's is, nothing of it is fetched.
This module refuses to decide and to hold SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import quote, urlencode

from starlette.responses import Response

from gateway.errors import Permanent
from gateway.web import forms, mailbody, rendering, views
from gateway.web.labels import mark as _
from gateway.web.rendering import redirect
from gateway.web.views import Attachment, File
from gateway.web.visits import MAY_NOT, ROWS, Draw, Handler, Refused, Visit, offset

SHOWN_ERRORS = 10  # of a bulk decision
DONE = {
    "new": _("Released as new tickets: %(n)s"),
    "onto": _("Added to the ticket: %(n)s"),
    "spam": _("Called spam: %(n)s"),
}


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One held mail. `words` say the reason to people."""

    id: str
    at: datetime
    sender: str
    subject: str
    reason: str
    words: str
    old: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """One decision in the story of a mail. `did`: new, onto, spam or own."""

    at: datetime
    by: str
    did: str


@dataclass(frozen=True, slots=True)
class HeldPage:
    """One mail and all that is known of it. `waiting`: somebody may still decide."""

    row: HeldRow
    waiting: bool
    outcome: str
    ticket: str
    to: str
    cc: str
    envelope_from: str
    peer: str
    message_id: str
    text: str
    has_html: bool
    has_raw: bool
    size: int
    attachments: tuple[Attachment, ...] = ()
    evidence: tuple[str, ...] = ()
    story: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a bulk decision: the tickets' numbers ("" for spam), and why the others could not be."""

    numbers: tuple[str, ...]
    problems: tuple[str, ...] = ()


class HeldMails(Protocol):
    """What these pages need of the rest of Presa; all of it may block."""

    def count(self) -> int:
        """How many mails are held."""

    def example(self) -> str:
        """What a ticket's number looks like here."""

    def rows(self, limit: int, offset: int, *, spam: bool) -> tuple[HeldRow, ...]:
        """The held mails, who waits longest first; with `spam` those called spam, newest first."""

    def page(self, report: str) -> HeldPage | None:
        """One mail of the ledger."""

    def html(self, report: str) -> tuple[str, tuple[Attachment, ...]] | None:
        """Its HTML body as it came, and its attachments."""

    def raw(self, report: str) -> File | None:
        """Its bytes."""

    def file(self, report: str, file: str) -> File | None:
        """One of its attachments."""

    def release(self, reports: Sequence[str], how: str, ticket: str, by: str) -> Decided:
        """Decide about several mails, each in its own transaction. `how`: new, onto (that ticket) or spam."""

    def own(self, number: str, entry: str, by: str) -> str:
        """A mail that was added to a ticket becomes a ticket of its own; returns its number. Raises Permanent."""

    def separate(self, report: str, by: str) -> str:
        """The same of a line of the ledger, also of a mail that came again."""


class HeldPages:
    """The handlers of these pages."""

    def __init__(self, held: HeldMails, draw: Draw, drawn: rendering.Pages) -> None:
        self._held = held
        self._draw = draw
        self._drawn = drawn

    def pages(self) -> Iterable[tuple[str, Handler]]:
        return (
            ("/held", self.list),
            ("/held/{report}", self.mail),
            ("/held/{report}/html", self.html),
            ("/held/{report}/raw", self.raw),
            ("/held/{report}/files/{file}", self.file),
        )

    def posts(self) -> Iterable[tuple[str, Handler]]:
        return (
            ("/held", self.decide),
            ("/tickets/{number}/letters/{letter}/own", self.own),
            ("/ledger/{report}/own", self.separate),
        )

    def list(self, visit: Visit) -> Response:
        return self._list(visit, "", 200)

    def _list(self, visit: Visit, said: str, status: int) -> Response:
        asked = visit.request.query_params
        spam, start = asked.get("show") == "spam", offset(asked.get("from", ""))
        rows = self._held.rows(ROWS + 1, start, spam=spam)
        how, n = asked.get("done", ""), asked.get("n", "")
        values = {
            "rows": rows[:ROWS],
            "spam": spam,
            "more": f"/held?{urlencode({**asked, 'from': start + ROWS})}" if len(rows) > ROWS else "",
            "may": views.works(visit.user),
            "done": DONE.get(how, "") if n.isascii() and n.isdecimal() and not said else "",
            "n": n,
            "said": said,
            "example": self._held.example(),
        }
        return self._draw(visit, "held.html", values, status)

    def mail(self, visit: Visit) -> Response:
        page = self._held.page(visit.path("report"))
        if page is None:
            raise Refused(404, _("There is no such mail."))
        values = {"page": page, "row": page.row, "may": views.works(visit.user), "example": self._held.example()}
        return self._draw(visit, "held_mail.html", values)

    def html(self, visit: Visit) -> Response:
        report = visit.path("report")
        found = self._held.html(report)
        if found is None:
            raise Refused(404, _("There is no such mail."))
        body = mailbody.sanitise(found[0], found[1], lambda file: self._held.file(report, file))
        return self._drawn.draw("letter.html", visit.words, {"body": body}, policy=rendering.FRAME_POLICY)

    def raw(self, visit: Visit) -> Response:
        return forms.download(self._held.raw(visit.path("report")), "message/rfc822")

    def file(self, visit: Visit) -> Response:
        file = self._held.file(visit.path("report"), visit.path("file"))
        return forms.download(file, "application/octet-stream")

    def decide(self, visit: Visit) -> Response:
        """What was ticked (`mail-7`, or `all` that the page showed), or the one mail of its own page, is decided about."""
        if not views.works(visit.user):
            raise Refused(403, MAY_NOT)
        how = visit.form.get("how", "")
        named = [name.removeprefix("mail-") for name in visit.form if name.startswith("mail-")]
        named += visit.form.get("all", "").split(" ")[:ROWS]
        ticked = [one for one in dict.fromkeys(named) if re.fullmatch(r"[0-9]{1,18}", one)]
        if how not in DONE or not ticked:
            return self._list(visit, _("Tick the mails, then say what becomes of them."), 409)
        ticket = visit.form.get("ticket", "").strip()
        if how == "new" and ticket:  # Enter in the field presses the first button
            return self._list(visit, _("You wrote a ticket's number: press the button beside it, or empty it."), 409)
        done = self._held.release(ticked, how, ticket, visit.user.name)
        if done.problems:
            return self._list(visit, "\n".join(done.problems[:SHOWN_ERRORS]), 409)
        if len(done.numbers) == 1 and done.numbers[0]:
            return redirect(f"/tickets/{quote(done.numbers[0], safe='')}")
        return redirect(f"/held?{urlencode({'done': how, 'n': len(done.numbers)})}")

    def own(self, visit: Visit) -> Response:
        if not views.works(visit.user):
            raise Refused(403, MAY_NOT)
        letter = visit.path("letter")
        if not (letter.isascii() and letter.isdecimal()):
            raise Permanent(_("There is no such letter."))
        number = self._held.own(visit.path("number"), letter, visit.user.name)
        return redirect(f"/tickets/{quote(number, safe='')}")

    def separate(self, visit: Visit) -> Response:
        if not views.works(visit.user):
            raise Refused(403, MAY_NOT)
        report = visit.path("report")
        if not re.fullmatch(r"[0-9]{1,18}", report):
            raise Refused(404, _("There is no such mail."))
        number = self._held.separate(report, visit.user.name)
        return redirect(f"/tickets/{quote(number, safe='')}")
