"""Why a ticket is as it is: the evidence that it was filed with, grouped by decision, and the arithmetic of its clocks.

The verdicts are those of the filing: what people changed later stands in the story. Refuses to judge anything again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.web import phrases
from gateway.web.labels import mark as _
from gateway.web.phrases import Say
from gateway.web.views import Decision
from identity import entitlement
from routing import sla_words
from routing.desk import Desk
from routing.sla import Stamp
from routing.tickets import Ticket

# The first word of a line of evidence -> what the decision is about. A line without one is about who it is.
ABOUT: Mapping[str, str] = {
    "report": "who",
    "mark": "entitlement",
    "kind": "kind",
    "priority": "priority",
    "call": "priority",
    "product": "kind",
    "plan": "plan",
    "clock": "deadline",
    "thread": "merge",
    "related": "merge",
    "queue": "queue",
    "rule": "queue",
    "fact": "queue",
    "sign": "priority",
    "page": "page",
    "acknowledge": "answer",
}
ORDER = ("who", "entitlement", "kind", "priority", "plan", "deadline", "merge", "queue", "page", "answer")
YES = _("Yes")
NO = _("No")
NEW = _("A new matter")
JOINED = _("Follows an earlier ticket")
PROVISIONAL = _("The clock of the claimed plan, provisionally")
COVERED = _("Not covered")
NOTICED: Mapping[str, str] = {
    "lacks-example": _("An example is missing: asked for in the first answer"),
    "lacks-steps": _("The steps are missing: asked for in the first answer"),
    "lacks-configuration": _("The configuration is missing: asked for in the first answer"),
    "several-problems": _("It seems to speak of several problems"),
}


def decisions(ticket: Ticket, desk: Desk, contact: str, language: str, say: Say) -> tuple[Decision, ...]:
    """The evidence by decision, each with what it came to."""
    found: dict[str, list[str]] = {}
    noticed: list[str] = []  # the other marks say nothing of what is covered
    for line in ticket.evidence:
        topic, colon, rest = line.partition(": ")
        if topic == "mark" and rest not in entitlement.WORDS:
            noticed += [say(NOTICED[rest])] if rest in NOTICED else []
            continue
        about = ABOUT.get(topic, "who") if colon and rest not in entitlement.TELLING else "who"
        words = _line(topic, rest, language) if colon and topic in ABOUT else line
        found.setdefault(about, []).append(words)
    found.setdefault("who", [])
    return tuple(
        Decision(
            about,
            _verdict(about, found[about], ticket, desk, contact, language, say),
            (*_below(about, found[about], say), *(noticed if about == "kind" else ())),
        )
        for about in ORDER
        if about in found
    )


def arithmetic(stamp: Stamp, target: str, language: str) -> tuple[str, ...]:
    """How one clock was counted, in words; its name and its state stand above it on the page."""
    only = tuple(clock for clock in stamp.clocks if clock.target == target)
    lines = sla_words.in_words(replace(stamp, clocks=only, escalations=(), cadence=None, marks=()), language)
    sums = [line.rpartition(" [")[0].partition(": ")[2] for line in lines[-1:]]
    return (*lines[:-1], *(one[:1].upper() + one[1:] for one in sums))


def unverified(ticket: Ticket, language: str, say: Say) -> str:
    """Why the sender is not verified: a reason of the entitlement, else what was found about the sender."""
    marks = [line.removeprefix("mark: ") for line in ticket.evidence if line.startswith("mark: ")]
    for one in marks:
        if one in entitlement.WORDS:
            return entitlement.in_words(one, language)
    return say(NO_PIN) if ticket.channel == "phone" else ""


NO_PIN = _("Nobody keyed the right PIN in this call.")


def _line(topic: str, rest: str, language: str) -> str:
    if topic == "mark" and rest in entitlement.WORDS:
        return entitlement.in_words(rest, language)
    return rest


def _below(about: str, lines: list[str], say: Say) -> tuple[str, ...]:
    if about not in ("page", "answer"):
        return tuple(lines)
    told = [rest for line in lines if (rest := line.partition(", ")[2].removeprefix("because "))]
    return tuple(_unanswered(rest, say) if about == "answer" else rest for rest in told)


def _unanswered(code: str, say: Say) -> str:
    """Why nobody was answered; the sender may be one for whom a mail is held."""
    return phrases.phrase({**phrases.REASONS, **phrases.UNANSWERED}, code, say)


def _verdict(about: str, lines: list[str], ticket: Ticket, desk: Desk, contact: str, language: str, say: Say) -> str:
    last = lines[-1] if lines else ""
    word = last.partition(",")[0].partition(" ")[0]
    match about:
        case "who":
            known = ticket.customer_name or ticket.customer or ticket.requester or phrases.dialled(ticket.phone or "")
            return f"{known}, {contact}" if contact else known
        case "kind":
            filed = next((line for line in reversed(lines) if line.partition(",")[0] in desk.kinds), word)
            return phrases.label(filed.partition(",")[0], say)
        case "priority":
            filed = next((line for line in reversed(lines) if line.partition(",")[0] in desk.priorities), word)
            return filed.partition(",")[0]
        case "queue":
            named = (
                desk.queues.get(line.partition(",")[0]) for line in reversed(lines)
            )  # what it nearly was comes last
            queue = next((one for one in named if one is not None), None)
            return queue.label.get(language, queue.id) if queue else word
        case "entitlement":
            return say(COVERED)
        case "deadline":
            return say(PROVISIONAL) if "provisionally" in last else ""
        case "merge":
            return say(JOINED) if ticket.linked else say(NEW)
        case "page" | "answer":
            return say(YES) if word == "yes" else say(NO)
        case _:
            return ""
