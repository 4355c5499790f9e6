"""The pages that show every letter in every language, with made-up facts, as a customer would get it.

A template is the desk's own text; still it is shown in the frame of a stranger's mail, which runs and fetches nothing.
Refuses to change anything: the folder beside the desk's YAML is the only place for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse, Response

from gateway import locale
from gateway.post import compose
from gateway.post.check import SAMPLE_CONTENTS, sample
from gateway.post.letter import Escalation, Letter, Notice
from gateway.web import rendering
from gateway.web.labels import mark as _
from gateway.web.visits import Draw, Handler, Refused, Visit
from routing.desk import Desk

# A letter's own style is part of what is looked at; everything else stays forbidden.
POLICY = (
    f"sandbox {rendering.SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; "
    "frame-ancestors 'self'; base-uri 'none'"
)


class LetterPages:
    """`/letters`, `/letters/{desk}/{letter}/{language}` and the HTML that its frame shows."""

    def __init__(self, desks: Mapping[str, Desk], templates: Mapping[str, tuple[Path, ...]], draw: Draw) -> None:
        self._desks = desks
        self._templates = templates
        self._draw = draw

    def pages(self) -> tuple[tuple[str, Handler], ...]:
        one = "/letters/{desk}/{letter}/{language}"
        return (("/letters", self.all), (one, self.one), (f"{one}/html", self.html))

    def all(self, visit: Visit) -> Response:
        desks = [
            {"id": desk.id, "name": desk.name.get(visit.words.language) or desk.id, "own": self._own(desk.id)}
            for desk in self._desks.values()
        ]
        letters = [{"id": str(n), "name": _name(content, visit)} for n, content in enumerate(SAMPLE_CONTENTS)]
        return self._draw(visit, "letters.html", {"desks": desks, "letters": letters, "languages": locale.LANGUAGES})

    def one(self, visit: Visit) -> Response:
        letter, folders = self._letter(visit)
        plain, _html = compose.bodies(letter, folders)
        values: dict[str, Any] = {
            "desk": visit.path("desk"), "letter": visit.path("letter"), "language": visit.path("language"),
            "name": _name(letter.content, visit), "subject": compose.subject(letter, folders), "plain": plain,
            "direction": locale.direction(letter.language), "languages": locale.LANGUAGES,
        }  # fmt: skip
        return self._draw(visit, "letter_preview.html", values)

    def html(self, visit: Visit) -> Response:
        _plain, html = compose.bodies(*self._letter(visit))
        return rendering.secured(HTMLResponse(html), POLICY)

    def _letter(self, visit: Visit) -> tuple[Letter, tuple[Path, ...]]:
        desk, number, language = self._desks.get(visit.path("desk")), visit.path("letter"), visit.path("language")
        known = number.isascii() and number.isdecimal() and len(number) < 4 and int(number) < len(SAMPLE_CONTENTS)
        if desk is None or not known or language not in locale.LANGUAGES:
            raise Refused(404, _("There is no such letter."))
        made = sample(SAMPLE_CONTENTS[int(number)], language)
        name = desk.name.get(language) or desk.name.get("en") or desk.id
        return replace(made, desk_name=name, zone=desk.zone), self._templates.get(desk.id, ())

    def _own(self, desk: str) -> tuple[str, ...]:
        """The desk's own files."""
        found = (path.name for folder in self._templates.get(desk, ()) for path in sorted(folder.iterdir()))
        return tuple(name for name in found if not name.startswith("."))


def _name(content: object, visit: Visit) -> str:
    """What the letter is about, in the reader's words."""
    if isinstance(content, Notice):
        made = sample(content, visit.words.language)
        more = visit.words.say(_("with times and an agent's words")) if content.text else ""
        title = str(compose.facts(made)["title"])
        return f"{title} ({more})" if more else title
    if hasattr(content, "agent"):
        return visit.words.say(_("An agent's answer"))
    if isinstance(content, Escalation):
        return visit.words.say(_("An escalation by the clock, to whom it names"))
    many = getattr(content, "clocks", ())
    return visit.words.say(
        _("Acknowledgement with all that it may say") if many else _("Acknowledgement without times")
    )
