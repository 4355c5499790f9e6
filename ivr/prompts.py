"""What is spoken: prompt names and a call to sentences in the caller's language, or in all while none is chosen.

Refuses to decide anything. Texts stand in `ivr/words_it.py` and `ivr/words_en.py`, all with the same names. Field
values are put in last and never read as templates. Numbers of tickets and phones are spoken digit by digit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from types import MappingProxyType, ModuleType
from zoneinfo import ZoneInfo

from ivr import words_ar, words_de, words_en, words_es, words_fr, words_it, words_pt
from ivr.call import Call, Rules
from ivr.verbs import Pause, Play, Say

CHARACTERS_A_SECOND = 14  # of a calm synthetic voice, Italian or English; prompts are measured with it
LONGEST_DESCRIPTION = 1_500  # characters read to an engineer; a Say takes 4,096


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language: its sentences, its names of days, and the code that voices go by."""

    words: Mapping[str, str]
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    voice: str


def _tongue(module: ModuleType) -> Tongue:
    return Tongue(module.WORDS, module.WEEKDAYS, module.MONTHS, module.VOICE)


MODULES = {
    "it": words_it, "en": words_en, "de": words_de, "fr": words_fr, "es": words_es, "pt": words_pt, "ar": words_ar,
}  # fmt: skip
TONGUES: Mapping[str, Tongue] = MappingProxyType({language: _tongue(module) for language, module in MODULES.items()})


def tongue(language: str) -> Tongue:
    """A language without a table of its own is spoken to in English."""
    return TONGUES.get(language, TONGUES["en"])


def speech(call: Call, says: tuple[str, ...], rules: Rules, *, lead: bool = True) -> tuple[Say | Play | Pause, ...]:
    """The prompts `says` in order. While no language is chosen, one language after the other, the default first."""
    languages = (call.language,) if call.language else tuple(rules.languages.values())
    spoken: list[Say | Play | Pause] = []
    for language in languages:
        names = (f"again.{call.lead}", *says) if lead and call.lead else says
        spoken += _spoken(call, names, language, rules)
    if "described" in says and call.audio:  # the recording first, then the keys
        keys = sentence(call, "page_keys", languages[0], rules)
        intro = sentence(call, "described", languages[0], rules)
        voice = tongue(languages[0]).voice
        return (Say(intro, voice), Play(call.audio), Say(keys, voice))
    return tuple(spoken)


def _spoken(call: Call, names: tuple[str, ...], language: str, rules: Rules) -> list[Say | Play | Pause]:
    """Speech, with the desk's own recordings where it has them; what has fields is always spoken."""
    recorded, voice = rules.recorded.get(language, {}), tongue(language).voice
    if not recorded:
        text = " ".join(filter(None, (sentence(call, name, language, rules) for name in names)))
        return [Say(text, voice)] if text else []
    spoken: list[Say | Play | Pause] = []
    for name in names:
        sound = recorded.get(_actual(call, name))
        text = "" if sound else sentence(call, name, language, rules)
        spoken += [Play(sound)] if sound else [Say(text, voice)] if text else []
    return spoken


ALONE = frozenset(("apology", "moment", "wait", "caller_joined"))  # spoken also when everything else is away
SAME_IN_EVERY_CALL = frozenset(("desk", "key", "severities", "menu", "another"))


def recordable(name: str) -> bool:
    """Is this prompt the same in every call, so that a recording can stand in for it?"""
    if name in ALONE:
        return False
    fields = {field for _, field, _, _ in Formatter().parse(TONGUES["en"].words.get(name, "")) if field}
    return fields <= SAME_IN_EVERY_CALL


def sentence(call: Call, name: str, language: str, rules: Rules) -> str:
    """One prompt with its fields filled in; "" for one that has nothing to say in this call."""
    template = tongue(language).words.get(_actual(call, name), "")
    return template.format_map(_Fields(call, language, rules))


def _actual(call: Call, name: str) -> str:
    """The sentence behind a prompt of the table, as this call has it."""
    match name:
        case "because":
            return f"because.{call.why}"
        case "outcome":
            return f"outcome.{call.outcome}"
        case "described":
            return "described.audio" if call.audio else "described" if call.text else "described.none"
        case "pin" if call.about:
            return "pin.ticket"
        case "oncall_language" if not call.switched:
            return ""
    return name


@dataclass(frozen=True, slots=True)
class _Fields:
    """A template's fields, each made when the template asks for it."""

    call: Call
    language: str
    rules: Rules

    def __getitem__(self, name: str) -> str:
        return FIELDS[name](self.call, self.language, self.rules)


def _company(call: Call, language: str, _: Rules) -> str:
    if not (call.greet and call.name):
        return ""
    return tongue(language).words["company"].format(company=call.name.rstrip("."))


def _engineer(call: Call, language: str, _: Rules) -> str:
    return tongue(language).words["engineer"].format(engineer=call.engineer) if call.engineer else ""


