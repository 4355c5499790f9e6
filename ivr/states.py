"""The call's state machine: ONE table. A newcomer reads this file and knows every call.

A row is a state: what is spoken, what is expected, and the exit for everything that can come. A *speaking* state hands
the line a document and waits; an *asking* state puts a request to the shell, whose answer is the next event. Exits are
names of states; `SAME` is the state itself, spoken again. Refuses to do anything: `ivr/turn.py` walks the table,
`ivr/diagram.py` draws it.

Keys never change meaning: 9 call me back, 0 a person or a message, star again, at each key prompt of a customer's call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Leg = Literal["caller", "page", "callback", "agent"]
Expects = Literal["arrival", "key", "digits", "report", "hold", "person", "meeting", "end", "bridge", "answer"]
Menu = Literal["", "languages", "severities", "matters"]
Needs = Literal["", "menu", "greets", "claimed", "unproven", "about", "customer", "reasons"]

SAME = "."
GONE = "gone"
# Exits that count as a slip when they lead back to the same prompt; after `tries` slips the state is left by `give_up`.
SLIPS = frozenset({"wrong", "silence", "unknown", "pin_wrong", "ticket_slip", "ticket_unknown"})
FIRST: Mapping[Leg, str] = MappingProxyType({"caller": "start", "page": "page", "callback": "ring", "agent": "agent"})


@dataclass(frozen=True, slots=True)
class State:
    """One row. `says`: prompt names in order. `seconds`: silence after the prompt before the time-out exit is taken."""

    expects: Expects
    exits: Mapping[str, str]
    says: tuple[str, ...] = ()
    menu: Menu = ""  # the desk's own choice of keys; one of them takes the exit "choice"
    asks: str = ""  # the request, when an answer is expected
    why: str = ""  # why a ticket is opened here
    tries: int = 3
    give_up: str = ""
    again: str = ""  # an asking state that leads back here: a slip that goes there counts too
    seconds: int = 6
    needs: Needs = ""  # what the desk or the call must have for this state; without it the exit "skip" is taken at once


HELP = {"9": "callback", "0": "person", "*": SAME}
SLIP = {"wrong": SAME, "silence": SAME}


def _key(says: str, exits: Mapping[str, str], **more: object) -> State:
    return State("key", {**SLIP, **exits}, tuple(says.split()), **more)  # type: ignore[arg-type]


def _digits(says: str, exits: Mapping[str, str], **more: object) -> State:
    return State("digits", {**HELP, **SLIP, **exits}, tuple(says.split()), **more)  # type: ignore[arg-type]


def _report(says: str) -> State:
    """The caller tells what it is about: a recording, or words. The ticket stands already: nothing can lose it."""
    exits = {**HELP, **SLIP, "recorded": "attach", "words": "add", "hang_up": GONE}
    return State("report", exits, tuple(says.split()), tries=2, give_up="closing")


def _ask(asks: str, exits: Mapping[str, str], needs: Needs = "") -> State:
    return State("answer", exits, asks=asks, needs=needs)


def _file(why: str, then: str) -> State:
    """Open the call's ticket (once a call) and go on."""
    return State("answer", {"opened": then}, asks="open_ticket", why=why)


def _end(says: str = "") -> State:
    """The last words. A recording may still come in: carriers send it after the hang-up."""
    return State("end", {"recorded": "attach_late", "hang_up": GONE}, tuple(says.split()))


# A known customer: what comes next depends on the hour, the contract and the matter.
KNOWN = {
    "known_open": "severity",
    "known_pin": "pin",
    "known_no_pin": "file_no_pin",
    "known_not_entitled": "file_not_entitled",
    "known_locked": "file_locked",
    "known_no_proof": "file_no_proof",
    "known_information": "file_information",
}

