"""The arithmetic of a stamp in plain words, Italian and English: what was promised, from when, which hours counted.

Refuses to compute anything but differences of what it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from routing.calendars import Calendar, Interval
from routing.desk import Allowance

if TYPE_CHECKING:
    from routing.sla import Clock, Stamp

_SHOWN = 6
"""At most so many intervals are written out; of more, the middle is only counted."""

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "notify": "Priority notification",
        "take_charge": "Take charge",
        "triage": "Triage",
        "technical_contact": "First technical contact",
        "resolution": "Resolution or action plan",
        "execution": "Execution, or start of it",
        "analysis": "Start of analysis",
        "received": "Received {received} ({zone}).",
        "due": "{target}: {allowed}, counted from {start}: by {due}. {counted} [{state}]",
        "held": "{target}: {allowed}, counted from {start}: no deadline while it is waiting. {counted} [{state}]",
        "best_effort": "{target}: best effort, no deadline. [{state}]",
        "counted": "Counted: {intervals}.",
        "nothing": "Nothing counted yet.",
        "more": "({n} more)",
        "pause": "The clocks stood still from {begins} to {ends}.",
        "open_pause": "The clocks have been standing still since {begins}.",
        "updates": "News to the customer: {every}.",
        "escalation": "If still open at {due}: {to} is told.",
        "held_escalation": "{to} will be told later: the ticket is waiting.",
        "mark": "Note: {mark}.",
        "business": "{time} of opening hours ({calendar})",
        "solar": "{time} by the clock, day and night",
        "days": "end of business day {n} after that day ({calendar})",
        "every": "every {time}",
        "hourly": "every hour",
        "daily": "each business day",
        "every_days": "every {n} business days",
        "running": "running",
        "paused": "paused",
        "met": "met",
        "missed": "missed",
        "stopped": "stopped",
        "days_of_week": "Mon Tue Wed Thu Fri Sat Sun",
        "months": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    },
    "it": {
        "notify": "Notifica della priorità",
        "take_charge": "Presa in carico",
        "triage": "Triage",
        "technical_contact": "Primo contatto tecnico",
        "resolution": "Risoluzione o action plan",
        "execution": "Esecuzione, o inizio attività",
        "analysis": "Inizio dell'analisi",
        "received": "Ricevuta {received} ({zone}).",
        "due": "{target}: {allowed}, contando da {start}: entro {due}. {counted} [{state}]",
        "held": "{target}: {allowed}, contando da {start}: nessuna scadenza finché si attende. {counted} [{state}]",
        "best_effort": "{target}: al meglio di quanto possibile, senza scadenza. [{state}]",
        "counted": "Contati: {intervals}.",
        "nothing": "Ancora nulla di contato.",
        "more": "(altri {n})",
        "pause": "Gli orologi sono rimasti fermi da {begins} a {ends}.",
        "open_pause": "Gli orologi sono fermi da {begins}.",
        "updates": "Aggiornamenti al cliente: {every}.",
        "escalation": "Se ancora aperta {due}: si avvisa {to}.",
        "held_escalation": "{to}: avviso rinviato finché si attende.",
        "mark": "Nota: {mark}.",
        "business": "{time} di orario lavorativo ({calendar})",
        "solar": "{time} solari, giorno e notte",
        "days": "fine del giorno lavorativo n. {n} dopo quel giorno ({calendar})",
        "every": "ogni {time}",
        "hourly": "ogni ora",
        "daily": "ogni giorno lavorativo",
        "every_days": "ogni {n} giorni lavorativi",
        "running": "in corso",
        "paused": "in pausa",
        "met": "rispettato",
        "missed": "mancato",
        "stopped": "fermato",
        "days_of_week": "lun mar mer gio ven sab dom",
        "months": "gen feb mar apr mag giu lug ago set ott nov dic",
    },
}


def in_words(stamp: Stamp, language: str) -> tuple[str, ...]:
    """The stamp for people, one line a statement, instants in the desk's zone; English where the language is none of
    ours."""
    known = language if language in _WORDS else "en"
    return tuple(_lines(stamp, _Speaker(known, ZoneInfo(stamp.zone))))


class _Speaker:
    """Says instants, durations and sentences in one language and zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self._language = language
        self._words = _WORDS[language]
        self._zone = zone

    def say(self, key: str, **facts: object) -> str:
        return self._words[key].format(**facts)

    def moment(self, at: datetime) -> str:
        local = at.astimezone(self._zone)
        day = self._words["days_of_week"].split()[local.weekday()]
        month = self._words["months"].split()[local.month - 1]
        return f"{day} {local.day} {month} {local.year} {_clock(local)}"

    def interval(self, interval: Interval) -> str:
        begins, ends = (at.astimezone(self._zone) for at in interval)
        until = _clock(ends) if ends.date() == begins.date() else self.moment(ends)
        return f"{self.moment(begins)}–{until} ({duration(interval[1] - interval[0])})"

    def allowance(self, allowance: Allowance, calendar: Calendar) -> str:
        hours = self.label(calendar)
        if allowance.unit == "days":
            return self.say("days", n=allowance.amount, calendar=hours)
        return self.say(allowance.unit, time=duration(timedelta(seconds=allowance.amount)), calendar=hours)

    def label(self, calendar: Calendar) -> str:
        """What people call these hours; their id where the desk has given them no name."""
        known = calendar.label
        return known.get(self._language) or known.get("en") or next(iter(known.values()), calendar.id)

    def cadence(self, cadence: Allowance) -> str:
        if cadence.unit == "days":
            return self.say("daily") if cadence.amount == 1 else self.say("every_days", n=cadence.amount)
        span = timedelta(seconds=cadence.amount)
        return self.say("hourly") if span == timedelta(hours=1) else self.say("every", time=duration(span))

    def counted(self, intervals: tuple[Interval, ...]) -> str:
        if not intervals:
            return self.say("nothing")
        shown = [self.interval(each) for each in intervals]
        if len(shown) > _SHOWN:
            half = _SHOWN // 2
            shown = [*shown[:half], self.say("more", n=len(shown) - 2 * half), *shown[-half:]]
        return self.say("counted", intervals=", ".join(shown))


