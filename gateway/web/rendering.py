"""Pages from values: the Jinja2 environment, the words of dates and durations, and the headers every answer carries.

Everything is escaped by default and an unknown name in a template is an error. This module refuses to ask a backend
for anything: a page is drawn from what it is handed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import date as day
from pathlib import Path
from zoneinfo import ZoneInfo

import jinja2
from babel.dates import format_date, format_datetime
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway import locale
from gateway.web import plain
from gateway.web.labels import LABELS

HERE = Path(__file__).parent

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# The frame of a mail's HTML: no script, no form, no fetch of any kind; links open beside it without a referrer.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
FRAME_POLICY = (
    f"sandbox {SANDBOX}; default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; "
    "frame-ancestors 'self'; base-uri 'none'"
)
FILE_POLICY = "sandbox; default-src 'none'"

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file, held in memory."""

    content_type: str
    content: bytes
    version: str


def assets() -> Mapping[str, Asset]:
    """Every static file by its path below `static/`; only these are ever served."""
    root = HERE / "static"
    found = {}
    for path in sorted(root.rglob("*")):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            version = hashlib.sha256(content).hexdigest()[:12]
            found[path.relative_to(root).as_posix()] = Asset(_TYPES[path.suffix], content, version)
    return found


def secured(response: Response, policy: str = POLICY) -> Response:
    """The same response with the headers that every answer of the console carries."""
    headers = response.headers
    headers["Content-Security-Policy"] = policy
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
    headers.setdefault("Cache-Control", "no-store")
    return response


def redirect(path: str) -> Response:
    """Elsewhere, by GET."""
    return secured(RedirectResponse(path, status_code=303))


class Words:
    """What a template says in one reader's language and zone."""

    def __init__(self, language: str, zone: str, now: datetime) -> None:
        self.language = locale.choose([language], locale.CONSOLE)
        self._ = locale.translator(self.language)
        self._zone = ZoneInfo(zone)
        self._now = now

    def say(self, message: str) -> str:
        """The message in the reader's language; nothing for nothing (gettext answers "" with its own header)."""
        return self._(message) if message else ""

    def label(self, identifier: str) -> str:
        """The words for one of our identifiers; an identifier that a desk made up stands for itself."""
        known = LABELS.get(identifier)
        return self._(known) if known else identifier

    def plain(self, line: str) -> str:
        """A line of evidence in the reader's language."""
        return plain.said(line, self.say, self.time)

    def time(self, at: datetime) -> str:
        """Local time; the day is said unless it is today's, the year unless it is this one."""
        local, today = at.astimezone(self._zone), self._now.astimezone(self._zone)
        if local.date() == today.date():
            return self._format(local, "HH:mm")
        return self._format(local, "EEE d MMM, HH:mm" if local.year == today.year else "d MMM y, HH:mm")

    def date(self, at: datetime, zone: str) -> str:
        """A day with its month on another wall: "Mon 5 Jan"."""
        regional = locale.REGIONAL.get(self.language, self.language)
        return str(format_datetime(at, "EEE d MMM", tzinfo=ZoneInfo(zone), locale=regional))

    def month(self, first: day) -> str:
        """As "November 2026", in the reader's language."""
        return str(format_date(first, "LLLL y", locale=locale.REGIONAL.get(self.language, self.language)))

    def hour(self, at: datetime, zone: str) -> str:
        """A time of day on another wall."""
        return at.astimezone(ZoneInfo(zone)).strftime("%H:%M")

    def clock(self, at: datetime) -> str:
        """A time of day alone."""
        return self._format(at.astimezone(self._zone), "HH:mm")

    def day(self, at: datetime) -> str:
        """A day in short: "Mon 5"."""
        return self._format(at.astimezone(self._zone), "EEE d")

    def moment(self, at: datetime) -> str:
        """Local time in full, with seconds and zone."""
        return self._format(at.astimezone(self._zone), "EEEE d MMMM y, HH:mm:ss zzz")

    def left(self, due: datetime) -> str:
        """How long until then: "in 23 min", or "2 h 05 min late"."""
        seconds = (due - self._now).total_seconds()
        if seconds < 0:
            return self._("%(span)s late") % {"span": self.span(-seconds)}
        return self._("in %(span)s") % {"span": self.span(seconds)}

    def ago(self, at: datetime) -> str:
        """How long since then."""
        return self._("%(span)s ago") % {"span": self.span(max(0.0, (self._now - at).total_seconds()))}

    def span(self, seconds: float) -> str:
        """A length of time in at most two units, never rounded up."""
        minutes = int(seconds // 60)
        if minutes < 1:
            return self._("%(n)s s") % {"n": int(seconds)}
        if minutes < 60:
            return self._("%(n)s min") % {"n": minutes}
        hours, minutes = divmod(minutes, 60)
        if hours < 24 and not minutes:
            return self._("%(n)s h") % {"n": hours}
        if hours < 24:
            return self._("%(h)s h %(m)02d min") % {"h": hours, "m": minutes}
        return self._("%(d)s d %(h)s h") % {"d": hours // 24, "h": hours % 24}

    def allowed(self, duration: str) -> str:
        """An ISO 8601 duration in words: "1 hour 30 minutes", "1 working day"; anything else as it is."""
        try:
            return locale.duration(duration, self.language)
        except ValueError:
            return duration

    def cadence(self, duration: str) -> str:
        """How often the customer hears news, by an ISO 8601 duration."""
        if duration == "PT1H":
            return self._("Update to the customer every hour")
        if duration == "P1D":
            return self._("Update to the customer every working day")
        return self._("Update to the customer every %(time)s") % {"time": self.allowed(duration)}

    def _format(self, local: datetime, pattern: str) -> str:
        regional = locale.REGIONAL.get(self.language, self.language)
        return str(format_datetime(local, pattern, tzinfo=self._zone, locale=regional))


def size(count: int) -> str:
    """A length in bytes for people."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"


def urgency(due: datetime | None, share: float, state: str, now: datetime) -> str:
    """How a deadline looks: late, soon (less than a fifth or ten minutes left), calm, or idle when nothing runs."""
    if due is None or state != "running":
        return "late" if state == "missed" else "idle"
    left = (due - now).total_seconds()
    if left < 0:
        return "late"
    return "soon" if share >= 0.8 or left < 600 else "calm"


class Pages:
    """Draws templates by name."""

    def __init__(self, static: Mapping[str, Asset]) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["size"] = size
        self._environment.globals["urgency"] = urgency
        self._environment.globals["static"] = lambda path: f"/static/{path}?v={static[path].version}"
        self._environment.globals["sandbox"] = SANDBOX

    def draw(
        self,
        template: str,
        words: Words,
        values: Mapping[str, object],
        status: int = 200,
        policy: str = POLICY,
    ) -> Response:
        """An HTML response; `values` come on top of the words every template knows."""
        html = self._environment.get_template(template).render(w=words, _=words.say, label=words.label, **values)
        return secured(HTMLResponse(html, status_code=status), policy)


def iso(at: datetime) -> str:
    """An instant for machines."""
    return at.astimezone(UTC).isoformat(timespec="seconds")
