"""One turn of a call: the call and what happened, to the call after it and the next step. Walks the table in
`ivr/states.py`.

    call, step = ivr.turn(call, event, rules)

A step is `Speak` (a document for the line) or a request; its answer goes into the next turn. Refuses to do anything
itself: no I/O, no clock. Whatever the line sends is taken, at worst as a wrong key; only a wrong *answer* of the
shell raises `Unexpected`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ivr import events as e
from ivr import prompts, verbs
from ivr.call import Call, Rules, replace
from ivr.states import LAST, SAME, SLIPS, STATES, State


@dataclass(frozen=True, slots=True)
class Speak:
    """Hand this to the line, with links to step `Call.step`."""

    document: verbs.Document


Step = Speak | e.Request


class Unexpected(Exception):
    """The shell gave an answer that this state has no exit for."""


def turn(call: Call, event: e.Event, rules: Rules) -> tuple[Call, Step]:
    """The next step of this call. Speaking turns add 1 to `Call.step` unless nothing more can follow."""
    state = STATES[call.state]
    if call.step >= rules.max_steps and isinstance(event, e.Keys | e.Silence | e.Words):
        event = e.HungUp()
    column = _column(call, state, event, rules)
    if column not in state.exits:
        column = _unforeseen(call, state, event)
    target = state.exits.get(column, SAME)
    target = call.state if target == SAME else target
    call = _absorb(call, state, column, event, rules)
    call, target = _slip(call, column, target, rules)
    return _enter(call, column, target, event, rules)


def _unforeseen(call: Call, state: State, event: e.Event) -> str:
    if isinstance(event, e.Answer):
        raise Unexpected(f"{type(event).__name__} in state {call.state}")
    return "wrong"


# ── event -> column of the table ────────────────────────────────────────────────────────────────────────────────────

COLUMNS: Mapping[type, str] = {
    e.Silence: "silence",
    e.Recorded: "recorded",
    e.HungUp: "hang_up",
    e.CodeUnknown: "unknown",
    e.CallerKnown: "caller_known",
    e.CallerUnknown: "caller_unknown",
    e.TicketSlip: "ticket_slip",
    e.TicketUnknown: "ticket_unknown",
    e.Escalated: "escalated",
    e.InQueue: "in_queue",
    e.PinRight: "pin_right",
    e.PinWrong: "pin_wrong",
    e.PinLocked: "pin_locked",
    e.TicketOpened: "opened",
    e.Noted: "noted",
    e.CallbackTaken: "taken",
    e.CallbackRefused: "refused",
    e.Person: "person",
    e.Nobody: "nobody",
    e.PageOpen: "page_open",
    e.PageTaken: "page_taken",
    e.PageOver: "page_over",
    e.Accepted: "accepted",
    e.TestPage: "page_test",
    e.Tested: "tested",
    e.Joined: "joined",
    e.CallerGone: "caller_gone",
    e.Talked: "talked",
    e.PassedOn: "passed",
    e.Description: "described",
    e.CallbackDue: "callback_due",
    e.CallbackOver: "callback_over",
    e.CallerWaits: "caller_waits",
    e.CallerTaken: "caller_taken",
    e.CallerLeft: "caller_left",
    e.ProofDue: "proof_due",
    e.Proven: "proven",
}


def _column(call: Call, state: State, event: e.Event, rules: Rules) -> str:
    match event:
        case e.Arrived():
            return "arrived_one" if len(rules.languages) == 1 and "arrived_one" in state.exits else "arrived"
        case e.Keys(digits=digits):
            return _keyed(state, digits.rstrip("#"), rules)
        case e.Words(text=text):
            return "words" if text.strip() else "silence"
        case e.LegEnded(connected=connected):
            return "connected" if connected else "not_connected"
        case e.CustomerKnown(hours=hours):
            return f"known_{hours}"
        case e.TicketFound():
            return f"found_{call.matter}"
        case _:
            return COLUMNS[type(event)]


def _keyed(state: State, digits: str, rules: Rules) -> str:
    """Nothing left but the hash is silence; a star at the end starts over, wherever the slip was."""
    if not digits:
        return "silence"
    if digits in menu(state, rules):
        return "choice"
    if digits == rules.maintenance and "maintenance" in state.exits:
        return "maintenance"
    if len(digits) == 1 and digits in state.exits:
        return digits
    if digits.endswith("*") and "*" in state.exits:
        return "*"
    return "digits" if digits.isascii() and digits.isdigit() and "digits" in state.exits else "wrong"


def menu(state: State, rules: Rules) -> Mapping[str, str]:
    """Key -> what it chooses, for the states whose keys are the desk's own."""
    match state.menu:
        case "languages":
            return rules.languages
        case "severities":
            return rules.severities
        case "matters":
            return rules.menu or ONE_MATTER
    return {}


