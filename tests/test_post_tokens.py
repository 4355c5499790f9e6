"""Marks on reply addresses and ids: only the right one opens, whatever else stands in an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.post.tokens import (
    digits_of,
    judge_address,
    judge_message_id,
    message_id,
    read_address,
    read_message_id,
    reply_address,
)

SECRET = b"sixteen bytes or more of a secret"
OTHER = b"another secret of the same length!"
ADDRESS = reply_address("support@example.test", "PR-1002-4137", SECRET)
ID = message_id("PR-1002-4137", 1, "example.test", SECRET)
numbers = st.integers(min_value=10, max_value=10**12).map(str)


def test_a_reply_address_holds_the_digits_and_eighty_bits() -> None:
    local, domain = ADDRESS.split("@")
    name, tag = local.split("+")
    digits, mark = tag.split(".")
    assert (name, digits, len(mark), domain) == ("support", "10024137", 16, "example.test")
    assert len(local) <= 64


@given(numbers)
def test_what_was_made_is_read_in_any_case_of_letters(number: str) -> None:
    address = reply_address("Help.Desk+it@example.test", f"PR-{number}", SECRET)
    assert (
        read_address(address, SECRET)
        == read_address(address.upper(), SECRET)
        == read_address(address.lower(), SECRET)
        == number
    )
    own = message_id(number, 7, "example.test", SECRET)
    assert read_message_id(own, SECRET) == read_message_id(f"<{own.upper()}>", SECRET) == number


@given(st.integers(0, 15), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_mark_with_one_letter_changed_is_wrong(place: int, letter: str) -> None:
    head, mark = ADDRESS.split("@")[0].rsplit(".", 1)
    changed = mark[:place] + letter + mark[place + 1 :]
    expected = "right" if changed == mark else "wrong"
    assert judge_address(f"{head}.{changed}@example.test", SECRET).verdict == expected
    start, rest = ID.split("@")[0].rsplit(".", 1)
    changed = rest[:place] + letter + rest[place + 1 :]
    expected = "right" if changed == rest else "wrong"
    assert judge_message_id(f"{start}.{changed}@example.test", SECRET).verdict == expected


@given(numbers)
def test_a_mark_opens_no_other_ticket(number: str) -> None:
    other = ADDRESS.replace("10024137", number)
    assert (read_address(other, SECRET) == number) is (number == "10024137")


def test_the_mark_of_an_address_is_not_that_of_an_id_nor_of_another_mail() -> None:
    mark = ADDRESS.split("@")[0].rsplit(".", 1)[1]
    assert judge_message_id(f"10024137.1.{mark}@example.test", SECRET).verdict == "wrong"
    assert judge_message_id(ID.replace(".1.", ".2."), SECRET).verdict == "wrong"
    assert judge_message_id(ID.replace(".1.", ".01."), SECRET).verdict == "wrong"


def test_another_secret_refuses() -> None:
    assert judge_address(ADDRESS, OTHER).verdict == "wrong"
    assert read_address(ADDRESS, OTHER) is None


def test_no_mark_a_wrong_one_and_the_right_one_are_told_apart() -> None:
    assert judge_address("support@example.test", SECRET).verdict == "none"
    assert judge_address("support+10024137@example.test", SECRET).verdict == "none"
    wrong = judge_address("support+10024137.aaaaaaaaaaaaaaaa@example.test", SECRET)
    assert (wrong.verdict, wrong.digits) == ("wrong", "10024137")
    assert judge_address(ADDRESS, SECRET).verdict == "right"


@given(st.text(max_size=400))
def test_reading_never_raises_and_nothing_but_ours_is_right(text: str) -> None:
    for guess in (text, f"support+{text}@example.test", f"<{text}>", f"10024137.1.{text}@example.test"):
        assert read_address(guess, SECRET) is None
        assert read_message_id(guess, SECRET) is None


@pytest.mark.parametrize("text", ["K", "\u0661\u0660\u0660\u0662\u0664\u0661\u0663\u0667", "\uff11" * 8])
def test_letters_that_only_look_like_ascii_prove_nothing(text: str) -> None:
    assert read_address(ADDRESS.replace("10024137", text), SECRET) is None


def test_an_endless_address_is_read_at_once() -> None:
    assert judge_address("a+1." * 1_000_000 + "@x", SECRET).verdict == "none"
    assert judge_address("+" * 300 + "@x", SECRET).verdict == "none"


@pytest.mark.parametrize(
    ("number", "digits"),
    [("PR-1002-4137", "10024137"), ("P2-1002-4137", "10024137"), ("10024137", "10024137"), ("1002-4137", "10024137")],
)
def test_a_number_is_its_digits(number: str, digits: str) -> None:
    assert digits_of(number) == digits


@pytest.mark.parametrize("number", ["", "PR-", "PR-12x4", "PR-1002\r\n", "١٢٣٤"])
def test_what_is_no_number_gets_no_address(number: str) -> None:
    with pytest.raises(ValueError):
        reply_address("support@example.test", number, SECRET)


def test_a_base_that_leaves_no_room_and_a_short_secret_are_refused() -> None:
    with pytest.raises(ValueError):
        reply_address("x" * 39 + "@example.test", "10024137", SECRET)
    with pytest.raises(ValueError):
        reply_address("support", "10024137", SECRET)
    with pytest.raises(ValueError):
        reply_address("support@example.test", "10024137", b"short")
