"""Evidence in the reader's language: every line that is known has its Italian words, and keeps its facts."""

import re
from datetime import UTC, datetime

import pytest

from gateway import locale
from gateway.web import plain
from gateway.web.rendering import Words
from routing.classify import PHRASES, TELLING

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
        ("P1 does not page on platinum", "P1 non sveglia il reperibile con platinum"),
        ("loop: TS-1000-0012 got 11 mails within an hour", "TS-1000-0012 ha ricevuto 11 mail in un'ora"),
        (
            "P4, because of the words «senza fretta»; by what it says (whenever «senza fretta» -3 = -3)",
            "P4, per le parole «senza fretta»; per quello che dice (senza fretta «senza fretta» -3 = -3)",
        ),
        ("stopped «siamo fermi», trouble «non funziona»", "fermo «siamo fermi», qualcosa non va «non funziona»"),
        (
            "nearly specialists, by route 3: priorities is none of P1, P2",
            "quasi specialists, per l'instradamento 3: priorità: nulla tra P1, P2",
        ),
        (
            "«vip» fired: words fattura; plans gold",
            "«vip» applicata: parole: fattura; piani: gold",
        ),
        (
            "veto other-object: milano, not roma (TS-1000-0012)",
            "no: altro oggetto: milano, non roma (TS-1000-0012)",
        ),
        ("veto other-mark: volume d, not volume c", "no: nomina altro: volume d, non volume c"),
        ("veto other-mark: it may end more than one", "no: nomina altro: può chiudere più di un allarme"),
        ("veto other-mark: neither names anything", "no: nomina altro: nessuno dei due nomina qualcosa"),
        ("veto other-mark: the subjects differ", "no: nomina altro: gli oggetti delle mail sono diversi"),
        ("perhaps TS-1000-0012: alike (0.42)", "forse TS-1000-0012: simile (0.42)"),
        (
            "AE-1000-0012 by the ticket's own token; the sender is a verified party to it",
            "AE-1000-0012 per il token del ticket; il mittente ne fa parte ed è verificato",
        ),
        (
            "held: ambiguous-sender; released by Giulia",
            "trattenuta: Non nomina un mittente, o ne nomina più di uno; rilasciata da Giulia",
        ),
        ("always", "sempre"),
        ("always; and something unknown", "always; and something unknown"),
    ],
)
def test_a_line_of_evidence_is_said_in_italian_with_its_facts(line: str, words: str) -> None:
    assert ITALIAN.plain(line) == words


def test_every_known_line_has_italian_words_with_the_same_facts() -> None:
    say = locale.translator("it")
    for message in plain.KNOWN:
        assert say(message) != message, message
        assert sorted(re.findall(r"%\(\w+\)s", say(message))) == sorted(re.findall(r"%\(\w+\)s", message))


@pytest.mark.parametrize(
    ("every", "words"),
    [
        ("PT1H", "Aggiornamento al cliente ogni ora"),
        ("P1D", "Aggiornamento al cliente ogni giorno lavorativo"),
        ("PT4H", "Aggiornamento al cliente ogni 4 ore"),
    ],
)
def test_how_often_there_is_news_is_said_on_the_page(every: str, words: str) -> None:
    assert ITALIAN.cadence(every) == words


def test_every_name_of_a_sign_and_of_a_rules_fact_has_its_words() -> None:
    assert set(plain.SIGNS) == {*PHRASES, "core"} - TELLING
    say = locale.translator("it")
    assert all(say(words) != words for words in (*plain.SIGNS.values(), *plain.FACTS.values()))
