"""`presa call`: a customer's telephone in the terminal, against the real, signed webhooks, and the engineers' phones.

With `--keys` the call is played as fast as Presa answers: speech takes no time, each group of keys or words is given
when the line waits for it, and when they are used up the caller is silent. Without, somebody types. Refuses to know
what Presa will say: it hears documents, as any telephone does.
"""

from __future__ import annotations

import queue
import shlex
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import httpx2
from rich.console import Console
from rich.markup import escape

from gateway.phone.simulator import Fetch, Line, Phone
from gateway.phone.timeline import Timeline

TICK: Final = 0.05
POLL: Final = 0.4  # seconds between looks at the engineers' telephones
TALK: Final = 8  # looks
RING_WAIT: Final = 3.0  # how long we look for a ringing telephone once the caller is gone
LONGEST: Final = 180.0
KEYS: Final = frozenset("0123456789*#")
HELP: Final = (
    "Type keys (1, 100001#) or words. Enter alone: let time pass. h hangs up. For an engineer's phone: a answers, "
    "r rejects, e and keys (e 1) presses."
)


@dataclass(frozen=True, slots=True)
class Options:
    """`base_url`: where Presa listens; `public_url`: what it signs for. `to`: the desk's number."""

    base_url: str
    public_url: str
    account_sid: str
    token: str = field(repr=False)
    to: str
    from_: str = "+390612345678"
    keys: str | None = None
    engineer_keys: str | None = None


class Engineers(Protocol):
    """The engineers' telephones at the stand-in carrier."""

    def phones(self) -> Sequence[Mapping[str, Any]]: ...
    def act(self, sid: str, action: str, keys: str = "") -> None: ...
    def dial(self, number: str, from_: str, seconds: float, url: str) -> str: ...


class Nowhere:
    """No stand-in carrier: engineers' telephones are real ones, or none."""

    def phones(self) -> Sequence[Mapping[str, Any]]:
        return ()

    def act(self, sid: str, action: str, keys: str = "") -> None:
        """Nothing to act on."""

    def dial(self, number: str, from_: str, seconds: float, url: str) -> str:
        return ""


class Simulated:
    """The telephones of `/simulated`."""

    def __init__(self, client: httpx2.Client, options: Options) -> None:
        self._client, self._base = client, f"{options.base_url.rstrip('/')}/simulated/phones"
        self._auth = (options.account_sid, options.token)

    def phones(self) -> Sequence[Mapping[str, Any]]:
        answer = self._client.get(self._base, auth=self._auth)
        return answer.json() if answer.status_code == 200 else ()

    def act(self, sid: str, action: str, keys: str = "") -> None:
        self._client.post(f"{self._base}/{sid}/{action}", data={"keys": keys}, auth=self._auth)

    def dial(self, number: str, from_: str, seconds: float, url: str) -> str:
        """Rings somebody whom the caller is connected to; the call's id, "" where nobody can be rung."""
        order = {"To": number, "From": from_, "Timeout": str(round(seconds)), "Url": url}
        answer = self._client.post(f"{self._base.removesuffix('/phones')}/dial", data=order, auth=self._auth)
        return str(answer.json()["sid"]) if answer.status_code == 201 else ""


