"""A telephone in the browser, for the demo: a dial pad, what Presa says, and the engineers' telephones beside it.

It is the same simulated telephone as everywhere: it hears documents and posts signed webhooks. Works without scripts; with
them it is live and speaks when asked to. Refuses to be there where calls are real.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response

from gateway.phone.exchange import Exchange, Handset, list_of
from gateway.phone.simulator import Phone
from gateway.phone.switchboard import SHOWN_AFTER_END, action_of
from gateway.web import views
from gateway.web.labels import mark as _
from gateway.web.rendering import redirect
from gateway.web.visits import MAY_NOT, Draw, Handler, Refused, Visit
from identity import normal

PATH = "/telephone"
KEYS: Sequence[tuple[str, str]] = (
    ("1", ""), ("2", "ABC"), ("3", "DEF"), ("4", "GHI"), ("5", "JKL"), ("6", "MNO"),
    ("7", "PQRS"), ("8", "TUV"), ("9", "WXYZ"), ("*", ""), ("0", "+"), ("#", ""),
)  # fmt: skip
MOST_KEYS = 32
LONGEST_WORDS = 300
MOST_LINES = 60
WAITS: Mapping[str, str] = {
    "": _("Presa speaks"),
    "keys": _("the line waits for keys"),
    "speech": _("the line waits for you to speak"),
    "record": _("you are being recorded: speak"),
}
STATES: Mapping[str, str] = {
    "queued": _("being placed"),
    "ringing": _("ringing"),
    "in-progress": _("connected"),
    "completed": _("hung up"),
    "busy": _("busy"),
    "no-answer": _("no answer"),
    "failed": _("failed"),
    "canceled": _("cancelled"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was heard. `language` is "" for a sound."""

    id: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One telephone as the page shows it. `name`: whose it is; `said`: the newest lines."""

    sid: str
    name: str
    number: str
    state: str
    waits: str
    ringing: bool
    over: bool
    said: tuple[Line, ...]

    @property
    def mark(self) -> str:
        """Changes when there is something new to show."""
        return f"{self.state}-{self.waits}-{len(self.said)}-{self.said[-1].id if self.said else ''}"


class PhonePages:
    """The page over one exchange. `voice`, `status`: where a call to our number goes; `names`: number -> whose it is;
    `callers`: numbers to call from, with whose they are."""

    def __init__(
        self, exchange: Exchange, voice: str, status: str, number: str, names: Mapping[str, str],
        callers: Sequence[tuple[str, str]], draw: Draw,
    ) -> None:  # fmt: skip
        self._exchange, self._voice, self._status, self._number = exchange, voice, status, number
        self._names, self._callers, self._draw = names, callers, draw

    def pages(self) -> tuple[tuple[str, Handler], ...]:
        return ((PATH, self.page),)

    def posts(self) -> tuple[tuple[str, Handler], ...]:
        return (
            (f"{PATH}/call", self.call),
            (f"{PATH}/{{sid}}/{{action}}", self.act),
            (f"{PATH}/{{sid}}/engineers/{{other}}/{{action}}", self.act_for_engineer),
        )

    def page(self, visit: Visit) -> Response:
        phone = self._exchange.callers.get(visit.request.query_params.get("call", ""))
        values = {
            "phone": self._shown(phone) if phone else None,
            "engineers": [self._shown(one) for one in self._engineers()],
            "callers": self._callers,
            "number": self._number,
            "keys": KEYS,
            "may": views.works(visit.user),
            "waits": WAITS,
            "states": STATES,
        }
        return self._draw(visit, "telephone.html", values)

    def call(self, visit: Visit) -> Response:
        """Our number is called from the number that was chosen or typed."""
        self._may(visit)
        from_ = normal.phone(visit.form.get("from", ""))
        if from_ is None:
            raise Refused(400, _("That is no telephone number; write it with its country code: +39 06 5550 0303."))
        phone = self._exchange.incoming(from_, self._number)
        self._do(lambda: phone.call(self._voice, self._status))
        return _back(phone.sid)

    def act(self, visit: Visit) -> Response:
        """Keys, words, or the red button."""
        self._may(visit)
        phone = self._exchange.callers.get(visit.path("sid"))
        if phone is None:
            raise Refused(404, _("There is no such call."))
        keys, words = visit.form.get("keys", ""), visit.form.get("words", "").strip()[:LONGEST_WORDS]
        match visit.path("action"):
            case "keys" if re.fullmatch(rf"[0-9*#]{{1,{MOST_KEYS}}}", keys):
                self._do(lambda: phone.keys(keys))
            case "words" if words:
                self._do(lambda: phone.speak(words))
            case "hangup":
                self._do(phone.hang_up)
        return _back(phone.sid)

    def act_for_engineer(self, visit: Visit) -> Response:
        """An engineer answers, rejects, presses a key or hangs up."""
        self._may(visit)
        handset = self._exchange.calls.get(visit.path("other"))
        keys = visit.form.get("keys", "")[:MOST_KEYS]
        does = action_of(handset, visit.path("action"), keys) if handset else None
        if does is None:
            raise Refused(404, _("There is no such call."))
        self._do(does)
        return _back(visit.path("sid"))

    def _may(self, visit: Visit) -> None:
        if not views.works(visit.user):
            raise Refused(403, MAY_NOT)

    def _do(self, what: Callable[[], object]) -> None:
        """In the exchange's own time, as everything on its telephones."""

        def run() -> None:
            what()

        self._exchange.line.timeline.later(0, run)

    def _engineers(self) -> Sequence[Handset]:
        now = self._exchange.line.timeline.now
        shown = [one for one in list_of(self._exchange.calls) if not one.over or now - one.ended_at < SHOWN_AFTER_END]
        return shown[::-1]

    def _shown(self, phone: Phone) -> Shown:
        first = max(0, len(phone.heard) - MOST_LINES)
        said = tuple(
            Line(f"heard-{phone.sid[-8:]}-{at}", one.language, one.text)
            for at, one in enumerate(tuple(phone.heard)[first:], first)
        )
        other = phone.to if isinstance(phone, Handset) else phone.from_
        state = phone.status if phone.status in STATES else "queued"
        waits = "" if phone.over else phone.waits_for
        return Shown(phone.sid, self._names.get(other, ""), other, state, waits, state == "ringing", phone.over, said)


def _back(sid: str) -> Response:
    return redirect(f"{PATH}?call={quote(sid, safe='')}")
