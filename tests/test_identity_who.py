"""`presa who` explains any address, number, code or mail, in words that a customer could be told."""

import json

import pytest
from typer.testing import CliRunner

from gateway.cli.commands import app


def who(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["who", *words, "--config", "desks/test"], env={"PRESA_DATABASE": ""})
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--from", "mario@acme.example"], ["This seems to be ACME S.p.A. (ACME)", "covered by the plan platinum", "Support is"]),
        (["--from", "mario@acme.example", "--language", "it"], ["Il mittente sembra di ACME S.p.A.", "coperta dal piano platinum"]),
        (["--from", "nobody@stranger.example"], ["We do not know which customer this is.", "not recognised a support contract"]),
        (["--from", "mario@acrne.example"], ["We do not know", "perhaps ACME (0.3): acrne.example resembles"]),
        (["--phone", "06/12345678"], ["This seems to be ACME", "no PIN was given: a hint, not proof"]),
        (["--code", "acm-0001"], ["This seems to be ACME", "customer code ACM-0001 was given"]),
        (["--code", "acm0001"], ["We do not know", "perhaps ACME (0.2): the text holds nearly the customer code ACM-0001"]),
    ],
)  # fmt: skip
def test_the_answer_says_how_sure_what_is_covered_and_why(asked: list[str], words: list[str]) -> None:
    said = who(*asked)
    assert [one for one in words if one not in said] == []


def test_what_is_asked_wrongly_gets_one_clear_line() -> None:
    assert "exactly one of --from" in who(code=2)
    assert "--desk: 'nowhere' is none of test" in who("--from", "a@b.example", "--desk", "nowhere", code=2)


def test_programs_get_it_as_json() -> None:
    said = json.loads(who("--from", "luigi.beta@gmail.com", "--json"))
    assert {name: said[name] for name in ("customer", "contact", "verified", "plan", "entitled", "why_not", "certainty")} == {
        "customer": "BETA", "contact": "luigi.beta@gmail.com", "verified": False, "plan": "gold", "entitled": True,
        "why_not": None, "certainty": "likely",
    }  # fmt: skip
