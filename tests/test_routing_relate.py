"""Is it the same problem? What joins by itself, what is shown, and what is never joined however alike the words."""

import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing import facts, relate, shortlist
from routing.facts import Trace
from routing.faults import Sign, fault_of, touched
from routing.pool import Stream
from routing.relate import Related
from routing.relate_policy import Policy

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MARIO, ANNA, PHONE = "mario@acme.example", "anna@acme.example", "+39049123456"


def report(
    n: int,
    minutes: float,
    text: str,
    *,
    subject: str = "",
    sender: str = MARIO,
    channel: str = "mail",
    customer: str = "K",
) -> Trace:
    return facts.trace(f"r{n}", NOON + timedelta(minutes=minutes), channel, customer, sender, subject, text)


def told(*reports: Trace, policy: Policy | None = None) -> list[Related]:
    stream = Stream(policy)
    return [stream.take(one)[0] for one in reports]


def last(*reports: Trace) -> Related:
    return told(*reports)[-1]


TILL = "Buongiorno, la cassa 4129 di Milano non accetta pagamenti con carta."
JOINS = {
    "the same mail sent again with another greeting": (
        report(1, 0, TILL, subject="Cassa ferma"),
        report(2, 120, "Buonasera, la cassa 4129 di Milano non accetta pagamenti con carta.\n\nSaluti\nMario", subject="R: Cassa ferma"),
    ),
    "with a reminder at its end": (
        report(1, 0, TILL, subject="Cassa ferma"),
        report(2, 120, f"{TILL} Ci sono novità? Restiamo in attesa.", subject="Sollecito: Cassa ferma"),
    ),
    "with the first one quoted": (
        report(1, 0, TILL, subject="Cassa ferma"),
        report(2, 120, f"> {TILL}", subject="Re: Cassa ferma"),
    ),
    "a call in the words of the mail": (
        report(1, 0, TILL, subject="Cassa ferma"),
        report(2, 30, "pronto buongiorno la cassa 4129 di milano non accetta pagamenti con carta se potete richiamarmi", sender=PHONE, channel="call"),
    ),
    "a mail after the call, in other words, of one place and trouble": (
        report(1, 0, "hello this is a call from Leeds the badge reader rejects every card", sender=PHONE, channel="call"),
        report(2, 30, "I badge non aprono la porta di Leeds.", subject="Badge"),
    ),
    "trouble again, and nobody ever wrote that it was over": (
        report(1, 0, "Till 5 in Rovigo rejects every card."),
        report(2, 60, "La cassa 5 di Rovigo non funziona di nuovo, il pos rifiuta tutti i clienti e la fila cresce.", sender=ANNA),
    ),
    "a colleague about the same object with the same trouble": (
        report(1, 0, TILL, subject="Cassa ferma"),
        report(2, 60, "Card terminal at till 4129 declines every card.", subject="POS down", sender=ANNA),
    ),
    "a name that the telephone spells without points": (
        report(1, 0, "Il sito www.acme-b2b.it dà errore 502.", subject="Sito offline"),
        report(2, 20, "buongiorno il sito wwwacme-b2bit mostra una pagina bianca con nginx", sender=PHONE, channel="call"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", JOINS)
def test_it_is_one_problem(case: str) -> None:
    related = last(*JOINS[case])
    assert (related.decision, related.of) == ("same", "r1")
    assert related.why[0].partition(":")[0] in Policy().rules


# (veto that must be named, reports)
APART = {
    "another number": ("replaced-word", (report(1, 0, "La cassa 4129 ha lo schermo nero."), report(2, 60, "La cassa 7655 ha lo schermo nero."))),
    "another small number": ("replaced-word", (report(1, 0, "La cassa 12 non emette lo scontrino."), report(2, 60, "La cassa 13 non emette lo scontrino."))),
    "another host": ("replaced-word", (report(1, 0, "srv-mi-01 non si avvia dal pannello."), report(2, 60, "srv-mi-02 non si avvia dal pannello."))),
    "another drive of one host": ("other-object", (report(1, 0, "Il disco C di srv-mi-01 è pieno."), report(2, 60, "Il disco D di srv-mi-01 è pieno."))),
    "another place": ("replaced-word", (report(1, 0, "Il server della sede di Bologna non risponde."), report(2, 60, "Il server della sede di Leeds non risponde."))),
    "another letter": ("other-object", (report(1, 0, "Il badge non apre la porta C del magazzino."), report(2, 60, "Il badge non apre la porta D del magazzino."))),
    "another person": ("replaced-word", (report(1, 0, "L'account della collega Rossi è bloccato."), report(2, 60, "L'account della collega Verdi è bloccato."))),
    "the same host, another trouble": ("", (report(1, 0, "srv-mi-01: spazio su disco insufficiente."), report(2, 60, "La macchina virtuale srv-mi-01 non si avvia."))),
    "a second matter after it": ("second-matter", (report(1, 0, TILL), report(2, 60, f"{TILL}\n\nInoltre: serve un nuovo monitor per la reception.", sender=ANNA))),
    "something new after the same words": ("another-trouble", (report(1, 0, TILL), report(2, 60, f"{TILL} Ora anche la stampante è rotta."))),
    "weeks later": ("", (report(1, 0, TILL), report(2, 60 * 24 * 30, TILL))),
    "a request for it": ("one asks", (report(1, 0, "La fattura 4669 riporta un importo errato."), report(2, 60, "Serve copia della fattura 4669.", sender=ANNA))),
    "another floor of one office": ("other-place", (report(1, 0, "The wifi on floor 2 of the Leeds office is down."), report(2, 60, "hello the wifi on floor 3 of the leeds office is down", sender=PHONE, channel="call"))),
    "the third till, not the first": ("other-object", (report(1, 0, "La prima cassa del negozio di Lodi non legge le carte."), report(2, 60, "la terza cassa del negozio di lodi non legge le carte", sender=PHONE, channel="call"))),
    "a drive called E": ("other-object", (report(1, 0, "Su srv-a1 il disco D è pieno."), report(2, 60, "Su srv-a1 il disco E è pieno."))),
    "a town that nobody knows, on the phone": ("", (report(1, 0, "La stampante KX-20 di Siena inceppa la carta ad ogni foglio."), report(2, 60, "pronto la stampante kx-20 di gualdo inceppa la carta ad ogni foglio", sender=PHONE, channel="call"))),
    "another error of one service": ("other-code", (report(1, 0, "Mario non riesce a usare la VPN da Roma, errore 691."), report(2, 60, "la vpn da roma non va errore 809", sender=PHONE, channel="call"))),
    "the opposite": ("denied", (report(1, 0, "The server srv-a1 is down for all users in Leeds."), report(2, 60, "The server srv-a1 is not down for all users in Leeds."))),
    "that it is over": ("recovered", (report(1, 0, "Till 5 in Rovigo rejects every card."), report(2, 60, "Till 5 in Rovigo accepts cards again.", sender=ANNA))),
    "trouble after somebody wrote that it was over": ("after-recovery", (report(1, 0, "La VPN di Milano non sale, errore 809."), report(2, 60, "La VPN di Milano funziona di nuovo, grazie."), report(3, 180, "La VPN di Milano non sale, errore 809."))),
    "a second thing in a sentence of its own": ("second-matter", (report(1, 0, "Till 6 in Leeds rejects every card."), report(2, 60, "Till 6 in Leeds rejects every card. Also since today esx-f27 does not answer.", sender=ANNA))),
    "a second place": ("names another place", (report(1, 0, "Till 4129 in Leeds rejects every card."), report(2, 60, "La cassa 4129 di Leeds è ferma e anche il pos di Milano rifiuta tutti i clienti del negozio.", sender=ANNA))),
    "the same request by two people": ("nothing-named", (report(1, 0, "Potete organizzare un corso di fogli elettronici?"), report(2, 60, "Potete organizzare un corso di fogli elettronici?", sender=ANNA))),
}  # fmt: skip


@pytest.mark.parametrize("case", APART)
def test_it_is_not_one_problem_and_says_why(case: str) -> None:
    veto, reports = APART[case]
    related = last(*reports)
    assert related.decision != "same"
    assert any(line.startswith("veto ") and veto in line for line in related.why) or not veto


def test_another_customers_report_is_never_compared() -> None:
    related = last(report(1, 0, TILL), report(2, 5, TILL, customer="L"))
    assert (related.decision, related.candidates) == ("new", ())


def test_a_report_of_nobody_is_compared_with_nothing() -> None:
    assert relate.relate(report(1, 0, TILL, customer=""), ()).decision == "new"
    nobody = facts.trace("r", NOON, "mail", None, MARIO, "", TILL)
    assert relate.relate(nobody, ()).why == ("no customer: nothing to compare with",)


def test_a_desk_says_which_rules_may_join() -> None:
    reports = (report(1, 0, TILL, subject="Cassa ferma"), report(2, 60, TILL, subject="Cassa ferma"))
    related = told(*reports, policy=Policy(rules=("same-alert",)))[-1]
    assert related.decision == "suggest"
    assert any("not-allowed" in line for line in related.why)


def test_a_closed_ticket_is_not_joined_but_shown() -> None:
    known = relate.Known(report(1, 0, TILL), "r1", closed=True)
    related = relate.relate(report(2, 60, TILL), [known])
    assert (related.decision, related.candidates) == ("suggest", ("r1",))
    assert any("veto closed" in line for line in related.why)


# Alerts ---------------------------------------------------------------------------------------------------------


def event(n: int, minutes: float, state: str, host: str = "srv-mi-01") -> Trace:
    text = f"Host: {host}\nService: CPU load\nState: {state}\nValue: {n * 7 % 100}%\nEvent id: {n * 31_337}"
    return report(
        n, minutes, text, subject=f"[{state}] {host}: CPU load", sender="monitor@acme.example", channel="event"
    )


def test_an_alert_folds_until_it_recovers_and_the_next_one_is_new() -> None:
    stream = (
        event(1, 0, "PROBLEM"),
        event(2, 30, "PROBLEM"),
        event(3, 60, "RECOVERED"),
        event(4, 60 * 30, "PROBLEM"),
        event(5, 60 * 30 + 5, "PROBLEM"),
    )
    assert [(one.decision, one.of) for one in told(*stream)] == [
        ("new", None), ("same", "r1"), ("same", "r2"), ("new", None), ("same", "r4"),
    ]  # fmt: skip


def test_another_hosts_alert_in_between_changes_nothing() -> None:
    stream = (event(1, 0, "PROBLEM"), event(2, 5, "PROBLEM", "srv-mi-02"), event(3, 10, "PROBLEM"))
    assert [one.decision for one in told(*stream)] == ["new", "new", "same"]


def test_an_alert_that_was_silent_for_more_than_a_day_is_only_shown() -> None:
    related = told(event(1, 0, "PROBLEM"), event(2, 60 * 25, "PROBLEM"))[-1]
    assert (related.decision, related.candidates) == ("suggest", ("r1",))


# Suggestions ----------------------------------------------------------------------------------------------------


def test_what_resembles_it_is_shown_best_first_and_at_most_five() -> None:
    earlier = [
        report(n, n, f"La stampante {n} di Vicenza lampeggia e non stampa.", sender=f"p{n}@acme.example")
        for n in range(1, 9)
    ]
    related = told(
        *earlier, report(20, 60, "A Vicenza non si riesce a stampare niente, la coda è bloccata.", sender=ANNA)
    )[-1]
    assert related.decision == "suggest"
    assert 1 <= len(related.candidates) <= 5


def test_me_too_shows_what_was_told_just_before() -> None:
    related = told(
        report(1, 0, "Il gestionale di Thiene non si apre."), report(2, 20, "Anche noi stesso problema.", sender=ANNA)
    )[-1]
    assert (related.decision, related.candidates) == ("suggest", ("r1",))


def test_a_colleague_in_another_language_finds_it_by_place_and_trouble() -> None:
    related = told(
        report(1, 0, "I badge non aprono la porta d'ingresso di Torino."),
        report(2, 30, "Nobody gets in at the Turin office: the card reader stays red.", sender=ANNA),
    )[-1]
    assert related.candidates == ("r1",)


def test_most_new_matters_are_shown_nothing() -> None:
    matters = (
        "Serve un nuovo mouse per la reception.", "Quando scade il contratto di assistenza?", "Vorremmo un preventivo per dieci licenze.",
        "Il nuovo referente tecnico è Paola Neri.", "Please move extension 214 to the meeting room.", "Abbiamo un NAS da smaltire.",
    )  # fmt: skip
    assert {one.decision for one in told(*(report(n, n * 7, text) for n, text in enumerate(matters, 1)))} == {"new"}


def test_rank_fusion_prefers_what_two_orders_agree_on() -> None:
    assert relate.fuse(((1.0, ("a", "b", "c")), (1.0, ("b", "c", "a"))))[0] == "b"


# Wider faults ---------------------------------------------------------------------------------------------------


def test_a_fault_counts_each_customer_once_and_only_within_its_window() -> None:
    signs = frozenset(("service:vpn",))
    new = Sign("n", NOON, "A", signs)
    earlier = [
        Sign(f"{c}{m}", NOON - timedelta(minutes=m), c, signs)
        for c, m in (("B", 10), ("B", 20), ("C", 30), ("D", 600), ("A", 5))
    ]
    group = fault_of(new, earlier)
    assert [one.id for one in group] == ["C30", "B20", "A5"]
    assert touched(group, new) == 3


def test_what_each_customer_has_of_its_own_is_no_wider_fault() -> None:
    stream = Stream()
    said = [stream.take(report(n, n, "I badge non aprono la porta di Milano.", customer=f"K{n}"))[1] for n in range(5)]
    assert said == [None] * 5


# The command, the cost ------------------------------------------------------------------------------------------


def run(lines: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from gateway.cli import main; main()", "relate"],
        input=lines,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def line(n: int, at: str, text: str, **more: Any) -> str:
    return json.dumps(
        {
            "id": f"r{n}",
            "received": at,
            "channel": "mail",
            "customer": "K",
            "from": MARIO,
            "subject": "",
            "text": text,
            **more,
        }
    )


def test_the_command_reads_and_prints_json_lines() -> None:
    done = run(line(1, "2026-03-02T09:00:00+01:00", TILL) + "\n\n" + line(2, "2026-03-02T10:00:00+01:00", TILL) + "\n")
    first, second = (json.loads(one) for one in done.stdout.splitlines())
    assert set(first) == {"id", "decision", "of", "score", "wide", "candidates", "why"}
    assert (first["decision"], second["decision"], second["of"]) == ("new", "same", "r1")


@pytest.mark.parametrize(
    ("bad", "said"),
    [("{", "line 1 is no JSON"), ("[]", "line 1 is no object"), (line(1, "yesterday", ""), "line 1: received")],
)
def test_a_line_that_cannot_be_read_is_said_and_the_command_ends_with_2(bad: str, said: str) -> None:
    done = run(bad + "\n")
    assert (done.returncode, said in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "piece",
    [
        "a-",
        " ",
        "1.",
        "a.",
        "\n",
        "\n  ",
        "a1-",
        "Host: ",
        "in 1d ",
        "> ",
        "srv-",
        "saluti\n",
        "[",
        "x@",
        "(a",
        "not ",
        "0 errors ",
        "k=v, ",
        "from a to ",
        "1 of ",
        "/a",
        "C:\\",
        "1:",
        "feb ",
        "State: a ",
        "a -> ",
        '"A ',
    ],
)
def test_no_text_takes_long_to_read(piece: str) -> None:
    text = piece * (18_000 // len(piece))
    begun = time.process_time()
    facts.trace("r", NOON, "event", "K", MARIO, text[:300], text)
    assert time.process_time() - begun < 0.5


def test_a_trace_is_the_same_after_keeping_but_for_what_only_a_new_report_is_asked_for() -> None:
    mail, alert, call = report(1, 0, TILL, subject="Cassa"), event(2, 0, "PROBLEM"), report(3, 0, TILL, channel="call")
    signed = report(
        4, 0, f"Porta B ferma, cod. cliente 200003.\n{TILL}\n> citato\nMario Rossi\nwww.acme.example\nTel. 02 1234567"
    )
    assert all((signed.beside, signed.marks, signed.signed, signed.quoted, alert.alert and alert.alert.marks))
    for one, kept in (
        (signed, replace(signed, sentences=(), edges=frozenset(), glued="", denials=(sum(signed.denials),))),
        (mail, replace(mail, sentences=(), edges=frozenset(), glued="", denials=(sum(mail.denials),))),
        (alert, replace(alert, sentences=(), edges=frozenset(), glued="", denials=(0,))),
        (call, replace(call, sentences=(), denials=(sum(call.denials),))),
    ):
        assert facts.from_json(json.loads(json.dumps(facts.as_json(one))), one.id, one.at, "K") == kept


def test_a_sketch_is_the_same_after_keeping() -> None:
    for one in (report(1, 0, TILL, subject="Cassa"), event(2, 0, "PROBLEM"), report(3, 0, TILL, channel="call")):
        small = shortlist.sketch(one)
        assert shortlist.from_json(json.loads(json.dumps(shortlist.as_json(small)))) == small


def test_a_long_text_is_sketched_by_the_same_words_wherever_they_stand_and_always_by_its_title() -> None:
    words = [f"{chr(97 + n % 26)}{chr(97 + n // 26)}zz" for n in range(400)]
    one, other = (
        shortlist.sketch(report(1, 0, " ".join(said), subject="Cassa ferma")) for said in (words, words[::-1])
    )
    assert one.stems == other.stems
    assert one.title <= one.stems
    assert len(one.stems) <= shortlist.SAMPLE + len(one.title)


def test_of_many_recent_reports_those_that_are_read_hold_the_one_that_it_repeats_and_all_of_its_ticket() -> None:
    chance = random.Random(4)
    others = [
        report(n, n, " ".join("".join(chance.choices("abcdefghilmnoprstuvz", k=8)) for _ in range(60)))
        for n in range(60)
    ]
    first = report(90, 0, TILL, subject="Cassa ferma")
    told = report(91, 30, "Aggiungo la foto dello scontrino.", subject="Re: Cassa ferma")
    known = [(first, "90"), (told, "90"), *((one, one.id) for one in others)]
    candidates = [shortlist.Candidate(one.id, root, one.at, shortlist.sketch(one)) for one, root in known]
    again = report(99, 90, TILL, subject="Sollecito: Cassa ferma")
    chosen = shortlist.shortlist(again, candidates, shortlist.rarity(candidates))
    assert set(chosen[:2]) == {"r90", "r91"}
    assert len(chosen) == shortlist.SHOWN


def test_an_order_is_the_same_one_again_within_two_hours_or_as_a_reminder_and_else_a_new_one() -> None:
    words = "Vi chiedo gentilmente di ordinare due sedie per l'ufficio acquisti."
    first = _asked("1", 0, "Sedie", words)
    cases = ((1.5, "Sedie", words, "same"), (26, "Sedie", words, "other"), (26, "Sollecito: Sedie", words, "same"),
             (26, "Sedie", f"{words} Resto in attesa di un vostro riscontro.", "same"))  # fmt: skip
    for hours, subject, text, wanted in cases:
        found = relate.relate(_asked("2", hours, subject, text), [relate.Known(first, "1")])
        assert (found.decision == "same") == (wanted == "same"), (hours, subject, found)
        assert found.candidates == ("1",)
        if wanted == "other":
            assert any(line.startswith("veto asked-again") for line in found.why)


def test_trouble_sent_again_a_day_later_is_still_the_same() -> None:
    words = "La stampante dell'ufficio acquisti non stampa e la coda resta ferma."
    found = relate.relate(_asked("2", 26, "Stampante", words), [relate.Known(_asked("1", 0, "Stampante", words), "1")])
    assert found.decision == "same"


def test_a_defect_in_other_words_is_suggested_when_a_word_of_the_same_meaning_names_both() -> None:
    slow = _asked("3", 0, "Search slow", "Looking for a customer takes half a minute.")
    again = _asked("4", 300, "Ricerca lenta", "Digito il nome e aspetto tantissimo.")
    other = _asked("5", 300, "Logo", "Nella carta intestata il marchio ha il vecchio colore.")
    assert relate.relate(again, [relate.Known(slow, "3")], relate.Rarity({}, 0)).candidates == ("3",)
    assert relate.relate(other, [relate.Known(slow, "3")], relate.Rarity({}, 0)).candidates == ()


def test_the_customers_own_sites_keep_their_reports_apart() -> None:
    def at(id: str, site: str) -> facts.Trace:
        said = f"Il badge non apre la porta del {site}, i colleghi sono fuori."
        return facts.trace(
            id, NOON, "mail", "ACME", "m@acme.example", "Badge", said, ("Capannone Verde", "Palazzina Uffici")
        )

    one, other = at("1", "Capannone Verde"), at("2", "Palazzina Uffici")
    assert "capannone verde" in one.places
    found = relate.relate(other, [relate.Known(one, "1")])
    assert found.decision != "same"


def _asked(id: str, hours: float, subject: str, text: str) -> facts.Trace:
    return facts.trace(id, NOON + timedelta(hours=hours), "mail", "ACME", "m@acme.example", subject, text)
