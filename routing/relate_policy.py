"""What a desk may configure about relating reports: which rules may join by themselves, how long they hold, what makes a fault."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

Join = Literal["same-alert", "sent-again", "same-text", "call-and-mail", "same-object"]
JOINS: tuple[Join, ...] = get_args(Join)


@dataclass(frozen=True, slots=True)
class Policy:
    """`rules`: those that may join two reports without asking. A request that tells of no trouble is the same one again only
    within `order_within`. A fault is proposed from `fault_customers` customers with the
    same trouble within `fault_within`."""

    rules: tuple[Join, ...] = JOINS
    alert_within: timedelta = timedelta(hours=24)
    again_within: timedelta = timedelta(hours=72)
    matter_within: timedelta = timedelta(hours=24)
    order_within: timedelta = timedelta(hours=2)
    pool_within: timedelta = timedelta(days=14)
    fault_within: timedelta = timedelta(hours=2)
    fault_customers: int = 3