ONE_MATTER: Mapping[str, str] = {"1": "report"}  # of a desk without a menu: for another report at the end


# ── what is remembered ──────────────────────────────────────────────────────────────────────────────────────────────


# What each event leaves in the call: fields of the same name.
KEPT: Mapping[type, tuple[str, ...]] = {
    e.CustomerKnown: ("customer", "name", "greet"),
    e.CallerKnown: ("name",),
    e.TicketFound: ("ticket", "status", "look_by"),
    e.InQueue: ("position", "wait"),
    e.TicketOpened: ("ticket", "engineer", "look_by", "ending"),
    e.CallbackTaken: ("ticket", "ending"),
    e.CallbackRefused: ("ticket",),
    e.Person: ("person", "queue"),
    e.PageOpen: ("ticket", "name", "plan", "priority", "minutes", "clock", "hour", "more"),
    e.Joined: ("ticket", "room"),
    e.CallerGone: ("ticket", "phone"),
    e.Talked: ("ticket",),
    e.PageTaken: ("ticket", "taken_by"),
    e.Accepted: ("ticket",),
    e.Description: ("text", "audio"),
    e.CallbackDue: ("ticket", "customer"),
    e.CallerWaits: ("ticket", "name", "greet"),
    e.ProofDue: ("ticket", "customer", "name"),
    e.Proven: ("ticket", "engineer", "look_by"),
}


def _absorb(call: Call, state: State, column: str, event: e.Event, rules: Rules) -> Call:
    if column == "arrived_one":
        return replace(call, language=rules.language)
    if column == "choice" and isinstance(event, e.Keys):
        chosen = menu(state, rules)[event.digits.rstrip("#")]
        return _chosen(call, state, chosen)
    if isinstance(event, e.PinRight | e.PinWrong | e.PinLocked):
        return replace(call, pin_ok=isinstance(event, e.PinRight), pin_tries=call.pin_tries + 1)
    if isinstance(event, e.Recorded):
        return replace(call, recordings=(*call.recordings, event.recording))
    if isinstance(event, e.CustomerKnown):
        call = _known(call, event)
    if isinstance(event, e.CallerKnown):
        call = replace(call, claimed=event.customer, greet=True)
    kept: dict[str, Any] = {name: getattr(event, name) for name in KEPT.get(type(event), ())}
    if isinstance(kept.get("look_by"), datetime):
        kept["look_by"] = kept["look_by"].isoformat()
    return replace(call, **kept, outcome=_outcome(call, event) or call.outcome)


def _chosen(call: Call, state: State, chosen: str) -> Call:
    """A key of the desk's own: a language, a severity, or a matter; another matter is another ticket."""
    match state.menu:
        case "languages":
            return replace(call, language=chosen)
        case "severities":
            return replace(call, priority=chosen)
    return replace(
        call,
        matter=chosen,
        priority=None,
        ticket=None,
        why="",
        outcome="",
        engineer="",
        look_by="",
        ending="",
        status="",
    )


def _known(call: Call, event: e.CustomerKnown) -> Call:
    """A PIN is one customer's; and on-call may speak another language than the caller chose."""
    proven = call.pin_ok and call.customer == event.customer
    switched = bool(event.language) and event.language != call.language
    return replace(call, pin_ok=proven, switched=switched, language=event.language or call.language)


def _outcome(call: Call, event: e.Event) -> str:
    """What the caller is told at the end; the prompt `outcome.<this>`."""
    match event:
        case e.Noted() if call.matter == "add":
            return "added"
        case e.TicketFound() if call.matter == "status":
            return "status"
        case e.Escalated():
            return "escalated"
        case e.TicketOpened(ending=ending) if ending:
            return "proving"
        case e.TicketOpened(paging=paging, look_by=look_by) | e.Proven(paging=paging, look_by=look_by):
            return "paging" if paging else "looks" if look_by else "queued"
        case e.CallbackTaken():
            return "taken"
        case e.CallbackRefused(reason=reason):
            return "refused_cap" if reason == "cap" else "refused"
    return ""


def _slip(call: Call, column: str, target: str, rules: Rules) -> tuple[Call, str]:
    """Counts a slip at the same prompt, leaves it after so many; the language menu in the default language."""
    state = STATES.get(call.spoke)
    if state is None or column not in SLIPS or target not in (call.spoke, state.again):
        return call, target
    if call.slips + 1 < state.tries or not state.give_up:
        return replace(call, slips=call.slips + 1), target
    language = rules.language if state.menu == "languages" else call.language
    return replace(call, language=language), state.give_up


# ── the state that is entered ───────────────────────────────────────────────────────────────────────────────────────