CALLER: Mapping[str, State] = {
    "start": State("arrival", {"arrived": "language", "arrived_one": "recognising", "hang_up": GONE}),
    "language": _key(
        "welcome languages",
        {**HELP, "choice": "recognising", "hang_up": GONE},
        menu="languages",
        tries=2,
        give_up="recognising",
    ),
    # ── where the desk wishes it: who may that be (the calling number, a hint and no more), and what is it about ──
    "recognising": _ask(
        "look_up_caller", {"caller_known": "menu", "caller_unknown": "menu", "skip": "menu"}, needs="greets"
    ),
    "menu": _key(
        "greeting menu",
        {**HELP, "choice": "claimed", "skip": "claimed", "hang_up": GONE},
        menu="matters",
        give_up="claimed",
        needs="menu",
    ),
    "claimed": _digits(
        "claimed help",
        {"digits": "looking_up", "silence": "looking_up_claimed", "hang_up": GONE, "skip": "code"},
        give_up="code",
        needs="claimed",
    ),
    "looking_up_claimed": _ask("look_up_customer", {**KNOWN, "unknown": "code"}),
    "code": _digits("code help", {"digits": "looking_up", "hang_up": GONE}, give_up="file_no_code"),
    "code_again": _digits(
        "code help", {"digits": "looking_up", "hang_up": "file_hung_up"}, tries=2, give_up="file_no_code"
    ),
    "looking_up": _ask(
        "look_up_code",
        {**KNOWN, "unknown": "code_again"},
    ),
    "pin": _digits(
        "oncall_language pin",
        {"digits": "checking_pin", "hang_up": "file_hung_up", "skip": "which_ticket"},
        give_up="file_pin_missing",
        needs="unproven",
    ),
    "checking_pin": _ask("check_pin", {"pin_right": "which_ticket", "pin_wrong": "pin", "pin_locked": "file_locked"}),
    # ── about a ticket one has: only who keyed the PIN hears of it, adds to it or presses for it ──
    "which_ticket": _digits(
        "which_ticket",
        {"digits": "finding_ticket", "hang_up": "file_hung_up", "skip": "severity"},
        give_up="file_which",
        needs="about",
    ),
    "finding_ticket": _ask(
        "find_ticket",
        {
            "found_add": "addition",
            "found_escalate": "escalating",
            "found_status": "closing",
            "ticket_slip": "which_ticket",
            "ticket_unknown": "which_ticket",
        },
    ),
    "addition": _report("addition"),
    "escalating": _ask("escalate", {"escalated": "reason"}),
    "reason": _report("escalated"),
    # ── a report ──
    "severity": _key(
        "thanks severity",
        {**HELP, "choice": "file_severity", "maintenance": "file_maintenance", "hang_up": "file_hung_up"},
        menu="severities",
        give_up="file_no_severity",
    ),
    "file_severity": _file("severity", "description"),
    "file_no_severity": _file("no_severity", "description"),
    "file_maintenance": _file("maintenance", "description"),
    "file_information": _file("information", "description"),
    "description": _report("description"),
    # ── a message, because the way above was closed ──
    "file_no_code": _file("no_code", "message"),
    "file_no_pin": _file("no_pin", "message"),
    "file_not_entitled": _file("not_entitled", "message"),
    "file_pin_missing": _file("pin_missing", "message"),
    "file_locked": _file("locked", "message"),
    "file_no_proof": _file("no_proof", "message"),
    "file_which": _file("which", "message"),
    "file_nobody": _file("nobody", "message"),
    "message": _report("because message"),
    "attach": _ask("attach_recording", {"noted": "closing"}),
    "add": _ask("add_description", {"noted": "closing"}),
    # ── call me back ──
    "callback": _digits(
        "callback",
        {"9": SAME, "digits": "callback_number", "silence": "callback_here", "hang_up": "callback_gone"},
        give_up="callback_here",
    ),
    "callback_number": _ask("take_callback_number", {"taken": "closing", "refused": "closing"}),
    "callback_here": _ask("take_callback", {"taken": "closing", "refused": "closing"}),
    "callback_gone": _ask("take_callback", {"taken": GONE, "refused": GONE}),
    # ── a person ──
    "person": _ask("find_person", {"person": "file_person", "in_queue": "file_queue", "nobody": "file_nobody"}),
    "file_queue": _file("person", "waiting"),
    # Our own queue: who waits hears the place and the time again and again, and the keys still help.
    "waiting": State(
        "hold", {**HELP, "wrong": SAME, "silence": "person", "hang_up": GONE}, ("queue",), seconds=15, again="person"
    ),
    "file_person": _file("person", "connecting"),
    "connecting": State(
        "person",
        {
            "connected": "goodbye",
            "not_connected": "person",
            "silence": "person",
            "wrong": "person",
            "hang_up": GONE,
        },
        ("connecting",),
    ),
    # ── the end ──
    "closing": _key(
        "outcome number again repeat another",
        {**HELP, "choice": "next_matter", "silence": "goodbye", "hang_up": GONE},
        menu="matters",
        give_up="goodbye",
        seconds=4,
    ),
    "next_matter": _ask("look_up_customer", {**KNOWN, "unknown": "code", "skip": "code"}, needs="customer"),
    "goodbye": _end("goodbye"),
    "file_hung_up": _file("hung_up", GONE),
    "attach_late": _ask("attach_recording", {"noted": GONE}),
    GONE: _end(),
}

PAGE_KEYS = {
    "1": "page_accepting",
    "2": "page_fetching",
    "3": "page_passing",
    "4": "page_joining",
    "*": SAME,
    "hang_up": GONE,
}
REASONS = dict.fromkeys("1234", "page_reason")
# Said again only after another look: the minutes have gone down, and somebody may have been quicker.
LOOK_AGAIN = {"silence": "page_looking", "*": "page_looking"}

