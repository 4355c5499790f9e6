"""A desk's own rules: conditions on facts, actions that only add, tests beside them, errors with their place."""

from pathlib import Path

import pytest

from gateway.settings import ConfigError
from gateway.settings.desk import load_desk
from gateway.settings.desk_rules import AT, failures
from identity.people import Recognition
from routing import decide
from routing.decide import Decision, Report
from routing.desk import Desk

DESKS = Path(__file__).parent.parent / "desks"
SOURCE = (DESKS / "test" / "desk.yaml").read_text(encoding="utf-8")
RULES = """
rules:
  - name: voice
    when: {words: [centralino, switchboard]}
    then: {facts: ["product:voice"]}
  - name: voice at night
    when: {facts: ["product:voice"], plans: [platinum], channels: [mail]}
    unless: {signs: [whenever]}
    then: {priority: P2, marks: [voice-on-platinum]}
  - name: voice questions
    when: {facts: ["product:voice"], kinds: [information]}
    then: {queue: specialists}
"""


def desk(tmp_path: Path, rules: str = RULES, source: str = SOURCE) -> Desk:
    path = tmp_path / "desk.yaml"
    path.write_text(source + rules, encoding="utf-8")
    return load_desk(path)


def decided(of: Desk, text: str, plan: str = "platinum") -> Decision:
    who = Recognition("ACME", None, "certain", True, True, None, plan, desk=of.id)
    return decide.decide(Report("mail", AT, text=text), who, of)


def test_a_rule_that_holds_adds_what_it_says_and_what_it_adds_counts_for_the_next(tmp_path: Path) -> None:
    done = decided(desk(tmp_path), "Il centralino gracchia")
    assert done.priority == "P2"
    assert "voice-on-platinum" in done.marks
    assert "priority: P2, by the rule «voice at night»" in done.evidence
    assert "rule: «voice» fired: words centralino" in done.evidence
    assert "rule: «voice at night» fired: facts product:voice; channels mail; plans platinum" in done.evidence


def test_a_rule_that_nearly_held_is_told_with_what_kept_it(tmp_path: Path) -> None:
    of = desk(tmp_path)
    assert decided(of, "Il centralino gracchia", "gold").priority == "P3"
    assert (
        "rule: «voice at night» nearly: plans is none of platinum"
        in decided(of, "Il centralino gracchia", "gold").evidence
    )
    kept = decided(of, "Il centralino gracchia, senza fretta")
    assert "rule: «voice at night» nearly: signs is one of whenever" in kept.evidence
    assert "voice-on-platinum" not in kept.marks


def test_a_rule_on_the_kind_is_asked_after_the_kind_is_known(tmp_path: Path) -> None:
    done = decided(desk(tmp_path), "Vorrei sapere come si fa con il centralino, senza fretta")
    assert (done.kind, done.queue, done.level) == ("information", "specialists", "L2")
    assert "queue: specialists, by a rule of the desk" in done.evidence


def test_denied_words_are_no_fact(tmp_path: Path) -> None:
    assert "voice-on-platinum" not in decided(desk(tmp_path), "Non è il centralino").marks


def test_a_route_may_ask_for_facts_languages_and_regions_and_tells_when_it_nearly_fitted(tmp_path: Path) -> None:
    routes = "routes:\n  - {queue: specialists, facts: ['product:voice'], kinds: [incident]}\n"
    of = desk(tmp_path, source=SOURCE.replace("routes:\n", routes))
    assert decided(of, "Il centralino gracchia").queue == "specialists"
    told = decided(of, "La stampante gracchia").evidence
    assert "queue: nearly specialists, by route 1: facts is none of product:voice" in told


def test_a_report_that_fits_no_route_is_in_the_fallback_queue_and_marked(tmp_path: Path) -> None:
    of = desk(tmp_path, source=SOURCE.replace("kinds: [incident, information, fulfilment, event]}", "kinds: [event]}"))
    done = decided(of, "La stampante fa le righe")
    assert (done.queue, decide.NOBODY_FITS in done.marks) == ("to-look-at", True)


TESTS = """
rule_tests:
  - report: {text: "Il centralino gracchia", plan: platinum}
    expect: {priority: P2, fired: [voice at night]}
  - report: {text: "Il centralino gracchia", plan: gold}
    expect: {priority: P1, not_fired: [voice]}
"""


def test_a_test_that_does_not_hold_is_named_with_its_place_and_what_came(tmp_path: Path) -> None:
    found = list(failures(desk(tmp_path, RULES + TESTS)))
    line = (SOURCE + RULES + TESTS).split("\n").index('  - report: {text: "Il centralino gracchia", plan: gold}') + 1
    assert len(found) == 2
    assert found[0].startswith(f"{tmp_path / 'desk.yaml'}:{line}:5: priority P1 was expected; it is P3 (")
    assert "not_fired voice was expected; it is voice" in found[1]


def test_the_tests_of_every_desk_that_ships_hold() -> None:
    desks = [load_desk(path) for path in sorted(DESKS.glob("*/desk.yaml"))]
    assert [words for one in desks for words in failures(one)] == []
    assert sum(len(one.rule_tests) for one in desks) >= 8


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ("rules: [{name: a, when: {plans: [platinium]}, then: {priority: P2}}]", "there is no plan 'platinium'"),
        ("rules: [{name: a, when: {signs: [fire]}, then: {priority: P2}}]", "there is no sign 'fire'"),
        ("rules: [{name: a, when: {words: [x]}, then: {queue: nowhere}}]", "there is no queue 'nowhere'"),
        ("rules: [{name: a, when: {words: [x]}, then: {}}]", "a rule that adds nothing"),
        ("rules: [{name: a, when: {kinds: [incident]}, then: {priority: P2}}]", "a vote of a rule that asks for kinds"),
        ("rules: [{name: a, when: {word: [x]}, then: {priority: P2}}]", "unknown key 'word'"),
        ("rule_tests: [{report: {text: x}, expect: {fired: [nobody]}}]", "there is no rule 'nobody'"),
        ("rule_tests: [{report: {text: x}, expect: {}}]", "a test that expects nothing"),
        ("commands: [impact, urgency]", "impact or urgency"),
        ("severity: {P9: 4}", "there is no priority 'P9'"),
    ],
)
def test_what_is_wrong_in_a_rule_is_named_with_its_line(tmp_path: Path, rules: str, found: str) -> None:
    with pytest.raises(ConfigError) as trouble:
        desk(tmp_path, f"\n{rules}\n")
    line = SOURCE.count("\n") + 2
    assert any(one.startswith(f"{tmp_path / 'desk.yaml'}:{line}:") and found in one for one in trouble.value.problems)
