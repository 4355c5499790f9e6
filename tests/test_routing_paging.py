"""One page: who is rung when, what counts as an acceptance, and that nothing ever loses the chain."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import paging
from routing.oncall import Cap, Link, Policy
from routing.paging import Ask, Done, Event, GiveUp, Page, Ring, Skip, Wait

NIGHT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
CHAIN = (
    Link("anna", "Anna Riva", "+390611110001", "rota", 6),
    Link("bruno", "Bruno Sala", "+390611110002", "rota", 6),
    Link("carla", "Carla Neri", "+390611110003", "fallback", 6),
)
ONCE = Policy((), ring_seconds=25, repeat=0)
TWICE = Policy((), ring_seconds=25, repeat=1, redial_seconds=10)


def page(*chain: Link, **more: object) -> Page:
    return Page("page-7", "PR-1002-4137", NIGHT, chain or CHAIN, **more)  # type: ignore[arg-type]


def at(seconds: float) -> datetime:
    return NIGHT + timedelta(seconds=seconds)


class Night:
    """A night with telephones: rings when told to, keeps the clock, tells the page what happens.

    `behaviour` says of each ring, by the person's name, what the telephone does: pairs of (seconds after it, event).
    """

    def __init__(self, policy: Policy, behaviour: dict[str, list[list[tuple[float, str, str]]]], start: Page) -> None:
        self.policy, self.behaviour, self.page = policy, behaviour, start
        self.news: list[tuple[float, str, str, str]] = []
        self.log: list[tuple[float, str]] = []
        self.now = 0.0

    def run(self, until: float = 3600.0) -> list[tuple[float, str]]:
        while self.now <= until:
            move = paging.next(self.page, self.policy, at(self.now))
            self.page = paging.record(self.page, move, at(self.now))
            if isinstance(move, Ring):
                self._ring(move)
            elif isinstance(move, Skip):
                self.log.append((self.now, f"skip {move.person}"))
            elif isinstance(move, Ask):
                self.log.append((self.now, f"ask {move.attempt.person}"))
                self.hear(move.attempt.id, "asked")
            elif isinstance(move, Wait):
                self._wait(move)
            else:
                self.log.append((self.now, type(move).__name__))
                break
        return self.log

    def hear(self, attempt: str, what: str, code: str = "") -> None:
        event = Event(attempt, what, at(self.now), code=code or None)  # type: ignore[arg-type]
        # The state of a page lives in a job's row: it must survive the way there and back each time.
        self.page = paging.from_json(json.loads(json.dumps(paging.to_json(paging.heard(self.page, event)))))

    def _ring(self, move: Ring) -> None:
        self.log.append((self.now, f"ring {move.person}"))
        scripts = self.behaviour.get(move.person, [])
        script = scripts.pop(0) if scripts else [(25.0, "ended", "no-answer")]
        self.hear(move.attempt_id, "placed")
        self.news = sorted([*self.news, *((self.now + after, move.attempt_id, *event) for after, *event in script)])

    def _wait(self, move: Wait) -> None:
        wake = (move.until - NIGHT).total_seconds()
        assert wake > self.now
        if self.news and self.news[0][0] <= wake:
            self.now, attempt, what, code = self.news.pop(0)
            self.hear(attempt, what, code)
        else:
            self.now = wake


NO_ANSWER = [(2.0, "ringing", ""), (25.0, "ended", "no-answer")]
BUSY = [(1.0, "ended", "busy")]
VOICEMAIL = [(2.0, "ringing", ""), (4.0, "answered", ""), (40.0, "ended", "completed")]
ACCEPTS = [(1.0, "ringing", ""), (3.0, "answered", ""), (5.0, "accepted", ""), (9.0, "ended", "completed")]
PASSES = [(1.0, "ringing", ""), (2.0, "answered", ""), (4.0, "passed", ""), (4.5, "ended", "completed")]
WRONG_KEY = [(1.0, "answered", ""), (3.0, "pressed", ""), (5.0, "accepted", ""), (6.0, "ended", "completed")]
REFUSED = [(0.5, "failed", "21211")]

STORIES = {
    "the first accepts": (ONCE, {"anna": [ACCEPTS]}, [(0, "ring anna"), (5, "Done")]),
    "a wrong key changes nothing": (ONCE, {"anna": [WRONG_KEY]}, [(0, "ring anna"), (5, "Done")]),
    "busy: the next at once": (
        ONCE,
        {"anna": [BUSY], "bruno": [ACCEPTS]},
        [(0, "ring anna"), (1, "ring bruno"), (6, "Done")],
    ),
    "a number that does not exist: the next at once": (
        ONCE,
        {"anna": [REFUSED], "bruno": [ACCEPTS]},
        [(0, "ring anna"), (0.5, "ring bruno"), (5.5, "Done")],
    ),
    "no answer: the next after six seconds, while the first still rings": (
        ONCE,
        {"anna": [NO_ANSWER], "bruno": [ACCEPTS]},
        [(0, "ring anna"), (6, "ring bruno"), (25, "Done")],
    ),
    "passed on: the next at once": (
        ONCE,
        {"anna": [PASSES], "bruno": [ACCEPTS]},
        [(0, "ring anna"), (4, "ring bruno"), (9, "Done")],
    ),
    "voicemail is not an acceptance": (
        ONCE,
        {"anna": [VOICEMAIL], "bruno": [VOICEMAIL], "carla": [ACCEPTS]},
        [(0, "ring anna"), (6, "ring bruno"), (12, "ring carla"), (46, "Done")],
    ),
    "nobody: given up only when the last telephone is still": (
        ONCE,
        {"anna": [VOICEMAIL]},
        [(0, "ring anna"), (6, "ring bruno"), (12, "ring carla"), (40, "GiveUp")],
    ),
    "nobody at first: a second round, no number sooner than ten seconds after its call": (
        TWICE,
        {"anna": [NO_ANSWER, BUSY], "bruno": [NO_ANSWER, PASSES], "carla": [NO_ANSWER, ACCEPTS]},
        [
            (0, "ring anna"), (6, "ring bruno"), (12, "ring carla"),
            (35, "ring anna"), (41, "ring bruno"), (47, "ring carla"), (52, "Done"),
        ],
    ),
    "somebody on the telephone is not rung again meanwhile; the others are": (
        TWICE,
        {"anna": [[(3.0, "answered", ""), (60.0, "ended", "completed")], ACCEPTS], "bruno": [BUSY, BUSY], "carla": [BUSY, BUSY]},
        [
            (0, "ring anna"), (6, "ring bruno"), (7, "ring carla"),
            (17, "ring bruno"), (18, "ring carla"), (70, "ring anna"), (75, "Done"),
        ],
    ),
    "a call of which nothing more is heard is asked about, then given up for lost": (
        replace(ONCE, ask_seconds=30),
        {"anna": [[]], "bruno": [BUSY], "carla": [BUSY]},
        [(0, "ring anna"), (6, "ring bruno"), (7, "ring carla"), (55, "ask anna"), (85, "GiveUp")],
    ),
    "accepted meanwhile: it is asked about all the same, and nobody else is rung": (
        replace(TWICE, ask_seconds=30),
        {"anna": [[]], "bruno": [ACCEPTS]},
        [(0, "ring anna"), (6, "ring bruno"), (55, "ask anna"), (85, "Done")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_a_night_goes_as_told(name: str) -> None:
    policy, behaviour, expected = STORIES[name]
    night = Night(policy, {person: [list(s) for s in scripts] for person, scripts in behaviour.items()}, page())
    assert night.run() == expected


def test_a_redial_comes_before_the_next_person_while_the_wait_of_the_link_lasts() -> None:
    patient = replace(CHAIN[0], wait_seconds=60, redials=1)
    night = Night(ONCE, {"anna": [BUSY, BUSY], "bruno": [ACCEPTS]}, page(patient, CHAIN[1]))
    assert night.run() == [(0, "ring anna"), (11, "ring anna"), (12, "ring bruno"), (17, "Done")]


def test_the_wait_of_a_link_counts_from_its_first_ring() -> None:
    patient = replace(CHAIN[0], wait_seconds=20, redials=1)
    night = Night(ONCE, {"anna": [BUSY, NO_ANSWER], "bruno": [ACCEPTS]}, page(patient, CHAIN[1]))
    assert night.run() == [(0, "ring anna"), (11, "ring anna"), (20, "ring bruno"), (36, "Done")]


def test_who_passed_on_is_over_with_it_even_if_the_end_of_the_call_is_never_told() -> None:
    night = Night(TWICE, {"anna": [PASSES[:-1], ACCEPTS]}, page(CHAIN[0]))
    assert night.run() == [(0, "ring anna"), (14, "ring anna"), (19, "Done")]


def test_a_redial_that_would_come_after_the_wait_is_left_out() -> None:
    night = Night(ONCE, {"anna": [BUSY], "bruno": [ACCEPTS]}, page(replace(CHAIN[0], redials=3), CHAIN[1]))
    assert night.run() == [(0, "ring anna"), (1, "ring bruno"), (6, "Done")]


def test_with_nobody_in_the_chain_it_gives_up_at_once_and_says_why() -> None:
    empty = Page("page-7", "PR-1002-4137", NIGHT, ())
    assert paging.next(empty, TWICE, NIGHT) == GiveUp("nobody to ring")
    closed = paging.record(empty, GiveUp("nobody to ring"), NIGHT)
    assert (closed.state, closed.closed_at) == ("exhausted", NIGHT)
    assert paging.next(closed, TWICE, at(60)) == GiveUp("nobody to ring")


def test_the_most_attempts_end_a_page_even_in_mid_round() -> None:
    night = Night(replace(TWICE, repeat=1000, max_attempts=4), {}, page())
    assert [what for _, what in night.run()] == ["ring anna", "ring bruno", "ring carla", "ring anna", "GiveUp"]
    assert night.page.state == "exhausted"


# -- intents, crashes, questions


def rung(p: Page, seconds: float = 0, policy: Policy = TWICE) -> Page:
    move = paging.next(p, policy, at(seconds))
    assert isinstance(move, Ring)
    return paging.record(p, move, at(seconds))


def hear(p: Page, attempt: int, what: str, seconds: float, **more: object) -> Page:
    return paging.heard(p, Event(f"page-7-{attempt}", what, at(seconds), **more))  # type: ignore[arg-type]


def test_an_intent_found_after_a_crash_is_asked_about_and_never_rung_again() -> None:
    after_crash = paging.from_json(json.loads(json.dumps(paging.to_json(rung(page())))))
    patient = replace(after_crash, chain=(replace(CHAIN[0], wait_seconds=60),))
    assert paging.next(patient, TWICE, at(30)) == Ask(after_crash.attempts[0])
    found = hear(hear(patient, 1, "asked", 30), 1, "ringing", 30, provider_sid="CA1")
    assert paging.next(found, TWICE, at(31)) == Wait(at(35))
    assert found.attempts[0].provider_sid == "CA1"


def test_an_intent_is_not_asked_about_while_somebody_may_still_be_ordering_it() -> None:
    ordering = rung(page(replace(CHAIN[0], wait_seconds=60)))
    assert paging.next(ordering, TWICE, at(1)) == Wait(at(15))
    assert paging.next(ordering, TWICE, at(15)) == Ask(ordering.attempts[0])


def test_a_call_that_the_provider_never_heard_of_is_placed_under_a_new_id() -> None:
    lost = hear(rung(page()), 1, "missing", 1)
    assert paging.next(lost, TWICE, at(1)) == Ring("anna", "+390611110001", "page-7-2", 0, 0)
    twice = hear(rung(lost, 1), 2, "missing", 2)
    assert paging.next(twice, TWICE, at(2)) == Ring("bruno", "+390611110002", "page-7-3", 0, 1)


def test_while_the_provider_cannot_say_the_next_is_rung_in_time() -> None:
    doubtful = hear(rung(page()), 1, "unknown", 1)
    assert paging.next(doubtful, TWICE, at(2)) == Wait(at(5))
    assert paging.next(doubtful, TWICE, at(5)) == Ask(doubtful.attempts[0])
    assert paging.next(hear(doubtful, 1, "asked", 5), TWICE, at(5)) == Wait(at(6))
    assert paging.next(doubtful, TWICE, at(6)) == Ring("bruno", "+390611110002", "page-7-2", 0, 1)


def test_a_ring_decided_on_an_older_page_is_refused() -> None:
    move = paging.next(page(), TWICE, NIGHT)
    once = paging.record(page(), move, NIGHT)
    with pytest.raises(ValueError, match="moved on"):
        paging.record(once, move, NIGHT)
    with pytest.raises(ValueError, match="moved on"):
        paging.record(paging.close(page(), NIGHT, by="console"), move, NIGHT)


# -- what is heard


def test_the_others_are_told_who_has_it_and_a_late_acceptance_changes_nothing() -> None:
    both = rung(hear(rung(page()), 1, "answered", 3), 6)
    taken = hear(both, 2, "accepted", 9, key="1")
    assert (taken.state, taken.accepted_by, taken.closed_at) == ("accepted", "bruno", at(9))
    assert isinstance(paging.next(taken, TWICE, at(9)), Wait)
    late = hear(taken, 1, "accepted", 12, key="1")
    assert (late.accepted_by, late.closed_at) == ("bruno", at(9))
    assert [(a.state, a.key) for a in late.attempts] == [("ended", "1"), ("accepted", "1")]
    assert paging.next(late, TWICE, at(13)) == Done("bruno")


def test_a_key_that_was_overtaken_by_the_end_of_the_call_still_counts() -> None:
    over = hear(rung(page()), 1, "ended", 20, code="completed", sequence=3)
    assert paging.outcome(over.attempts[0]) == "likely voicemail"
    assert hear(over, 1, "accepted", 21, key="1").accepted_by == "anna"


def test_a_key_pressed_after_all_was_given_up_still_counts() -> None:
    given_up = paging.record(rung(page(CHAIN[0]), policy=ONCE), GiveUp("all rounds used up"), at(200))
    assert given_up.state == "exhausted"
    taken = hear(given_up, 1, "accepted", 201)
    assert (taken.state, taken.accepted_by) == ("accepted", "anna")


def test_a_page_taken_in_the_console_or_cancelled_rings_nobody_any_more() -> None:
    ringing = hear(rung(page()), 1, "ringing", 1)
    taken = paging.close(ringing, at(2), by="elena")
    assert paging.next(taken, TWICE, at(2)) == Wait(at(30))
    assert paging.next(taken, TWICE, at(30)) == Ask(taken.attempts[0])
    assert paging.next(hear(taken, 1, "ended", 30, code="no-answer"), TWICE, at(30)) == Done("elena")
    cancelled = paging.close(ringing, at(2), by=None)
    assert cancelled.state == "cancelled"
    assert paging.close(cancelled, at(3), by="elena") == cancelled
    after = hear(cancelled, 1, "accepted", 5, key="1")
    assert (after.state, after.accepted_by, after.attempts[0].state) == ("cancelled", None, "ended")


@pytest.mark.parametrize(
    ("news", "state", "outcome"),
    [
        ([("answered", 2), ("ringing", 1)], "answered", "answered"),
        ([("ended", 3), ("answered", 2), ("ringing", 1)], "failed", "likely voicemail"),
        ([("ringing", 1), ("answered", 1)], "ringing", "ringing"),
        ([("passed", None), ("accepted", None)], "passed", "passed"),
        ([("accepted", None), ("passed", None), ("ended", 3)], "accepted", "accepted"),
        ([("ringing", 1), ("placed", None), ("missing", None), ("unknown", None)], "ringing", "ringing"),
        ([("answered", 2), ("pressed", None), ("ended", 3)], "failed", "not accepted"),
        ([("ended", 2), ("ended", 3)], "failed", "likely voicemail"),
    ],
)
def test_news_out_of_order_never_leads_back(news: list[tuple[str, int | None]], state: str, outcome: str) -> None:
    p = rung(page())
    for n, (what, sequence) in enumerate(news):
        key = "7" if what == "pressed" else None
        code = "completed" if what == "ended" else None
        p = hear(p, 1, what, n + 1, key=key, code=code, sequence=sequence)
    assert p.attempts[0].state == state
    assert paging.outcome(p.attempts[0]) == outcome


def test_the_same_news_twice_is_heard_once() -> None:
    busy = hear(rung(page()), 1, "ended", 3, code="busy", sequence=1)
    assert hear(busy, 1, "ended", 8, code="completed", sequence=1) == busy
    assert hear(busy, 1, "ended", 8, code="completed") == busy
    assert paging.outcome(busy.attempts[0]) == "busy"
    assert hear(busy, 99, "accepted", 9) == busy


# -- caps, changed chains


def test_a_capped_ring_is_recorded_and_the_next_is_rung_at_once() -> None:
    capped = replace(ONCE, caps=(Cap(calls=2, seconds=900),))
    calls = {"+390611110001": [at(-800), at(-10)], "+390611110002": [at(-901), at(-10)]}
    move = paging.next(page(), capped, NIGHT, calls)
    assert move == Skip("anna", "+390611110001", "page-7-1", 0, 0, "2 calls in 900 s")
    skipped = paging.record(page(), move, NIGHT)
    assert paging.outcome(skipped.attempts[0]) == "capped"
    assert paging.next(skipped, capped, NIGHT, calls) == Ring("bruno", "+390611110002", "page-7-2", 0, 1)


def test_a_page_counts_its_own_calls_against_a_cap() -> None:
    night = Night(replace(TWICE, caps=(Cap(calls=1, seconds=900),)), {}, page(CHAIN[0]))
    assert [what for _, what in night.run()] == ["ring anna", "skip anna", "GiveUp"]


def test_an_urgent_page_goes_through_a_soft_cap_but_not_through_a_hard_one() -> None:
    calls = {"+390611110001": [at(-20), at(-10)]}
    soft, hard = Cap(calls=1, seconds=900), Cap(calls=2, seconds=900, hard=True)
    urgent = page(urgent=True)
    assert isinstance(paging.next(urgent, replace(ONCE, caps=(soft,)), NIGHT, calls), Ring)
    assert isinstance(paging.next(urgent, replace(ONCE, caps=(soft, hard)), NIGHT, calls), Skip)


def test_an_override_that_starts_in_mid_page_brings_the_new_people_and_rings_nobody_twice() -> None:
    fresh = (Link("elena", "Elena Fonti", "+390611110005", "override", 6), CHAIN[0], CHAIN[2])
    p = paging.rechain(rung(page()), fresh)
    assert [link.person for link in p.chain] == ["anna", "elena", "carla"]
    p = rung(hear(p, 1, "ended", 1, code="busy"), 1)
    assert p.attempts[-1].person == "elena"
    assert [link.person for link in paging.rechain(page(), fresh).chain] == ["elena", "anna", "carla"]


def test_a_push_rings_the_next_now_skips_the_redial_and_is_used_up_by_that_ring() -> None:
    """CASES phone 5: neither the wait of a link nor its redial stands in the way of somebody who asks for the next."""
    policy = replace(ONCE, redial_seconds=2)
    chain = tuple(replace(link, wait_seconds=60, redials=1) for link in CHAIN)
    started = paging.record(page(*chain), Ring("anna", chain[0].number, "page-7-1", 0, 0), at(0))
    ringing = paging.heard(started, Event("page-7-1", "placed", at(1)))
    assert paging.next(ringing, policy, at(5)) == Wait(at(30))
    move = paging.next(paging.push(ringing, at(5)), policy, at(5))
    assert isinstance(move, Ring)
    assert move.person == "bruno"
    busy = paging.heard(ringing, Event("page-7-1", "ended", at(3), code="busy"))
    assert paging.next(busy, policy, at(5)) == Ring("anna", chain[0].number, "page-7-2", 0, 0)
    assert paging.next(paging.push(busy, at(5)), policy, at(5)) == replace(move)
    both = paging.record(paging.push(ringing, at(5)), move, at(6))
    assert isinstance(paging.next(both, policy, at(7)), Wait)
    assert paging.from_json(paging.to_json(both)) == both


def test_a_page_that_is_over_is_not_pushed() -> None:
    over = paging.close(page(), at(5), by="anna")
    assert paging.push(over, at(6)) == over


def test_the_diagram_shows_every_row_of_the_table() -> None:
    text = paging.diagram()
    assert text.startswith("stateDiagram-v2\n    [*] --> intended\n")
    assert "    answered --> accepted: accepted\n" in text
    assert len(paging.TABLE) == text.count(": ")


# -- whatever happens

WHATS = [
    "placed",
    "unknown",
    "missing",
    "asked",
    "ringing",
    "answered",
    "pressed",
    "accepted",
    "passed",
    "ended",
    "failed",
]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(0, 90), st.just(0), st.none()),
        st.tuples(st.just("push"), st.just(0), st.just(0), st.none()),
        st.tuples(st.sampled_from(WHATS), st.just(0), st.integers(1, 12), st.one_of(st.none(), st.integers(0, 5))),
    ),
    max_size=40,
)
CHAINS = st.lists(
    st.builds(lambda link, wait, redials: replace(link, wait_seconds=wait, redials=redials),
              st.sampled_from(CHAIN), st.integers(0, 60), st.integers(0, 2)),
    max_size=5,
).map(tuple)  # fmt: skip
POLICIES = st.builds(
    Policy,
    st.just(()),
    ring_seconds=st.integers(5, 40),
    repeat=st.integers(0, 2),
    max_attempts=st.integers(1, 12),
    redial_seconds=st.integers(0, 30),
    call_seconds=st.integers(30, 300),
    ask_seconds=st.integers(1, 20),
    caps=st.lists(st.builds(Cap, st.integers(1, 3), st.integers(10, 600), st.booleans()), max_size=1).map(tuple),
)


def settle(p: Page, policy: Policy, now: datetime, rings: list[str]) -> tuple[Page, paging.Move]:
    """Does all that is due at `now`; an answer of the provider is that it does not know yet."""
    for _ in range(100):
        move = paging.next(p, policy, now)
        assert paging.next(paging.from_json(paging.to_json(p)), policy, now) == move
        before, p = p, paging.record(p, move, now)
        if isinstance(move, Ring):
            live = [a for a in before.attempts if a.number == move.number and a.state in paging.LIVE]
            assert all(now - a.placed_at >= timedelta(seconds=policy.ring_seconds) for a in live)
            rings.append(move.attempt_id)
        elif isinstance(move, Ask):
            p = paging.heard(p, Event(move.attempt.id, "asked", now))
        elif not isinstance(move, Skip):
            return p, move
    raise AssertionError("it never comes to rest")


@settings(max_examples=200, deadline=None)
@given(CHAINS, POLICIES, STEPS, st.booleans())
def test_whatever_happens_the_chain_goes_on_until_one_accepts_or_all_is_used_up(
    chain: tuple[Link, ...], policy: Policy, steps: list[tuple[str, int, int, int | None]], urgent: bool
) -> None:
    p, now, rings = replace(page(), chain=chain, urgent=urgent), NIGHT, list[str]()
    acceptor = None
    quiet = [("wait", 600, 0, None)] * 20
    for what, seconds, attempt, sequence in [*steps, *quiet]:
        p, move = settle(p, policy, now, rings)
        if what == "wait":
            if isinstance(move, Wait):
                assert move.until > now
                now = min(now + timedelta(seconds=seconds), move.until) if seconds < 600 else move.until
            continue
        if what == "push":
            p = paging.push(p, now)
            continue
        p = paging.heard(p, Event(f"page-7-{attempt}", what, now, sequence=sequence))  # type: ignore[arg-type]
        acceptor = acceptor or p.accepted_by
        assert p.accepted_by == acceptor
        assert sum(a.state == "accepted" for a in p.attempts) == (acceptor is not None)
        assert (p.state == "accepted") == (acceptor is not None)
    while isinstance(move, Wait):
        now = move.until
        p, move = settle(p, policy, now, rings)
    assert isinstance(move, Done if acceptor else GiveUp)
    assert len(rings) == len(set(rings))
    assert [a.id for a in p.attempts] == [f"page-7-{n + 1}" for n in range(len(p.attempts))]
    if not acceptor and len(p.attempts) < policy.max_attempts:
        assert {a.person for a in p.attempts} == {link.person for link in chain}