def run(
    options: Options,
    *,
    fetch: Fetch | None = None,
    engineers: Engineers | None = None,
    console: Console | None = None,
    read: Callable[[], str | None] | None = None,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Plays the call to its end; 0, or 1 when Presa did not answer as a telephone needs.

    `read`: a typed line, or None when there is none. Raises ValueError for an open quote in the keys.
    """
    with httpx2.Client(timeout=15.0) as client:
        caller = _Terminal(
            options,
            fetch or over_http(client, options),
            engineers or Simulated(client, options),
            console or Console(highlight=False),
            (now, sleep),
        )
        try:
            return caller.scripted() if options.keys is not None else caller.typed(read or typed_lines())
        except httpx2.HTTPError:
            caller.console.print(
                f"[red]Presa does not answer at {escape(options.base_url)}: is it up? (make run)[/red]"
            )
            return 1
        except KeyboardInterrupt:
            caller.phone.hang_up()
            return 0


def over_http(client: httpx2.Client, options: Options) -> Fetch:
    """Webhooks go to `base_url`, signed for `public_url`, as they would behind a proxy."""

    def fetch(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        where = options.base_url.rstrip("/") + url.removeprefix(options.public_url.rstrip("/"))
        answer = client.post(where, data=dict(form), headers=dict(headers))
        return answer.status_code, answer.text

    return fetch


def groups(text: str) -> deque[str]:
    """What is given at each prompt: `1 100001# "all is down"`. Raises ValueError on an open quote."""
    return deque(shlex.split(text))


class _Terminal:
    """One customer's telephone, the engineers' beside it, and what is printed of them."""

    def __init__(
        self,
        options: Options,
        fetch: Fetch,
        engineers: Engineers,
        console: Console,
        time_: tuple[Callable[[], float], Callable[[float], None]],
    ) -> None:
        self.options, self.engineers, self.console = options, engineers, console
        self.now, self.sleep = time_
        self.line = Line(fetch, Timeline(self.now()), options.token, options.account_sid)
        self.line.network = self
        self.phone = Phone(self.line, from_=options.from_, to=options.to)
        self.script = groups(options.engineer_keys or "")
        self.played = ""  # the engineer's telephone that the script is played on; the others ring on
        self.shown: dict[str, int] = {}
        self.states: dict[str, str] = {}
        self.told = 0

    # ── the two ways to call ────────────────────────────────────────────────────────────────────────────────────────

    def scripted(self) -> int:
        given = groups(self.options.keys or "")
        self.call()
        answered = 0  # how much had been posted when the last group was given: one group a prompt
        while not self.phone.over:
            if self.phone.waits_for and given and len(self.phone.posted) > answered:
                answered = len(self.phone.posted)
                self.give(given.popleft())
            elif (due := self.line.timeline.next_at()) is not None:
                self.line.timeline.advance_to(due)
            else:
                self.phone.hang_up()
            self.print_heard()
        quiet_since = began = self.now()
        while self.now() - quiet_since < RING_WAIT and self.now() - began < LONGEST:
            if self.look_at_engineers() and (self.script or self.options.engineer_keys):
                quiet_since = self.now()
            self.sleep(POLL)
        return self.verdict()

    def typed(self, read: Callable[[], str | None]) -> int:
        self.console.print(f"[dim]{escape(HELP)}[/dim]")
        self.call()
        quiet_since = looked = 0.0
        while not self.phone.over or self.now() - quiet_since < RING_WAIT:
            self.line.timeline.advance_to(self.now())
            self.print_heard()
            if self.now() - looked >= POLL:
                looked = self.now()
                if self.look_at_engineers() or not self.phone.over:
                    quiet_since = looked
            if (typed := read()) is not None:
                self.obey(typed.strip())
            self.sleep(TICK)
        return self.verdict()

    def call(self) -> None:
        base = f"{self.options.public_url.rstrip('/')}/phone/twilio"
        self.console.print(f"[bold]☎ {escape(self.options.from_)} calls {escape(self.options.to)}[/bold]")
        self.phone.call(f"{base}/voice", f"{base}/status")
        self.print_heard()

    # ── somebody whom the caller is connected to ──

    def dial(
        self, number: str, from_: str, seconds: float, ended: Callable[[str, float], None], url: str
    ) -> Callable[[], None]:
        """Their telephone rings beside the engineers'; what becomes of it is looked at again and again."""
        sid = self.engineers.dial(number, from_, seconds, url)
        if not sid:
            self.line.timeline.later(0, lambda: ended("failed", 0))
            return lambda: None
        until = self.now() + LONGEST
        self.line.timeline.later(POLL, lambda: self.watch(sid, ended, TALK, until))
        return lambda: self.engineers.act(sid, "hangup")

    def watch(self, sid: str, ended: Callable[[str, float], None], talk: int, until: float) -> None:
        """`talk`: so many looks more, when a script has nothing left to say, until they hang up; `until`: in any case."""
        self.look_at_engineers()
        theirs = next((phone for phone in self.engineers.phones() if phone["sid"] == sid), None)
        if theirs is None or theirs["over"]:
            ended(theirs["state"] if theirs else "failed", 0)
            return
        quiet = self.options.keys is not None and not self.script and theirs["state"] == "in-progress"
        if (quiet and not theirs["waits_for"] and talk == 0) or self.now() > until:
            self.engineers.act(sid, "hangup")
        self.sleep(POLL)
        self.line.timeline.later(POLL, lambda: self.watch(sid, ended, max(0, talk - quiet), until))

    # ── what is done ────────────────────────────────────────────────────────────────────────────────────────────────

    def give(self, what: str) -> None:
        """Keys are pressed, anything else is said. A PIN is shown as dots."""
        if what and set(what) <= KEYS:
            shown = what if len(what) <= 2 else "•" * len(what.rstrip("#")) + "#" * what.endswith("#")
            self.console.print(f"  [cyan]▸ {escape(shown)}[/cyan]")
            self.phone.keys(what)
        else:
            self.console.print(f'  [cyan]▸ "{escape(what)}"[/cyan]')
            self.phone.speak(what)

    def obey(self, typed: str) -> None:
        word, _, rest = typed.partition(" ")
        live = [phone for phone in self.engineers.phones() if not phone["over"]]
        if typed == "h":
            self.phone.hang_up()
        elif word in ("a", "r", "e") and live and (rest or typed == word):
            action = {"a": "answer", "r": "reject", "e": "keys"}[word]
            self.engineers.act(live[-1]["sid"], action, rest)
        elif typed:
            self.give(typed)

    def look_at_engineers(self) -> bool:
        """Shows their telephones, and does what the script says; true while one of them is still busy."""
        live = False
        for phone in self.engineers.phones():
            sid, state = phone["sid"], phone["state"]
            if self.states.get(sid) != state and not (phone["over"] and sid not in self.states):
                self.console.print(f"[magenta]📟 {escape(phone['number'])}: {escape(state)}[/magenta]")
            if phone["over"] and sid not in self.states:
                continue
            self.states[sid] = state
            for said in phone["heard"][self.shown.get(sid, 0) :]:
                self.print_line(f"📟 …{phone['number'][-3:]}", said["language"], said["text"])
            self.shown[sid] = len(phone["heard"])
            live |= not phone["over"]
            self.play_engineer(phone)
        return live

    def play_engineer(self, phone: Mapping[str, Any]) -> None:
        if phone["sid"] == self.played and phone["over"]:
            self.played = ""
        if phone["state"] == "ringing" and self.script and not self.played:
            self.played = phone["sid"]
            self.engineers.act(phone["sid"], "answer")
        elif phone["sid"] == self.played and phone["waits_for"] and self.script:
            keys = self.script.popleft()
            self.console.print(f"  [magenta]▸ {escape(keys)}[/magenta]")
            self.engineers.act(phone["sid"], "keys", keys)

    # ── what is shown ───────────────────────────────────────────────────────────────────────────────────────────────

    def print_heard(self) -> None:
        for said in self.phone.heard[self.told :]:
            self.print_line("☎", said.language, said.text)
        self.told = len(self.phone.heard)

    def print_line(self, sign: str, language: str, text: str) -> None:
        self.console.print(f"{sign} [dim]{escape((language or '--')[:2])}[/dim] {escape(text)}")

    def verdict(self) -> int:
        self.console.print(f"[bold]☎ {escape(self.phone.status)}[/bold]")
        for error in self.phone.errors:
            self.console.print(f"[red]{escape(error)}[/red]")
        return 1 if self.phone.errors else 0


def typed_lines() -> Callable[[], str | None]:
    """Lines from standard input as they come, without waiting for them."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            lines.put(line)

    threading.Thread(target=listen, daemon=True).start()

    def read() -> str | None:
        return None if lines.empty() else lines.get()

    return read
