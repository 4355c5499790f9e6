"""Who may try a PIN, and who is never locked out by others."""

from datetime import UTC, datetime, timedelta

import pytest

from identity import pins
from identity.pins import Allowed, Locked

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def ago(*minutes: float) -> list[datetime]:
    return [NOW - timedelta(minutes=m) for m in minutes]


@pytest.mark.parametrize(("wrong", "expected"), [(0, Allowed(3)), (1, Allowed(2)), (2, Allowed(1))])
def test_a_call_has_three_tries(wrong: int, expected: Allowed) -> None:
    assert pins.may_try(NOW, wrong_in_call=wrong, on_file=True) == expected


@pytest.mark.parametrize("on_file", [True, False])
def test_after_the_third_the_call_is_locked_for_good(on_file: bool) -> None:
    answer = pins.may_try(NOW, wrong_in_call=3, on_file=on_file)
    assert isinstance(answer, Locked)
    assert answer.until is None


def test_a_number_on_file_has_ten_an_hour() -> None:
    nine, ten = ago(*range(1, 10)), ago(*range(1, 11))
    assert pins.may_try(NOW, wrong_in_call=0, on_file=True, wrong_of_number=nine) == Allowed(3)
    locked = pins.may_try(NOW, wrong_in_call=0, on_file=True, wrong_of_number=ten)
    assert isinstance(locked, Locked)
    assert locked.until == NOW + timedelta(minutes=50)


def test_the_hour_slides() -> None:
    old = ago(*[60] * 10, 61, 90)
    assert pins.may_try(NOW, wrong_in_call=0, on_file=True, wrong_of_number=old) == Allowed(3)


def test_a_lock_lasts_until_there_is_room_again() -> None:
    many = ago(*range(1, 21))
    locked = pins.may_try(NOW, wrong_in_call=0, on_file=True, wrong_of_number=many)
    assert isinstance(locked, Locked)
    assert locked.until == NOW + timedelta(minutes=50)
    assert pins.may_try(locked.until, wrong_in_call=0, on_file=True, wrong_of_number=many) == Allowed(3)


def test_unknown_numbers_share_thirty_an_hour() -> None:
    twenty_nine, thirty = ago(*range(1, 30)), ago(*range(1, 31))
    assert pins.may_try(NOW, wrong_in_call=0, on_file=False, wrong_of_unknown=twenty_nine) == Allowed(3)
    assert isinstance(pins.may_try(NOW, wrong_in_call=0, on_file=False, wrong_of_unknown=thirty), Locked)


def test_wrong_tries_of_strangers_never_block_a_number_on_file() -> None:
    flood = ago(*[1] * 10_000)
    assert pins.may_try(NOW, wrong_in_call=0, on_file=True, wrong_of_unknown=flood) == Allowed(3)


def test_a_strangers_own_number_opens_no_second_allowance() -> None:
    assert pins.may_try(NOW, wrong_in_call=0, on_file=False, wrong_of_number=ago(*[1] * 12)) == Allowed(3)


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("471108", True),
        ("1234", True),
        ("123", False),
        ("12345a", False),
        ("", False),
        ("４７１１０８", False),
        ("1" * 13, False),
    ],
)
def test_a_pin_is_four_to_twelve_plain_digits(digits: str, expected: bool) -> None:
    assert pins.well_formed(digits) is expected
