"""May an automatic letter leave? Pure counting against limits that are data.

Automatic mail is never answered; a sender whose address is not verified gets one letter an hour, so that forged
senders cannot turn us into a relay against others; and a ticket has a cap of its own, because a responder that changes
its address with every mail never meets a limit per address. Refuses to know where the counts come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Scope = Literal["address", "ticket", "content", "unverified"]
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` letters in any window of `per`."""

    count: int
    per: timedelta = HOUR


@dataclass(frozen=True, slots=True)
class Limits:
    """What is counted, for senders we verified and for the others.

    `address`: letters to one address. `ticket`: letters about one ticket. `content`: answers to the same masked text
    of the same address. `unverified`: answers to all unverified senders together, the ceiling of what a forger can make us
    send."""

    verified: Mapping[Scope, Rate] = field(
        default_factory=lambda: {"address": Rate(10), "ticket": Rate(10), "content": Rate(3)}
    )
    unverified: Mapping[Scope, Rate] = field(
        default_factory=lambda: {"address": Rate(1), "ticket": Rate(10), "content": Rate(1), "unverified": Rate(500)}
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may leave, and a stable code why: "ok", "automatic:<reason>", "budget:<scope>"."""

    allowed: bool
    why: str


LIMITS = Limits()


def may_answer(
    history: Mapping[Scope, Sequence[datetime]],
    now: datetime,
    *,
    verified: bool,
    automatic: str | None = None,
    limits: Limits = LIMITS,
) -> Verdict:
    """Judges one automatic letter.

    `history`: when letters left (or were put down to leave), per scope; a scope that is not there has none.
    `automatic`: the reason code of `parsers.Message.automatic`, None for a person's mail. Instants after `now` count:
    clocks may differ."""
    if automatic is not None:
        return Verdict(False, f"automatic:{automatic}")
    for scope, rate in (limits.verified if verified else limits.unverified).items():
        recent = sum(1 for sent in history.get(scope, ()) if sent > now - rate.per)
        if recent >= rate.count:
            return Verdict(False, f"budget:{scope}")
    return Verdict(True, "ok")
