"""What stored codes and words say to people: events of a call, reasons of the ledger, alarms, what happened to a ticket.

The store keeps short English words and codes; the tables here turn each into a message of the catalogue. What is not in
a table is shown as it is. Refuses to decide anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import phonenumbers

from gateway.web.labels import LABELS
from gateway.web.labels import mark as _

Say = Callable[[str], str]

# ivr.events.audit -> what happened in the call
EVENTS: Mapping[str, str] = {
    "code_known": _("Keyed a customer code that is on file"),
    "code_unknown": _("Keyed a customer code that nobody has"),
    "pin_ok": _("The PIN was right"),
    "pin_wrong": _("The PIN was wrong"),
    "pin_locked": _("No more PINs are taken: asked for a message instead"),
    "ticket": _("The ticket was opened"),
    "words": _("Said what is wrong"),
    "recording": _("Left a recording"),
    "ticket_found": _("Keyed the number of a ticket of theirs"),
    "ticket_slip": _("Keyed a number that no ticket can have"),
    "ticket_unknown": _("Keyed a number that is none of their tickets"),
    "escalated": _("Escalated the ticket"),
    "person_rung": _("Was connected to an agent's telephone"),
    "callback_taken": _("Will be called back"),
    "callback_refused": _("The call back was refused"),
    "page_accepted": _("Pressed 1: accepted"),
    "page_passed": _("Pressed 3: passed it on"),
    "page_late": _("Pressed 1, but somebody else was quicker"),
    "page_tested": _("Accepted a test page"),
    "caller_fetched": _("Pressed 4: joins the caller"),
    "caller_gone": _("Pressed 4, but the caller is gone: was told the number"),
    "hung_up": _("Hung up"),
    "caller_taken": _("Pressed 1: took the caller"),
    "fell_silent": _("The line fell silent, and the call was ended"),
    "caller_proven": _("Pressed 1 on the telephone on file: it was them"),
}

# Reason codes of the ledger -> why this outcome
REASONS: Mapping[str, str] = {
    "same-delivery": _("The same mail came before"),
    "bounce": _("Our own mail came back"),
    "unreadable": _("It could not be read; a person looks at the raw mail"),
    "failed-inside": _("Something failed on our side; a person looks at the raw mail"),
    "bounce-not-ours": _("It says that a mail came back, but none of ours"),
    "receipt-not-ours": _("It is the receipt of a certified mail, but of none of ours"),
    "token-without-party": _("It names a ticket, but the sender has no part in it"),
    "spam": _("Somebody called it spam"),
    "erased": _("The person was erased"),
    "suspected-loop": _("It looks like a mail loop"),
    "ambiguous-sender": _("It names no sender, or several"),
    "own-address": _("It claims to come from one of our own addresses"),
    "canary": _("Our own canary: the way in works"),
    "poison": _("It failed each time it was read: look at the raw mail"),
    "not-given": _("The mailbox lists it and does not give it: open it there"),
    "gone-before-it-was-read": _("Somebody else deleted it from the mailbox first"),
    "severity": _("The caller chose how serious it is"),
    "no_severity": _("The caller did not say how serious it is"),
    "no_code": _("No customer code was recognised"),
    "locked": _("Too many wrong PINs: the caller left a message"),
    "no_pin": _("No PIN is on file: the caller left a message"),
    "pin_missing": _("The caller gave no PIN and left a message"),
    "not_entitled": _("On-call is not in the plan: the caller left a message"),
    "no_proof": _("The caller has no PIN, so nothing was said of a ticket: they left a message"),
    "which": _("The caller could not name the ticket and left a message"),
    "maintenance": _("The caller announces planned maintenance"),
    "information": _("The caller asks for information"),
    "nobody": _("The caller asked for a person and nobody was free"),
    "person": _("The caller asked for a person"),
    "hung_up": _("The caller hung up early"),
    "callback": _("The caller asked to be called back"),
}

# Reason codes of `acknowledge` -> why nobody was answered
UNANSWERED: Mapping[str, str] = {
    "known-address-unverified": _("the address is on file, and nothing proves that it wrote this"),
    "sender-failed": _("the sender's domain says that the mail is not its own"),
    "unusable-address": _("the sender's address cannot be answered"),
    "reply-to-other-party": _("the answer would go to somebody of another customer"),
    "passed-on": _("somebody else passed it on"),
    "recovered": _("the monitoring system says that it recovered"),
    "archive": _("it is of an archive"),
    "budget:address": _("this address was answered within the last hour"),
    "auto-reply": _("the mail is an automatic answer"),
    "auto-generated": _("a program wrote the mail"),
    "null-sender": _("the mail has no sender to answer to"),
    "no-reply": _("the mail has no sender to answer to"),
    "asked-not-to": _("the sender asked for no automatic answer"),
    "list": _("the mail came through a list"),
    "bulk": _("the mail went to many"),
    "bounce": _("the mail says that another did not arrive"),
    "delay": _("the mail says that another did not arrive"),
    "report": _("the mail is a report of another server"),
    "receipt": _("the mail is a receipt"),
    "pec-receipt": _("the mail is a receipt"),
}

# Kinds of alarms -> what is the matter
ALARMS: Mapping[str, str] = {
    "page-exhausted": _("Nobody accepted the page: ring somebody by hand"),
    "duty": _("The on-call duty has a hole: mend it before it hurts"),
    "callback-given-up": _("A customer could not be called back: write or ring by hand"),
    "escalated": _("A customer escalates by telephone"),
    "agent-number": _("An agent's telephone cannot be called: correct the number"),
    "page-capped": _("An engineer was not rung: called too often already"),
    "page-number": _("An engineer's telephone cannot be called: correct the number"),
    "page-late": _("A page did not go on in time"),
    "no-route": _("A ticket fits no route: give it a queue, and the desk a route"),
    "nobody-fits": _("Nobody is there for a ticket: give it to somebody"),
    "note-refused": _("A written page was refused"),
    "heartbeat-not-sent": _("The heartbeat does not get through"),
    "test-page-not-accepted": _("Somebody did not accept a test page"),
    "dead-job": _("Something did not get done and is not tried again"),
    "failing-job": _("Something keeps failing and is still tried"),
    "breach": _("A deadline was missed"),
    "deadline-near": _("A deadline comes near"),
    "update-due": _("The customer is owed news"),
    "offer-expired": _("An offer has expired"),
    "escalation": _("The clock has escalated a ticket"),
    "bounce": _("A mail of ours came back"),
    "letter-refused": _("A mail of ours was refused"),
    "unreadable": _("A mail could not be read: look at the raw mail"),
    "failed-inside": _("Something failed on our side: look at the ticket"),
    "too-big": _("Only the beginning of an answer is here: it was too big"),
    "encrypted": _("An answer is encrypted: nobody can read it"),
    "suspected-loop": _("A mail loop is suspected: mails are held"),
    "certificate": _("The mail door's new certificate cannot be used"),
    "held": _("Held mails wait for somebody's decision"),
    "ledger-gap": _("The ledger does not balance: something may be lost"),
    "mailbox-login-refused": _("A mailbox refuses our login: correct its credentials"),
    "mailbox-credentials-end": _("A mailbox's credentials end soon: renew them"),
    "mailbox-unreachable": _("A mailbox cannot be read"),
    "mailbox-poison": _("A mail failed each time and is held: look at the raw mail"),
    "mailbox-mail-not-given": _("A mailbox lists a mail and does not give it"),
    "mailbox-mail-gone": _("Somebody else deleted a mail before it was read"),
    "mailbox-not-flagged": _("Mails that are filed cannot be flagged or moved"),
    "mailbox-renumbered": _("A mailbox gave all its mails new numbers"),
    "mailbox-silent": _("A mailbox is unusually silent"),
    "mailbox-canary": _("The canary did not arrive: mail may not reach us"),
}

# The store's words of an entry -> (what goes on after who did it, what stands below). {1} is what the pattern found.
TOLD: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), title, below)
    for pattern, title, below in (
        (r"taken in charge by .+", _("took it in charge"), ""),
        (r"clock paused: (.*)", _("paused the clock"), "{1}"),
        (r"clock resumed", _("resumed the clock"), ""),
        (r"clock resumed by the customer's answer", _("resumed the clock, because the customer answered"), ""),
        (r"reopened by the customer's answer", _("reopened it, because the customer answered"), ""),
        (r"priority (\S+) -> (\S+)", _("changed the priority"), "{1} → {2}"),
        (r"escalated (\S+) \(\S+\) -> (\S+) \(\S+\)", _("handed it on"), "{1} → {2}"),
        (
            r"the mail was too big: of (\d+) bytes the first (\d+) are here",
            _("kept only the beginning of a mail that was too big"),
            "{2} / {1}",
        ),
        (r"also sent to (\S+): in the queue (\S+) too", _("linked it to a further queue"), "{2} ({1})"),
        (r"resolved", _("resolved it"), ""),
        (r"closed", _("closed it"), ""),
        (r"reopened", _("reopened it"), ""),
        (r"deadline missed: (\w+)", _("warned: a deadline was missed"), "{1}"),
        (r"deadline missed: (\w+) \(noticed late\)", _("warned late: a deadline was missed"), "{1}"),
        (r"deadline near: (\w+)(?: \(noticed late\))?", _("warned: a deadline comes near"), "{1}"),
        (r"news to the customer is due(?: \(noticed late\))?", _("reminded: the customer is owed news"), ""),
        (r"(\S+) no longer: the offer has expired(?: \(noticed late\))?", _("noted that the offer has expired"), ""),
        (
            r"closed, because the customer said nothing more(?: \(noticed late\))?",
            _("closed it, because the customer said nothing more"),
            "",
        ),
        (r"closed: the customer confirms", _("closed it, because the customer confirmed"), ""),
        (r"plan (\S+) -> (\S+)", _("changed the plan"), "{1} → {2}"),
        (r"action plan", _("agreed the action plan"), ""),
        (r"told the customer", _("told the customer"), ""),
        (r"stage (\S+) -> (\S+)", _("moved it to the next stage"), "{1} → {2}"),
        (r"escalated to (.+) by the clock", _("escalated by the clock"), "{1}"),
        (r"escalated to (.+) by the clock \(noticed late\)", _("escalated by the clock, late"), "{1}"),
        (r"released a mail that was held: (.*)", _("released a mail that was held"), "{1}"),
        (r"made a mail a ticket of its own: (.*)", _("made a mail a ticket of its own"), "{1}"),
        (r"made it a ticket of its own", _("made it a ticket of its own"), ""),
        (r"no acknowledgement sent: (.*)", _("sent no acknowledgement"), "{1}"),
        (r".+ has verified the sender|the sender was verified", _("verified the sender"), ""),
        (
            r"the caller is proven: somebody pressed 1 on the telephone on file",
            _("noted that the caller is proven: somebody pressed 1 on the telephone on file"),
            "",
        ),
        (r"the report is (.+)'s", _("said whose report it is"), "{1}"),
        (r"kind (\S+) -> (\S+)", _("changed the kind"), "{1} → {2}"),
        (r"given (.+) -> (.+)", _("gave it to somebody else"), "{1} → {2}"),
        (r"merged into (\S+)", _("merged it into another ticket"), "{1}"),
        (r"(\S+) was merged into this ticket", _("merged another ticket into it"), "{1}"),
        (r"a ticket of its own again, out of (.+)", _("made it a ticket of its own again"), "{1}"),
        (r"(\S+) is a ticket of its own again", _("took a merged ticket out of it again"), "{1}"),
        (r"may be part of a wider fault \((.+)\)", _("noticed that it may be part of a wider fault"), "{1}"),
        (r"part of the wider fault (\S+)", _("made it part of a wider fault"), "{1}"),
        (r"not part of the wider fault", _("took it out of the wider fault"), ""),
        (r"(\S+) is part of it", _("added a ticket to the fault"), "{1}"),
        (r"update sent to (\d+) tickets", _("sent one update to all its tickets"), "{1}"),
        (r"the monitoring system tells of it again", _("heard of it again from the monitoring system"), ""),
        (r"the monitoring system says that it recovered", _("heard from the monitoring system that it recovered"), ""),
        (r"the same report again", _("added the same report, which came again"), ""),
        (r"the recording was written down \(\w+\)", _("wrote the recording down"), ""),
        # by telephone
        (r".+ took the call", _("took the call"), ""),
        (
            r"not proven yet: the number on file is rung, a key there proves it",
            _("rings the number on file: a key there proves it"),
            "",
        ),
        (r"not proven, so nobody is rung: (.*)", _("rings nobody, because nothing proves the caller"), "{1}"),
        (r"the caller wants to be called back", _("asked for a call back"), ""),
        (r"a call back was refused: (.*)", _("asked for a call back, which was refused"), "{1}"),
        (r"(.+): call back now", _("was told to call back now"), "{1}"),
        (r"the customer is called back, attempt 1", _("calls the customer back"), ""),
        (r"the customer is called back, attempt \d+", _("calls the customer back once more"), ""),
        (r"the call back was not taken: (.*)", _("did not reach the customer"), "{1}"),
        (
            r"the customer wants to be called back another time",
            _("calls back later: the customer wants it another time"),
            "",
        ),
        (
            r"the customer was reached, but not connected; they are called again",
            _("reached the customer and could not connect them; they are called again"),
            "",
        ),
        (r"the customer was called back by hand", _("called the customer back by hand"), ""),
        (r"call back: the customer was called back", _("called the customer back"), ""),
        (
            r"call back: not reached after \d+ attempts; write to the customer or ring by hand",
            _("gave the call back up: write to the customer or ring by hand"),
            "",
        ),
        (r"call back: the ticket is done; nobody is called back", _("calls nobody back: the ticket is done"), ""),
        (
            r"call back: the time that the customer named is over",
            _("calls nobody back: the time that the customer named is over"),
            "",
        ),
        (r"nobody accepted the page \((.*)\); ring somebody by hand", _("found nobody: ring somebody by hand"), "{1}"),
    )
)
LETTERS: Mapping[str, str] = {
    "acknowledgement": _("acknowledged the report"),
    "notice": _("sent a notice"),
    "escalation": _("wrote to whom the escalation names"),
}
REFUSED = _("could not deliver the mail to %(to)s")
PRESSED = _("pressed %(key)s")
FROM = _("From %(number)s")
CALL_BACK = _("Asked to be called back at %(number)s")
RECORDING = _("Left a recording of %(n)s s")
CONSENT = _("; told before that the call is recorded")


def told(words: str, say: Say, labels: Mapping[str, str]) -> tuple[str, str]:
    """(title, text) of an entry's stored words. `labels`: the desk's own names of its queues."""
    for pattern, title, below in TOLD:
        found = pattern.fullmatch(words)
        if found:
            parts = (labels.get(part) or label(part, say) for part in found.groups())
            return say(title), below.format("", *parts)
    return words, ""


def label(identifier: str, say: Say) -> str:
    """The words for an identifier; what is none stands for itself."""
    known = LABELS.get(identifier)
    return say(known) if known else identifier


def phrase(table: Mapping[str, str], code: str, say: Say) -> str:
    """A code of one of the tables in the reader's words."""
    known = table.get(code)
    return say(known) if known else code


def dialled(number: str) -> str:
    """A telephone number as people write it: +39 06 5550 0303. What is no number stays as it is."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
