"""Automatic letters are counted per address, ticket, content and over all unknown senders."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.post.budget import LIMITS, Limits, Rate, Scope, may_answer

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def ago(*minutes: float) -> tuple[datetime, ...]:
    return tuple(NOW - timedelta(minutes=minute) for minute in minutes)


@pytest.mark.parametrize(
    ("verified", "history", "why"),
    [
        (False, {}, "ok"),
        (False, {"address": ago(59)}, "budget:address"),
        (False, {"address": ago(60)}, "ok"),
        (False, {"address": ago(-5)}, "budget:address"),
        (False, {"content": ago(59)}, "budget:content"),
        (True, {"content": ago(1, 2, 59)}, "budget:content"),
        (True, {"content": ago(1, 2, 60)}, "ok"),
        (False, {"unverified": ago(*[1] * 500)}, "budget:unverified"),
        (True, {"unverified": ago(*[1] * 500)}, "ok"),
        (True, {"address": ago(*[1] * 9)}, "ok"),
        (True, {"address": ago(*[1] * 10)}, "budget:address"),
        (True, {"ticket": ago(*[1] * 10)}, "budget:ticket"),
        (False, {"ticket": ago(*[1] * 10)}, "budget:ticket"),
        (True, {"address": ago(*[61] * 100), "ticket": ago(*[61] * 100)}, "ok"),
    ],
)
def test_a_letter_leaves_only_within_every_budget(
    verified: bool, history: dict[Scope, tuple[datetime, ...]], why: str
) -> None:
    verdict = may_answer(history, NOW, verified=verified)
    assert (verdict.allowed, verdict.why) == (why == "ok", why)


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("reason", ["bounce", "auto-reply", "list", ""])
def test_automatic_mail_is_never_answered(verified: bool, reason: str) -> None:
    verdict = may_answer({}, NOW, verified=verified, automatic=reason)
    assert (verdict.allowed, verdict.why) == (False, f"automatic:{reason}")


@pytest.mark.parametrize("verified", [True, False])
def test_a_responder_that_changes_its_address_each_time_stops_at_the_ticket(verified: bool) -> None:
    on_ticket: list[datetime] = []
    for minute in range(120):
        now = NOW + timedelta(seconds=10 * minute)
        if may_answer({"address": (), "ticket": on_ticket}, now, verified=verified).allowed:
            on_ticket.append(now)
    assert len(on_ticket) == 10


def test_a_desk_may_set_its_own_limits() -> None:
    limits = Limits(unverified={"address": Rate(0)}, verified=LIMITS.verified)
    assert may_answer({}, NOW, verified=False, limits=limits).why == "budget:address"