def duration(span: timedelta) -> str:
    """``1 h 30 min``, ``45 s``, the same in both languages."""
    hours, rest = divmod(round(span.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (seconds, "s")) if n]
    return " ".join(parts) or "0 min"


def _lines(stamp: Stamp, speaker: _Speaker) -> Iterable[str]:
    yield speaker.say("received", received=speaker.moment(stamp.received), zone=stamp.zone)
    yield from (speaker.say("mark", mark=mark) for mark in stamp.marks)
    for begins, ends in stamp.held.pauses:
        yield speaker.say("pause", begins=speaker.moment(begins), ends=speaker.moment(ends))
    if stamp.held.open_from is not None:
        yield speaker.say("open_pause", begins=speaker.moment(stamp.held.open_from))
    yield from (_clock_line(clock, speaker) for clock in stamp.clocks)
    if stamp.cadence is not None:
        yield speaker.say("updates", every=speaker.cadence(stamp.cadence))
    for step in stamp.escalations:
        if step.due is None:
            yield speaker.say("held_escalation", to=step.to)
        else:
            yield speaker.say("escalation", to=step.to, due=speaker.moment(step.due))


def _clock_line(clock: Clock, speaker: _Speaker) -> str:
    target, state = speaker.say(clock.target), speaker.say(clock.state)
    if clock.best_effort:
        return speaker.say("best_effort", target=target, state=state)
    facts = {
        "target": target,
        "state": state,
        "allowed": speaker.allowance(clock.allowance, clock.promise.calendar),
        "start": speaker.moment(clock.start),
        "counted": speaker.counted(clock.intervals),
    }
    if clock.due is None:
        return speaker.say("held", **facts)
    return speaker.say("due", due=speaker.moment(clock.due), **facts)


def _clock(local: datetime) -> str:
    return local.strftime("%H:%M:%S" if local.second else "%H:%M")
