"""Toll fraud: which numbers may be called back, how often, and for how much money. Refuses everything that is not plainly an
ordinary number of an allowed country."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import phonenumbers
from phonenumbers import timezone as number_zones
from sqlalchemy import Connection

from gateway.store import callbacks as store
from gateway.store import calls
from identity.people import Customer
from routing.desk import CallbackRules, Desk, NumberType

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# What a desk must allow for a number of this type; where fixed and mobile look the same (North America), both.
KINDS: Mapping[int, frozenset[NumberType]] = {
    phonenumbers.PhoneNumberType.FIXED_LINE: frozenset({"fixed_line"}),
    phonenumbers.PhoneNumberType.MOBILE: frozenset({"mobile"}),
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: frozenset({"fixed_line", "mobile"}),
}
SAID: Mapping[str, str] = {
    "number": "only ordinary numbers of the allowed countries are called back",
    "nobody": "this desk calls nobody back",
    "caller-hour": "too many requests from this number in an hour",
    "target-hour": "too many requests for this number in an hour",
    "caller-day": "too many requests from this number in a day",
    "target-day": "too many requests for this number in a day",
    "day": "the desk's daily number of call backs is used up",
    "money": "the desk's daily money for call backs is used up",
}


def callable_number(number: str | None, rules: CallbackRules | None) -> str | None:
    """E.164 of an ordinary number that the desk may ring, None for any other (premium, satellite, emergency, abroad)."""
    if not number or rules is None:
        return None
    try:
        region = rules.countries[0]
        found = phonenumbers.parse(f"+{number[2:]}" if number.startswith("00") else number, region)
    except (phonenumbers.NumberParseException, IndexError):
        return None
    kinds = KINDS.get(phonenumbers.number_type(found))
    fits = (
        phonenumbers.is_valid_number(found)
        and phonenumbers.region_code_for_number(found) in rules.countries
        and kinds is not None
        and kinds <= rules.types
    )
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164) if fits else None


def refusal(
    connection: Connection, caller: str, target: str | None, rules: CallbackRules | None, now: datetime
) -> str | None:
    """Why this number is not called back (toll fraud), None when it is. Counted one by one, on every replica."""
    if rules is None or target is None:
        return "nobody" if rules is None else "number"
    for name in sorted({f"callback:{caller}", f"callback:{target}", "callback:"}):
        calls.alone(connection, name)
    caps: tuple[tuple[str, timedelta, int, dict[str, str]], ...] = (
        ("caller-hour", HOUR, rules.per_caller_per_hour, {"caller": caller}),
        ("target-hour", HOUR, rules.per_target_per_hour, {"number": target}),
        ("caller-day", DAY, rules.per_caller_per_day, {"caller": caller}),
        ("target-day", DAY, rules.per_target_per_day, {"number": target}),
        ("day", DAY, rules.per_day, {}),
    )
    for why, span, most, whose in caps:
        if (caller or "caller" not in whose) and store.since(connection, now - span, **whose)[0] >= most:
            return why
    spent = store.since(connection, now - DAY)[1] if rules.money_per_day is not None else 0
    if rules.money_per_day is not None and spent + cost_of(target, rules) > rules.money_per_day:
        return "money"
    return None


def cost_of(number: str, rules: CallbackRules) -> int:
    """What a call to it is taken to cost, in hundredths; by the longest prefix of the table."""
    fitting = [prefix for prefix in rules.costs if number.startswith(prefix)]
    return rules.costs[max(fitting, key=len)] * rules.minutes if fitting else 0


def zone_of(number: str, desk: Desk, customer: Customer | None) -> str:
    """The clock on the wall there: of the person whose number it is, of the customer, of the hours of their region; else the
    number's own, and the desk's when that could be several."""
    its = customer.at(desk.id) if customer else None
    own = next((one.zone for one in its.contacts if number in one.phones and one.zone), None) if its else None
    plan = desk.plans.get(its.plan) if its else None
    there = desk.calendars.get(plan.calendar_by_region.get(its.region or "", "")) if its and plan else None
    known = own or (its and its.zone) or (there and there.zone)
    if known:
        return known
    found = number_zones.time_zones_for_number(phonenumbers.parse(number))
    return found[0] if len(found) == 1 and found[0] != "Etc/Unknown" else desk.zone
