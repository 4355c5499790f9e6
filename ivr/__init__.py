"""The call as a dialogue: events in, steps out, one table of states. No I/O, no clock, no carrier.

    call = ivr.begin(sid)
    call, step = ivr.turn(call, ivr.Arrived(), rules)
    while not isinstance(step, ivr.Speak):                 # a request: the shell answers it
        call, step = ivr.turn(call, answer(step), rules)
    xml = ivr.render(step.document, url)                   # url(call.step) is where the next event comes in

Read `ivr/states.py` first.
"""

from ivr.call import Call, Rules, begin, from_json, to_json
from ivr.diagram import mermaid
from ivr.events import *  # noqa: F403  (the vocabulary of this package; every name in it is an event)
from ivr.turn import Speak, Step, Unexpected, turn
from ivr.twiml import REGION, apology, meeting, moment, render, waiting
from ivr.verbs import AGENT, RECORDING, ROOM, WAIT, Document

__all__ = [  # noqa: F405
    "AGENT", "RECORDING", "REGION", "ROOM", "WAIT", "AcceptCaller", "AcceptPage", "Accepted", "AddDescription", "Answer",
    "Arrived", "AttachRecording", "Call", "CallbackDue", "CallbackOver", "CallbackRefused", "CallbackTaken",
    "CallerGone", "CallerKnown", "CallerLeft", "CallerTaken", "CallerUnknown", "CallerWaits", "CheckPin", "CodeUnknown",
    "CustomerKnown", "Description", "Document", "Escalate", "Escalated", "Event", "FetchDescription", "FindPerson",
    "FindTicket", "GiveReason", "Heard", "HungUp", "InQueue", "JoinCaller", "Joined", "Keys", "LegEnded",
    "LookAtCallback", "LookAtCaller", "LookAtPage", "LookAtRoom", "LookUpCaller", "LookUpCode", "LookUpCustomer",
    "Nobody", "Noted", "OpenTicket", "PageOpen", "PageOver", "PageTaken", "PassOn", "PassedOn", "Person", "PinLocked",
    "PinRight", "PinWrong", "ProofDue", "Prove", "Proven", "Recorded", "Request", "Rules", "Silence", "Speak", "Step",
    "TakeCallback", "Talked", "TestPage", "Tested", "TicketFound", "TicketOpened", "TicketSlip", "TicketUnknown",
    "Unexpected", "Words", "apology", "audit", "begin", "from_json", "meeting", "mermaid", "moment", "render",
    "to_json", "turn", "waiting",
]  # fmt: skip
