"""Toll fraud: which numbers may be called back, how often, and for how much money. Refuses everything that is not plainly an
ordinary number of an allowed country."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import phonenumbers
from phonenumbers import timezone as number_zones
from sqlalchemy import Connection

from gateway.store import callbacks as store
from gateway.store import calls
from routing.desk import CallbackRules, Desk

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KINDS = {phonenumbers.PhoneNumberType.FIXED_LINE: "fixed_line", phonenumbers.PhoneNumberType.MOBILE: "mobile"}
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
        region = sorted(rules.countries)[0]
        found = phonenumbers.parse(f"+{number[2:]}" if number.startswith("00") else number, region)
    except (phonenumbers.NumberParseException, IndexError):
        return None
    fits = (
        phonenumbers.is_valid_number(found)
        and phonenumbers.region_code_for_number(found) in rules.countries
        and KINDS.get(phonenumbers.number_type(found)) in rules.types
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


def zone_of(number: str, desk: Desk) -> str:
    """The clock on the wall behind a number; the desk's own when it could be several."""
    found = number_zones.time_zones_for_number(phonenumbers.parse(number))
    return found[0] if len(found) == 1 and found[0] != "Etc/Unknown" else desk.zone
