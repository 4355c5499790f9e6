"""Calls as text files: what is heard, what is pressed, what must follow, and that nothing else follows.

desk: closed|open, records, ...  what kind of desk (first line)
call: caller|page|callback      whose leg; engineers and called-back customers have answered already
hear: words                     heard since the last thing done; the line may finish talking first
keys: / say: / hang up          what the person does
silence / wait: seconds         what they don't: until the line goes on, or for so long
ticket: name=value ...          one line for each ticket there must be, no more
older: name=value               what was added to the ticket of before
escalated: number               it was pressed for
events: a, b                    all of `presa calls`' events, in order
over                            the call has ended by itself
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dialogues.desk import Desk

import ivr
from gateway.phone.simulator import Phone

FILES = sorted((Path(__file__).parent / "dialogues").glob("*.call"))
PAGES: dict[str, ivr.Answer] = {
    "open": ivr.PageOpen("PR-1002-4137", "Acme", "Platinum", "P1", 45),
    "late": ivr.PageOpen("PR-1002-4137", "Acme", "Platinum", "P1", -125),
    "taken": ivr.PageTaken("PR-1002-4137", "Anna"),
    "over": ivr.PageOver(),
}
MENU = {"1": "report", "2": "add", "3": "escalate", "4": "status", "5": "information"}
PEOPLE: dict[str, ivr.Answer] = {"person": ivr.Person("+390298765432"), "queue": ivr.Person(queue="support")}


class Dialogue:
    """One file, played line by line."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.phone, self.tickets = desk, None, []  # type: ignore[var-annotated]
        self.heard = ""

    def play(self, word: str, rest: str) -> None:
        getattr(self, f"do_{word.replace(' ', '_')}")(rest)

    @property
    def on(self) -> Phone:
        if self.phone is None:
            self.do_call("caller")
        return self.phone

    def do_desk(self, rest: str) -> None:
        for word in rest.split(", "):
            name, _, value = word.partition(" ") if word not in ("no pin", "caller gone") else (word, "", "")
            match name:
                case "closed" | "open":
                    self.desk.closed = name == "closed"
                case "no pin":
                    self.desk.asks_no_pin = True
                case "caller gone":
                    self.desk.caller_gone = True
                case "proof":
                    self.desk.callback = ivr.ProofDue("PR-1002-4137", "acme", "Acme S.p.A.")
                case "menu":
                    self.desk.rules = replace(self.desk.rules, menu=MENU)
                case "greets":
                    self.desk.rules, self.desk.on_file = replace(self.desk.rules, greets=True), True
                case "maintenance":
                    self.desk.rules = replace(self.desk.rules, maintenance="5")
                case "waits":
                    self.desk.people.append(ivr.InQueue(int(value), 4 * int(value)))
                case "records":
                    self.desk.rules = ivr.Rules(desk=self.desk.rules.desk, record=True)
                case "person" | "queue":
                    self.desk.people.append(PEOPLE[name])
                case "page":
                    self.desk.page = PAGES[value]
                case "accepts":
                    self.desk.page_accepts = PAGES[value]
                case "described":
                    self.desk.description = ivr.Description(value)
                case "recorded":
                    self.desk.description = ivr.Description(audio="https://desk.example.test/recordings/1")
                case "promises":
                    self.desk.look_by = None if value == "nothing" else datetime.fromisoformat(value).astimezone(UTC)
                case "speaks":
                    self.desk.language = value
                case _:
                    raise ValueError(word)

    def do_call(self, rest: str) -> None:
        self.phone = self.desk.caller() if rest == "caller" else self.desk.ring(rest)

    def do_hear(self, rest: str) -> None:
        self.heard += " ".join(["", *self.on.says])
        while rest not in self.heard and not self.on.waits_for and self.desk.timeline.next_at() is not None:
            self.desk.timeline.advance_to(self.desk.timeline.next_at() or 0)
            self.heard += " ".join(["", *self.on.says])
        assert rest in self.heard, f"{rest!r} was not heard, but {self.heard!r}"
        self.heard = self.heard[self.heard.index(rest) + len(rest) :]

    def do_keys(self, rest: str) -> None:
        self.quiet()
        self.on.keys(rest)

    def do_say(self, rest: str) -> None:
        while not self.on.waits_for:
            self.desk.timeline.advance_to(self.desk.timeline.next_at() or 0)
        self.quiet()
        self.on.speak(rest)

    def do_wait(self, rest: str) -> None:
        self.quiet()
        self.desk.timeline.advance(float(rest))

    def do_silence(self, _rest: str) -> None:
        """Nothing is done until the line has finished talking and has waited long enough."""
        self.quiet()
        posted = len(self.on.posted)
        while len(self.on.posted) == posted and not self.on.over:
            self.desk.timeline.advance_to(self.desk.timeline.next_at() or 0)

    def do_hang_up(self, _rest: str) -> None:
        self.quiet()
        self.on.hang_up()

    def do_over(self, _rest: str) -> None:
        self.desk.timeline.advance(120)
        assert self.on.over, self.on.waits_for
        assert not self.on.says, "something more was spoken"

    def do_ticket(self, rest: str) -> None:
        self.tickets.append(dict(pair.split("=", 1) for pair in rest.split("; ")))

    def do_callback(self, rest: str) -> None:
        assert self.desk.callbacks == [rest]

    def do_older(self, rest: str) -> None:
        name, _, value = rest.partition("=")
        assert self.desk.older[name] == value

    def do_escalated(self, rest: str) -> None:
        assert self.desk.escalations == [rest]

    def do_events(self, rest: str) -> None:
        assert self.desk.events == rest.split(", ")

    def quiet(self) -> None:
        """What is said next starts from here."""
        self.on.says  # noqa: B018
        self.heard = ""

    def finish(self) -> None:
        self.desk.timeline.advance(300)
        said = [{k: str(v) for k, v in ticket.items()} for ticket in self.desk.tickets]
        assert len(said) == len(self.tickets), said
        for wanted, ticket in zip(self.tickets, said, strict=True):
            assert wanted.items() <= ticket.items()
        assert self.on.over, "the call never ended"
        assert not self.on.errors, self.on.errors


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_dialogue_goes_as_written(path: Path) -> None:
    dialogue = Dialogue(Desk())
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            word, _, rest = line.partition(":")
            try:
                dialogue.play(word.strip(), rest.strip())
            except AssertionError as error:
                raise AssertionError(f"{path.name}:{number}: {error}") from error
    dialogue.finish()


# Every flow of the telephone, each played in both languages.
FLOWS = [
    "p1_after_hours", "open_hours", "maintenance", "two_reports", "no_pin_asked", "no_pin", "not_entitled", "wrong_pin_locks",
    "unknown_code", "menu_add", "menu_escalate", "menu_status", "menu_status_without_pin", "menu_information", "known_caller",
    "callback_here", "callback_other_number", "callback_refused", "called_back", "person_connected", "zero_takes_a_message",
    "queue_place_and_wait", "queue_rather_called_back", "hang_up_after_code", "hang_up_while_recording", "wrong_keys",
    "star_repeats", "page_accepted",
]  # fmt: skip


@pytest.mark.parametrize("flow", FLOWS)
def test_every_flow_is_played_in_italian_and_in_english(flow: str) -> None:
    names = {path.stem for path in FILES}
    for language in ("it", "en"):
        assert any(
            name == f"{flow}_{language}" or (name.startswith(f"{flow}_") and name.endswith(f"_{language}"))
            for name in names
        )
