"""What happens in a call, what the call asks of the shell, and what the shell answers: three families of frozen values under
one name, and the names under which they are audited.

*Heard* (`ivr/heard.py`): what came from the line. *Request* (`ivr/requests.py`): what the call needs to know or wants done;
its answer is the next event. *Answer* (`ivr/answers.py`): what the shell says back. Refuses to know carriers, XML, databases
or clocks.
"""

from __future__ import annotations

from ivr import answers as a
from ivr import heard as h
from ivr.answers import *  # noqa: F403  (whoever says `events` means all three)
from ivr.heard import *  # noqa: F403
from ivr.requests import *  # noqa: F403

Event = h.Heard | a.Answer


def audit(event: Event) -> tuple[str, ...]:
    """The names under which an event stands in `presa calls --json`, in order; most events have none."""
    match event:
        case a.PinRight():
            return ("pin_ok",)
        case a.PinWrong():
            return ("pin_wrong",)
        case a.PinLocked(looked=looked):
            return ("pin_wrong", "pin_locked") if looked else ("pin_locked",)
        case _:
            return AUDITED.get(type(event), ())


AUDITED: dict[type, tuple[str, ...]] = {
    a.CodeUnknown: ("code_unknown",),
    a.CustomerKnown: ("code_known",),
    a.TicketFound: ("ticket_found",),
    a.TicketSlip: ("ticket_slip",),
    a.TicketUnknown: ("ticket_unknown",),
    a.Escalated: ("escalated",),
    a.Person: ("person_rung",),
    a.TicketOpened: ("ticket",),
    h.Recorded: ("recording",),
    h.Words: ("words",),
    a.CallerTaken: ("caller_taken",),
    a.Proven: ("caller_proven",),
    a.CallbackTaken: ("callback_taken",),
    a.CallbackRefused: ("callback_refused",),
    a.Accepted: ("page_accepted",),
    a.Tested: ("page_tested",),
    a.Joined: ("page_accepted", "caller_fetched"),
    a.CallerGone: ("caller_gone",),
    a.PassedOn: ("page_passed",),
    a.PageTaken: ("page_late",),
    h.HungUp: ("hung_up",),
}