def _clock(call: Call, language: str, _: Rules) -> str:
    words = tongue(language).words
    return words.get(f"clock.{call.clock}", words["clock.other"]) if call.clock else ""


def _hour_there(call: Call, language: str, _: Rules) -> str:
    return tongue(language).words["hour_there"].format(hour=call.hour) if call.hour else ""


def _more_tickets(call: Call, language: str, _: Rules) -> str:
    words = tongue(language).words
    return words["more.one" if call.more == 1 else "more"].format(n=call.more) if call.more else ""


FIELDS: Mapping[str, Callable[[Call, str, Rules], str]] = {
    "desk": lambda _, language, rules: rules.desk.get(language) or rules.desk.get(rules.language, "Presa"),
    "key": lambda _, language, rules: next((key for key, its in rules.languages.items() if its == language), ""),
    "severities": lambda _, language, rules: severities(rules, language),
    "menu": lambda _, language, rules: matters(rules, language),
    "another": lambda _, __, rules: next((key for key, its in rules.menu.items() if its == "report"), "1"),
    "status": lambda call, language, _: tongue(language).words.get(f"status.{call.status}", ""),
    "position": lambda call, _, __: str(call.position),
    "wait": lambda call, language, _: duration(max(1, call.wait), language),
    "company": _company,
    "number": lambda call, _, __: one_by_one(call.ticket or ""),
    "when": lambda call, language, rules: moment(call.look_by, language, rules.zone),
    "engineer": _engineer,
    "ending": lambda call, _, __: one_by_one(call.ending),
    "priority": lambda call, _, __: call.priority or "",
    "name": lambda call, _, __: call.name,
    "plan": lambda call, _, __: call.plan,
    "left": lambda call, language, _: left(call.minutes, language),
    "by": lambda call, language, _: call.taken_by or tongue(language).words["somebody"],
    "clock": _clock,
    "hour_there": _hour_there,
    "more_tickets": _more_tickets,
    "phone": lambda call, language, _: one_by_one(call.phone) or tongue(language).words["number_unknown"],
    "description": lambda call, _, __: call.text[:LONGEST_DESCRIPTION],
}


def one_by_one(number: str) -> str:
    """Digits one by one, a pause at each dash: "PR-1002-4137" -> "1 0 0 2, 4 1 3 7"."""
    groups = ("".join(c for c in group if c.isdigit()) for group in number.split("-"))
    return ", ".join(" ".join(group) for group in groups if group)


def severities(rules: Rules, language: str) -> str:
    """The menu in the caller's words: "Press 1 if nothing works, 2 if many things fail, ...\""""
    words = tongue(language).words
    items: list[str] = []
    for key, priority in rules.severities.items():
        name = rules.labels.get(priority, {}).get(language, priority)
        label = words.get(f"severity.{priority}") or words["severity.other"].format(priority=name)
        items.append(words["severity.next" if items else "severity.item"].format(key=key, label=label))
    if rules.maintenance:
        items.append(words["severity.next"].format(key=rules.maintenance, label=words["severity.maintenance"]))
    return ", ".join(items)


def matters(rules: Rules, language: str) -> str:
    """The main menu: "To report a problem press 1, to add to a ticket 2, ...\""""
    words = tongue(language).words
    return ", ".join(words[f"menu.{matter}"].format(key=key) for key, matter in rules.menu.items())


def moment(iso: str, language: str, zone: str) -> str:
    """An instant in the words of a clock on the wall: "Monday 23 November at 9:30"."""
    if not iso:
        return ""
    here, its = datetime.fromisoformat(iso).astimezone(ZoneInfo(zone)), tongue(language)
    return its.words["when"].format(
        weekday=its.weekdays[here.weekday()],
        day=here.day,
        month=its.months[here.month - 1],
        time=f"{here.hour}:{here.minute:02}",
    )


def left(minutes: int | None, language: str) -> str:
    """What is left on the clock, or how long it has been over; "" without a clock."""
    words = tongue(language).words
    if minutes is None:
        return ""
    if minutes == 0:
        return words["left.zero"]
    return words["left" if minutes > 0 else "left.over"].format(duration=duration(abs(minutes), language))


def duration(minutes: int, language: str) -> str:
    """Minutes in words: "45 minutes", "2 hours and 5 minutes", "3 days"."""
    words = tongue(language).words
    if minutes >= 3 * 24 * 60:
        return words["days"].format(n=minutes // (24 * 60))
    hours, rest = divmod(minutes, 60)
    parts = []
    if hours:
        parts.append(words["hour"] if hours == 1 else words["hours"].format(n=hours))
    if rest or not hours:
        parts.append(words["minute"] if rest == 1 else words["minutes"].format(n=rest))
    return words["and"].join(parts)


def apology(languages: tuple[str, ...], name: str = "apology") -> tuple[Say, ...]:
    """A sentence that needs no call: the apology, "one moment", the wait."""
    return tuple(Say(tongue(language).words[name], tongue(language).voice) for language in languages)