PAGE: Mapping[str, State] = {
    "page": State("arrival", {"arrived": "page_looking", "hang_up": GONE}),
    "page_looking": _ask(
        "look_at_page",
        {"page_open": "page_offer", "page_taken": "page_late", "page_over": "page_over", "page_test": "page_drill"},
    ),
    "page_offer": _key(
        "page page_keys page_more page_where",
        {**PAGE_KEYS, **LOOK_AGAIN},
        tries=2,
        give_up="page_unanswered",
        again="page_looking",
    ),
    "page_fetching": _ask("fetch_description", {"described": "page_described"}),
    "page_described": _key(
        "described page_keys", {**PAGE_KEYS, "silence": "page_looking"}, tries=2, give_up="page_unanswered"
    ),
    "page_accepting": _ask(
        "accept_page",
        {"accepted": "page_accepted", "page_taken": "page_late", "page_over": "page_over", "tested": "page_tested"},
    ),
    "page_passing": _ask("pass_on", {"passed": "page_passed", "page_taken": "page_late", "page_over": "page_over"}),
    "page_accepted": _end("page_accepted page_more number repeat"),
    # It is passed on already and somebody else is rung: the reason is a courtesy.
    "page_passed": _key(
        "page_passed page_reasons",
        {**REASONS, "silence": GONE, "*": SAME, "hang_up": GONE, "skip": "page_passed_on"},
        tries=2,
        give_up="page_bye",
        needs="reasons",
    ),
    "page_passed_on": _end("page_passed"),
    "page_reason": _ask("give_reason", {"noted": "page_bye"}),
    "page_bye": _end("page_bye"),
    # ── join the caller: they are connected when both are in the room, and not before ──
    "page_joining": _ask(
        "join_caller",
        {"joined": "page_meeting", "caller_gone": "page_gone", "page_taken": "page_late", "page_over": "page_over"},
    ),
    "page_meeting": State(
        "meeting",
        {
            "connected": "page_after",
            "not_connected": "page_after",
            "silence": "page_after",
            "wrong": "page_after",
            "hang_up": GONE,
        },
        ("page_accepted", "page_meeting"),
    ),
    "page_after": _ask("look_at_room", {"talked": "page_talked", "caller_gone": "page_gone"}),
    "page_talked": _end("page_talked number"),
    "page_gone": _end("page_accepted page_gone number repeat"),
    # ── a test page ──
    "page_drill": _key(
        "page_test", {"1": "page_accepting", "*": SAME, "hang_up": GONE}, tries=2, give_up="page_unanswered"
    ),
    "page_tested": _end("page_tested"),
    "page_late": _end("page_late"),
    "page_over": _end("page_over"),
    "page_unanswered": _end("page_unanswered"),
}

CALLBACK: Mapping[str, State] = {
    "ring": State("arrival", {"arrived": "ring_looking", "hang_up": GONE}),
    "ring_looking": _ask(
        "look_at_callback", {"callback_due": "ring_greet", "proof_due": "ring_proof", "callback_over": "ring_over"}
    ),
    "ring_greet": _key(
        "ring number_once ring_keys", {**HELP, "1": "person", "hang_up": GONE}, tries=2, give_up="ring_unanswered"
    ),
    # ── no PIN is asked here: a key on the telephone on file is what proves the caller ──
    "ring_proof": _key(
        "ring_proof number_once proof_keys",
        {**HELP, "1": "proving", "hang_up": GONE},
        tries=2,
        give_up="ring_unanswered",
    ),
    "proving": _ask("prove", {"proven": "ring_proven", "callback_over": "ring_over"}),
    "ring_proven": _end("outcome number goodbye"),
    "ring_over": _end("ring_over"),
    "ring_unanswered": _end("goodbye"),
}

# Somebody of the desk whom a caller is connected to: a key first, so that no caller ends in a voicemail.
AGENT: Mapping[str, State] = {
    "agent": State("arrival", {"arrived": "agent_looking", "hang_up": GONE}),
    "agent_looking": _ask("look_at_caller", {"caller_waits": "agent_offer", "caller_left": "agent_late"}),
    "agent_offer": _key(
        "agent agent_key number_once",
        {"1": "agent_taking", "*": SAME, "hang_up": GONE},
        tries=2,
        give_up="agent_missed",
    ),
    "agent_taking": _ask("accept_caller", {"caller_taken": "agent_connected", "caller_left": "agent_late"}),
    # The document ends and does not hang up: that is what connects the two.
    "agent_connected": State("bridge", {"hang_up": GONE}, ("page_meeting",)),
    "agent_late": _end("agent_late"),
    "agent_missed": _end(),
}

STATES: Mapping[str, State] = MappingProxyType({**CALLER, **PAGE, **CALLBACK, **AGENT})
LAST = frozenset({"end", "bridge"})  # after these documents nothing more is spoken
