"""What a report is and how urgent, by its words: votes with their evidence, denied words, the plan's limit, commands, what it lacks."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from timeit import repeat

import pytest

from gateway.settings.desk import load_desk
from identity.people import Recognition
from routing import classify, decide
from routing.classify import Asked
from routing.decide import Decision, Report
from routing.desk import Desk

DESKS = Path(__file__).parent.parent / "desks"
AT = datetime(2026, 11, 25, 10, tzinfo=UTC)
TEST = load_desk(DESKS / "test" / "desk.yaml")
PLAIN = replace(TEST, screening=())  # nothing but the house's own words


def decided(text: str, desk: Desk = TEST, plan: str | None = "platinum", **more: object) -> Decision:
    known = {"subject": "", "kind": None, "priority": None, "verified": True, **more}
    who = Recognition(
        "ACME",
        None,
        "certain",
        bool(known.pop("verified")),
        True,
        None,
        plan,
        desk=desk.id,
        add_ons=known.pop("add_ons", ()),
    )  # type: ignore[arg-type]
    return decide.decide(Report("mail", AT, text=text, **known), who, desk)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("Siamo bloccati da stamattina", "P1"),
        ("Il server non è bloccato, va solo controllato", "P3"),
        ("Il server non è più bloccato", "P3"),
        ("Il server non è del tutto bloccato", "P3"),
        ("The line is not completely blocked", "P3"),
        ("Our portal isn't blocked", "P3"),
        ("Nothing is blocked", "P3"),
        ("Il server non risponde è bloccato", "P1"),  # the denial is another verb's
        ("Non è bloccato il PC: è bloccato il server", "P1"),  # denied once, said once
        ("La posta è lenta, non è urgente", "P3"),
        ("Please look at it when you can", "P4"),
        ("Quando potete, cambiate il logo", "P4"),
        ("Siamo fermi, guardate quando potete", "P1"),  # the more urgent word wins
        ("everything is unreachable for all users", "P1"),
        ("il gestionale è irraggiungibile", "P2"),
        ("il gestionale è irraggiungibile, ma possiamo comunque lavorare", "P3"),
        ("il gestionale è irraggiungibile, solo sul mio PC", "P3"),
        ("slow for all users in production", "P2"),
        ("La stampante fa le righe", "P3"),
    ],
)
def test_words_speak_for_a_priority_unless_they_are_denied(text: str, priority: str) -> None:
    assert decided(text).priority == priority


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Vorrei sapere quando scade il contratto", "information"),
        ("Could you tell me how to export the list?", "information"),
        ("Please create a mailbox for the new user", "fulfilment"),
        ("Non funziona la stampante. Come si fa a riavviarla?", "incident"),
        ("The fax doesn't work. How do I restart it?", "incident"),
        ("La stampante fa le righe", "incident"),
    ],
)
def test_words_speak_for_a_kind_and_trouble_goes_before_a_question(text: str, kind: str) -> None:
    assert decided(text, PLAIN).kind == kind


def test_every_vote_stands_in_the_evidence_with_its_words_and_points() -> None:
    evidence = decided("Il sito è irraggiungibile per tutti, urgente", PLAIN).evidence
    assert (
        "priority: P1, by what it says (stopped «irraggiungibile» +4, urgent «urgente» +1, everyone «per tutti» +2 = 7)"
        in evidence
    )
    assert "sign: everyone «per tutti», stopped «irraggiungibile», urgent «urgente»" in evidence
    nearly = decided("Il sito è irraggiungibile, urgente", PLAIN).evidence
    assert "priority: nearly P1: 5 of 6 points (stopped «irraggiungibile» +4, urgent «urgente» +1)" in nearly
    denied = decided("Il sito non è irraggiungibile", PLAIN).evidence
    assert "priority: «irraggiungibile» is denied in the text and counts for nothing" in denied


def test_what_the_customer_chose_is_neither_raised_nor_lowered_by_words() -> None:
    assert decided("siamo fermi", priority="P3").priority == "P3"
    done = decided("quando potete", priority="P1", kind="incident")
    assert (done.kind, done.priority) == ("incident", "P1")
    assert "priority: P1, as the customer chose" in done.evidence


def test_words_never_reach_above_what_the_plan_allows() -> None:
    basic = replace(TEST.plans["basic"], highest="P2")
    desk = replace(TEST, plans={**TEST.plans, "basic": basic})
    done = decided("Siamo bloccati", desk, "basic")
    assert done.priority == "P2"
    assert "priority: not P1, which the plan does not have: P2" in done.evidence
    assert decided("Siamo bloccati", desk, "gold").priority == "P1"


def test_an_urgent_request_is_normal_where_the_plan_does_not_have_urgent_ones() -> None:
    aruba = load_desk(DESKS / "aruba-enterprise" / "desk.yaml")
    words = replace(aruba.screening[0], words=("serve subito",), priority="urgent", kind="fulfilment")
    desk = replace(aruba, screening=(words,))
    assert decided("ci serve subito un server", desk, "small-enterprise").priority == "normal"
    assert decided("ci serve subito un server", desk, "premium").priority == "urgent"


def test_a_desk_sets_the_scale_of_severity_itself() -> None:
    strict = replace(PLAIN, severity={"P1": 4, "P4": -1})
    assert decided("il sito è irraggiungibile", strict).priority == "P1"
    assert decided("abbiamo aggirato il problema", strict).priority == "P4"


def test_a_command_in_the_first_line_counts_where_the_desk_allows_it_and_the_sender_is_verified() -> None:
    desk = replace(TEST, commands=frozenset(("priority",)))
    assert decided("#priority p2\nla stampante fa le righe", desk).priority == "P2"
    assert decided("#priority P2\nla stampante fa le righe", TEST).priority == "P3"
    assert decided("la stampante\n#priority P2", desk).priority == "P3"
    told = decided("#priority P1\nla stampante", desk, verified=False)
    assert told.priority == "P3"
    assert "priority: a command in the mail is not followed, because the sender is not verified" in told.evidence
    wrong = decided("#priority P9\nla stampante", desk)
    assert wrong.priority == "P3"
    assert "priority: the command #priority P9 names nothing that this desk knows" in wrong.evidence


def test_impact_and_urgency_in_a_command_give_the_priority_of_the_matrix() -> None:
    aruba = load_desk(DESKS / "aruba-enterprise" / "desk.yaml")
    assert (
        decided("#impact minor #urgency highest\nguardate", aruba, "enterprise").priority
        == aruba.matrix["minor", "highest"]
    )


@pytest.mark.parametrize(
    "text",
    [
        "La stampante non va. Un altro problema: il fax è muto.",
        "The fax is silent. One more thing, the scanner is too.",
        "1. il fax è muto\n2. lo scanner è spento",
    ],
)
def test_several_problems_in_one_mail_are_noticed_and_marked(text: str) -> None:
    assert "several-problems" in decided(text).marks


def test_one_problem_is_not_taken_for_several() -> None:
    assert "several-problems" not in decided("La stampante ha 2 cassetti e non va il secondo.").marks


def test_what_a_report_lacks_is_marked_for_the_first_answer() -> None:
    desk = replace(TEST, asks={"incident": ("example", "steps", "configuration")})
    assert [mark for mark in decided("Il fax non va", desk).marks if mark.startswith("lacks-")] == [
        "lacks-example", "lacks-steps", "lacks-configuration",
    ]  # fmt: skip
    full = "Allego la schermata. Succede quando apro un ordine, versione 4.2"
    assert not any(mark.startswith("lacks-") for mark in decided(full, desk).marks)
    assert not any(mark.startswith("lacks-") for mark in decided("vorrei sapere una cosa", desk).marks)
    assert not any(mark.startswith("lacks-") for mark in decided("Il fax non va", desk, automatic=True).marks)


def test_a_phrase_is_found_over_a_line_break_and_only_as_whole_words() -> None:
    assert decided("da stamattina siamo\n  fermi").priority == "P1"
    assert decided("la sbloccatura", PLAIN).priority == "P3"
    assert decided("il lentometro", PLAIN).evidence[:2] == (
        "kind: incident, the desk's default",
        "priority: P3, the desk's default",
    )


def test_an_ordinary_mail_is_screened_in_microseconds() -> None:
    text = (
        "Buongiorno, la stampante al secondo piano dell'ufficio acquisti stampa le pagine con una riga nera sul lato destro."
        " Abbiamo già cambiato il toner ma il difetto rimane. Potete mandare un tecnico nei prossimi giorni? Grazie mille. Mario Rossi"
    )

    def screen() -> None:
        classify.screen(Asked(text, None, None, {}, classify.read("Stampante", text, TEST)), TEST)

    screen()
    best = min(repeat(screen, number=200, repeat=15)) / 200
    assert best < 100e-6  # some 15 on a quiet machine
