"""Ticket numbers: what a slip of the finger turns into must never be another ticket's number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import numbers

IDS = st.integers(min_value=1, max_value=10**9)


@given(IDS)
def test_a_number_leads_back_to_its_ticket_however_it_is_written(ticket_id: int) -> None:
    number = numbers.number_of(ticket_id, "PR")
    bare = number.removeprefix("PR-")
    for written in (number, number.lower(), bare, bare.replace("-", ""), bare.replace("-", " "), f" {number} "):
        assert numbers.ticket_id(written) == ticket_id


@given(IDS, st.data())
def test_one_wrong_digit_is_always_found(ticket_id: int, data: st.DataObject) -> None:
    digits = numbers.digits_of(ticket_id)
    at = data.draw(st.integers(0, len(digits) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != digits[at]]))
    assert numbers.ticket_id(digits[:at] + wrong + digits[at + 1 :]) is None


@given(IDS, st.data())
def test_two_swapped_neighbours_are_always_found(ticket_id: int, data: st.DataObject) -> None:
    digits = numbers.digits_of(ticket_id)
    at = data.draw(st.sampled_from([at for at in range(len(digits) - 1) if digits[at] != digits[at + 1]] or [-1]))
    if at >= 0:
        swapped = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
        assert numbers.ticket_id(swapped) is None


def test_every_single_error_and_swap_of_the_first_thousand_numbers_is_found() -> None:
    for ticket_id in range(1, 1001):
        digits = numbers.digits_of(ticket_id)
        for at, right in enumerate(digits):
            for wrong in "0123456789":
                if wrong != right:
                    assert numbers.ticket_id(digits[:at] + wrong + digits[at + 1 :]) is None
        for at in range(len(digits) - 1):
            if digits[at] != digits[at + 1]:
                assert numbers.ticket_id(digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]) is None


def test_the_check_digit_is_damms() -> None:
    assert numbers.check_digit("572") == 4  # the example that is published with the table
    assert numbers.number_of(1, "TS") == "TS-1000-0012"


@given(st.lists(IDS, unique=True, min_size=2, max_size=2))
def test_two_tickets_never_share_a_number(pair: list[int]) -> None:
    assert numbers.number_of(pair[0], "PR") != numbers.number_of(pair[1], "PR")


def test_long_numbers_keep_groups_of_four_from_the_left() -> None:
    digits = numbers.digits_of(99_000_000)
    assert numbers.number_of(99_000_000, "PR") == f"PR-{digits[:4]}-{digits[4:8]}-{digits[8:]}"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "PR-",
        "1234",
        "PR-1000-0000",
        "PR-0000-0000",
        "10000012x",
        "١٠٠٠٠٠١٢",
        "PR-1000-0013",
        "1" * 40,
        "PR 10.000.012",
    ],
)
def test_what_is_no_number_is_none(written: str) -> None:
    assert numbers.ticket_id(written) is None
