"""A desk in memory behind the phone's webhooks: what the web door does, in the fewest lines, with nothing stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import ivr
from gateway.phone import twilio
from gateway.phone.exchange import Exchange
from gateway.phone.simulator import Line, Phone
from gateway.phone.timeline import Timeline

PUBLIC = "https://desk.example.test"
TOKEN = "a token for tests"
VOICE, STATUS = f"{PUBLIC}/phone/twilio/voice", f"{PUBLIC}/phone/twilio/status"
PINS = {"100001": "471108"}
CODES = {"100001": ("acme", "Acme S.p.A."), "100002": ("beta", "Beta"), "100003": ("gamma", "Gamma")}
START = datetime(2026, 11, 22, 2, 30, tzinfo=UTC).timestamp()


def where(sid: str, step: int) -> str:
    return f"step/{sid}/{step}" if step >= 0 else "agent" if step == ivr.AGENT else "wait"


@dataclass
class Desk:
    """`hours`: what is asked of a known customer; pages, descriptions and people as the dialogue sets them."""

    closed: bool = True
    rules: ivr.Rules = field(default_factory=lambda: ivr.Rules(desk={"it": "Assistenza Prova", "en": "Test support"}))
    look_by: datetime | None = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    people: list[ivr.Answer] = field(default_factory=list)  # what is said of people, one after the other; then nobody
    caller_gone: bool = False
    asks_no_pin: bool = False  # a desk where the number on file is rung instead
    on_file: bool = False  # the calling number is Acme's
    escalations: list[str] = field(default_factory=list)
    page: ivr.Answer = field(default_factory=lambda: ivr.PageOpen("PR-1002-4137", "Acme", "Platinum", "P1", 45))
    description: ivr.Description = field(default_factory=ivr.Description)
    callback: ivr.Answer = field(default_factory=lambda: ivr.CallbackDue("PR-1002-4137", "acme"))
    language: str | None = None
    page_accepts: ivr.Answer = field(default_factory=lambda: ivr.Accepted("PR-1002-4137"))
    calls: dict[str, ivr.Call] = field(default_factory=dict)
    documents: dict[tuple[str, int], str] = field(default_factory=dict)
    tickets: list[dict[str, object]] = field(default_factory=list)
    older: dict[str, object] = field(default_factory=dict)  # what was added to a ticket from before this call
    events: list[str] = field(default_factory=list)
    callbacks: list[str] = field(default_factory=list)
    requests: list[ivr.Request] = field(default_factory=list)
    wrong_pins: int = 0

    def __post_init__(self) -> None:
        self.timeline = Timeline(START)
        self.line = Line(self.fetch, self.timeline, TOKEN)
        self.exchange = Exchange(self.line)

    # ── the web door ──

    def fetch(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        parts = urlsplit(url)
        raw = parts.path + (f"?{parts.query}" if parts.query else "")
        if not twilio.Signatures(PUBLIC, ("", TOKEN)).check(raw, tuple(form.items()), headers["X-Twilio-Signature"]):
            return 403, ""
        where, sid = parts.path.removeprefix("/phone/twilio/").split("/"), form["CallSid"]
        if where[0] == "status":
            return 200, self.turn(sid, ivr.HungUp()) if form["CallStatus"] == "completed" else ""
        if where[0] == "wait":
            return 200, ivr.waiting(("it",))
        step = int(where[2]) if where[0] == "step" else 0
        if (sid, step) not in self.documents:
            leg = where[0] if where[0] in ("page", "callback", "agent") else "caller"
            self.calls.setdefault(sid, ivr.begin(sid, leg, self.language))  # type: ignore[arg-type]
            self.documents[sid, step] = self.turn(sid, twilio.heard(form) if where[0] == "step" else ivr.Arrived())
        return 200, self.documents[sid, step]

    def turn(self, sid: str, event: ivr.Event) -> str:
        """One event to one document; between them, requests are answered until the line is spoken to."""
        call = ivr.from_json(json.loads(json.dumps(ivr.to_json(self.calls[sid]))))  # as if another replica went on
        self.events += ivr.audit(event)
        call, step = ivr.turn(call, event, self.rules)
        while not isinstance(step, ivr.Speak):
            self.requests.append(step)
            answer = self.answer(step)
            self.events += ivr.audit(answer)
            call, step = ivr.turn(call, answer, self.rules)
        self.calls[sid] = call
        return ivr.render(step.document, lambda n: f"/phone/twilio/{where(sid, n)}")

    # ── what the engine and the store would say ──

    def answer(self, asked: ivr.Request) -> ivr.Answer:
        match asked:
            case ivr.LookUpCode(digits=digits, matter=matter):
                return self.known(digits, matter)
            case ivr.LookUpCustomer(customer=customer, matter=matter):
                code = next(code for code, (known, _) in CODES.items() if known == customer)
                return self.known(code, matter)
            case ivr.LookUpCaller():
                return ivr.CallerKnown(*CODES["100001"]) if self.on_file else ivr.CallerUnknown()
            case ivr.FindTicket(digits=digits):
                return self.find(digits)
            case ivr.Escalate(ticket=ticket):
                self.escalations.append(ticket)
                return ivr.Escalated()
            case ivr.CheckPin(digits=digits, attempt=attempt):
                if digits == PINS["100001"]:
                    return ivr.PinRight()
                return ivr.PinLocked() if attempt >= 3 else ivr.PinWrong()
            case ivr.OpenTicket():
                return self.open(asked)
            case ivr.AddDescription(ticket=ticket, text=text):
                self.of(ticket)["words"] = text
                return ivr.Noted()
            case ivr.AttachRecording(ticket=ticket, recording=recording):
                self.of(ticket)["recorded"] = self.line.recordings[recording]
                return ivr.Noted()
            case ivr.TakeCallback(number=number, ticket=ticket, customer=customer):
                return self.take_callback(number, ticket, customer)
            case ivr.FindPerson():
                return self.people.pop(0) if self.people else ivr.Nobody()
            case ivr.FetchDescription():
                return self.description
            case ivr.LookAtPage():
                return self.page
            case ivr.AcceptPage():
                return self.page_accepts
            case ivr.PassOn():
                return ivr.PassedOn()
            case ivr.LookAtCallback():
                return self.callback
            case ivr.LookAtCaller():
                return ivr.CallerLeft() if self.caller_gone else ivr.CallerWaits("PR-1002-4137", "Acme")
            case ivr.AcceptCaller():
                return ivr.CallerTaken("PR-1002-4137")
            case ivr.Prove():
                return ivr.Proven("PR-1002-4137", True, "Anna")

    def of(self, number: str) -> dict[str, object]:
        return next((ticket for ticket in self.tickets if ticket["number"] == number), self.older)

    def find(self, digits: str) -> ivr.Answer:
        """One ticket of before this call, PR-1002-4137; any other number with a right check digit is somebody else's."""
        if digits == "10024137":
            return ivr.TicketFound("PR-1002-4137", "taken", self.look_by)
        return ivr.TicketUnknown() if digits == "10024144" else ivr.TicketSlip()

    def known(self, code: str, matter: str = "report") -> ivr.Answer:
        if code not in CODES:
            return ivr.CodeUnknown()
        if matter in ("add", "escalate", "status"):
            return ivr.CustomerKnown(*CODES[code], hours="pin" if code == "100001" else "no_proof")
        if matter == "information":
            return ivr.CustomerKnown(*CODES[code], hours="information")
        hours: dict[str, ivr.events.Hours] = {"100001": "pin", "100002": "no_pin", "100003": "not_entitled"}
        return ivr.CustomerKnown(
            *CODES[code], hours=hours[code] if self.closed and not self.asks_no_pin else "open", greet=not self.closed
        )

    def open(self, asked: ivr.OpenTicket) -> ivr.TicketOpened:
        number = f"PR-100{len(self.tickets) + 2}-4137"
        paging = asked.page and asked.priority == "P1"
        self.tickets.append(
            {
                "customer": asked.customer,
                "priority": asked.priority,
                "why": asked.why,
                "paging": paging,
                "number": number,
            }
        )
        ending = "678" if self.asks_no_pin and asked.priority == "P1" else ""
        return ivr.TicketOpened(number, paging, "Anna" if paging else "", self.look_by, ending)

    def take_callback(self, number: str | None, ticket: str | None, customer: str | None) -> ivr.Answer:
        if ticket is None:
            ticket = self.open(ivr.OpenTicket(customer, None, False, "callback")).ticket
        if (number is not None and not number.startswith(("0", "3"))) or (number or "").startswith("00"):
            return ivr.CallbackRefused(ticket, "number")
        self.callbacks.append(number or "the calling number")
        return ivr.CallbackTaken(ticket, "5678")

    # ── telephones ──

    def caller(self, from_: str = "+390612345678") -> Phone:
        return Phone(self.line, from_=from_, to="+390200000000").call(VOICE, STATUS)

    def ring(self, leg: str) -> Phone:
        """A call of ours that was answered: "page" or "callback"."""
        order = {"To": "+393331234567", "From": "+390200000000", "Url": f"{PUBLIC}/phone/twilio/{leg}?attempt=7"}
        status = {"StatusCallback": STATUS, "StatusCallbackEvent": "completed"}
        self.exchange.create({name: (value,) for name, value in {**order, **status}.items()})
        self.timeline.advance(1)
        handset = self.exchange.ringing()[0]
        handset.answer()
        return handset
