"""The From: exactly one address, or held."""

import pytest

from identity import sender

OWN = frozenset({"support@example.test"})


@pytest.mark.parametrize(
    ("froms", "address", "held"),
    [
        (["mario@acme.example"], "mario@acme.example", None),
        (["MARIO@Acme.Example"], "mario@acme.example", None),
        ([], None, "ambiguous-sender"),
        ([""], None, "ambiguous-sender"),
        (["mario@acme.example", "luigi@evil.example"], None, "ambiguous-sender"),
        (["mario@acme.example", "mario@acme.example"], None, "ambiguous-sender"),  # two From headers
        (["a@acme.example", "b@acme.example", "c@acme.example"], None, "ambiguous-sender"),  # a group
        (["support@example.test"], None, "own-address"),
        (["Support@EXAMPLE.test"], None, "own-address"),
        (["support+Kx81z@example.test"], None, "own-address"),
        (["support@example.test.evil.example"], "support@example.test.evil.example", None),
        (["mario@ａcme.example"], None, None),  # nobody we know, and no repair
        (['"mario@acme.example"@evil.example'], None, None),
    ],
)
def test_the_sender_is_exactly_one_address_that_is_not_ours(
    froms: list[str], address: str | None, held: str | None
) -> None:
    judged = sender.judge(froms, OWN)
    assert (judged.address, judged.held) == (address, held)


def test_the_written_form_is_kept_for_sending() -> None:
    assert sender.judge(["Mario@Acme.Example"], OWN).written == "Mario@Acme.Example"