def _enter(call: Call, column: str, target: str, event: e.Event, rules: Rules) -> tuple[Call, Step]:
    state = STATES[target]
    if state.needs and not (getattr(rules, state.needs, None) or getattr(call, state.needs, None)):
        return _enter(call, column, state.exits["skip"], event, rules)
    call = replace(call, state=target, why=state.why or call.why)
    if state.asks == "open_ticket" and call.ticket:  # one ticket a call: it stands already
        return _enter(call, column, state.exits["opened"], event, rules)
    if state.expects == "answer":
        return call, _request(call, state, event)
    again = target == call.spoke
    call = replace(
        call,
        spoke=target,
        slips=call.slips if again else 0,
        lead=column if column in SLIPS and (again or column == "unknown") and state.expects != "hold" else "",
        step=call.step if state.expects in LAST else call.step + 1,
    )
    return call, Speak(document(call, state, rules))


def _request(call: Call, state: State, event: e.Event) -> e.Request:
    keyed = event.digits.rstrip("#") if isinstance(event, e.Keys) else ""
    ticket = call.ticket or ""
    match state.asks:
        case "look_up_code":
            return e.LookUpCode(keyed, call.matter)
        case "look_up_customer":
            return e.LookUpCustomer(call.customer or call.claimed, call.matter)
        case "find_ticket":
            return e.FindTicket(call.customer or "", keyed, call.matter)
        case "check_pin":
            return e.CheckPin(call.customer or "", keyed, call.pin_tries + 1)
        case "open_ticket":
            return e.OpenTicket(call.customer, call.priority, call.pin_ok and call.priority is not None, state.why)
        case "add_description":
            return e.AddDescription(ticket, event.text if isinstance(event, e.Words) else "")
        case "attach_recording":
            recorded = event if isinstance(event, e.Recorded) else e.Recorded("", 0)
            return e.AttachRecording(ticket, recorded.recording, recorded.seconds)
        case "take_callback_number":
            return e.TakeCallback(keyed, call.customer, call.ticket)
        case "take_callback":
            return e.TakeCallback(None, call.customer, call.ticket)
        case "find_person":
            return e.FindPerson(call.customer, call.ticket)
    if state.asks in ABOUT_TICKET:
        return ABOUT_TICKET[state.asks](ticket)
    return e.GiveReason(keyed) if state.asks == "give_reason" else PLAIN[state.asks]()


ABOUT_TICKET: Mapping[str, type[e.Escalate | e.FetchDescription]] = {
    "escalate": e.Escalate,
    "fetch_description": e.FetchDescription,
}
Plain = (
    e.LookUpCaller | e.LookAtPage | e.AcceptPage | e.PassOn | e.JoinCaller | e.LookAtRoom | e.LookAtCallback | e.Prove
    | e.LookAtCaller | e.AcceptCaller
)  # fmt: skip
PLAIN: Mapping[str, type[Plain]] = {
    "join_caller": e.JoinCaller,
    "look_at_room": e.LookAtRoom,
    "look_up_caller": e.LookUpCaller,
    "look_at_page": e.LookAtPage,
    "accept_page": e.AcceptPage,
    "pass_on": e.PassOn,
    "look_at_callback": e.LookAtCallback,
    "prove": e.Prove,
    "look_at_caller": e.LookAtCaller,
    "accept_caller": e.AcceptCaller,
}


AFTER_MUSIC = 2  # seconds: it took its time already


def document(call: Call, state: State, rules: Rules) -> verbs.Document:
    """What the line is handed in a speaking state.

    Silence is sent on twice over, by the gather itself and by the redirect after it: not every carrier does the first.
    """
    spoken = prompts.speech(call, state.says, rules)
    language = call.language or rules.language
    match state.expects:
        case "end":
            return (*spoken, verbs.Hangup())
        case "bridge":
            return spoken
        case "person":
            link = (
                verbs.Enqueue(call.step, call.queue)
                if call.queue
                else verbs.Dial(call.step, call.person, rules.caller_id)
            )
            return (*spoken, link, verbs.Redirect(call.step))
        case "meeting":
            return (*spoken, verbs.Conference(call.step, call.room), verbs.Redirect(call.step))
        case "report" if rules.record:
            notice = prompts.speech(call, ("record",), rules, lead=False)
            return (
                *spoken,
                *notice,
                verbs.Record(call.step, rules.record_seconds, silence=state.seconds, transcribe=rules.transcribe),
                verbs.Redirect(call.step),
            )
        case "report":
            hear = verbs.Gather(call.step, spoken, state.seconds, digits=1, takes="dtmf speech", language=language)
            return (hear, verbs.Redirect(call.step))
        case "hold" if rules.music:
            heard = (*spoken, verbs.Play(rules.music))
            return (verbs.Gather(call.step, heard, AFTER_MUSIC, digits=1, finish=""), verbs.Redirect(call.step))
        case "key" | "hold":
            return (verbs.Gather(call.step, spoken, state.seconds, digits=1, finish=""), verbs.Redirect(call.step))
    return (verbs.Gather(call.step, spoken, state.seconds), verbs.Redirect(call.step))
