"""Evidence in the reader's language: every line that is known has its Italian words, and keeps its facts."""

import re
from datetime import UTC, datetime

import pytest

from gateway import locale
from gateway.web import plain
from gateway.web.rendering import Words

NOW = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)
ITALIAN = Words("it", "Europe/Rome", NOW)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("anna@premium.example is the address of a contact", "anna@premium.example è l'indirizzo di un referente"),
        ("incident, the desk's default", "Incidente, come il desk prevede di solito"),
        ("P2, because of the words «a singhiozzo, in errore»", "P2, per le parole «a singhiozzo, in errore»"),
        ("first-line, by the desk's route 4", "first-line, per l'instradamento 4 del desk"),
        (
            "of the plan premium, provisionally, because the sender is not verified",
            "del piano premium, in via provvisoria, perché il mittente non è verificato",
        ),
        ("due 2026-05-12 13:34 UTC", "scade 15:34"),
        ("workaround -4", "c'è un rimedio provvisorio -4"),
        ("edge: dmarc=pass header.from=premium.example", "edge: dmarc=pass header.from=premium.example"),
        ("100 % of what nobody knows", "100 % of what nobody knows"),
    ],
)
def test_a_line_of_evidence_is_said_in_italian_with_its_facts(line: str, words: str) -> None:
    assert ITALIAN.plain(line) == words


def test_every_known_line_has_italian_words_with_the_same_facts() -> None:
    say = locale.translator("it")
    for message in plain.KNOWN:
        assert say(message) != message, message
        assert sorted(re.findall(r"%\(\w+\)s", say(message))) == sorted(re.findall(r"%\(\w+\)s", message))
