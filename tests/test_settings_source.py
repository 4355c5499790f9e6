"""YAML with places: every complaint says where, what was found, what was expected, and what to do."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from gateway.settings.source import ConfigError, load_yaml, parse_yaml, validate


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "f.yaml")
    (line,) = caught.value.problems
    return line


def test_scalars_are_what_they_look_like_to_a_person() -> None:
    text = "a: 18:00\nb: no\nc: +390612345678\nd: 000123\ne: 2026-01-01\nf: on\ng: 1_000\nh: 0x1f\n"
    assert parse_yaml(text, "f").data == {
        "a": "18:00", "b": "no", "c": "+390612345678", "d": "000123", "e": "2026-01-01", "f": "on", "g": "1_000", "h": "0x1f"
    }  # fmt: skip


def test_numbers_truth_and_nothing_are_read() -> None:
    data = parse_yaml('i: 12\nj: -1.5\nk: true\nl: null\nm:\nn: ""\no: ~\n', "f").data
    assert data == {"i": 12, "j": -1.5, "k": True, "l": None, "m": None, "n": "", "o": None}


def test_places_are_those_of_keys_and_values() -> None:
    document = parse_yaml("a:\n  - x: 1\n    y: 2\n  - {z: 3}\n", "f.yaml")
    assert document.where(("a", 0, "y")) == "f.yaml:3:8"
    assert document.where(("a", 0, "y"), key=True) == "f.yaml:3:5"
    assert document.where(("a", 1, "z")) == "f.yaml:4:9"
    assert document.where(("a", 1, "not there")) == "f.yaml:4:5"
    assert document.where(("a", 0, "function-after", "y")) == "f.yaml:3:8"  # what pydantic adds is passed over


def test_merged_mappings_keep_their_places_and_give_way() -> None:
    document = parse_yaml("base: &b {x: 1, y: 2}\na:\n  <<: *b\n  y: 3\n", "f")
    assert document.data["a"] == {"y": 3, "x": 1}
    assert document.where(("a", "y")) == "f:4:6"


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key 'a' for the second time (first on line 1); each key once; "),
        ("x:\n  a: 1\n  a: 1\n", "f.yaml:3:3: the key 'a' for the second time (first on line 2); "),
        ("a: [1\nb: 2", "f.yaml:2:"),
        ("a: b: c\n", "f.yaml:1:5: mapping values are not allowed"),
        ("a: &x [*x]\n", "f.yaml:1:4: a document too large or too deep; "),
        ("? [a]\n: b\n", "f.yaml:1:3: a key that is not a plain word; "),
        (
            "a: !!python/object/apply:os.system [x]\n",
            "f.yaml:1:4: the tag tag:yaml.org,2002:python/object/apply:os.system; ",
        ),
        ("a: !secret x\n", "f.yaml:1:4: could not determine a constructor for the tag"),
        ("--- 1\n--- 2\n", "f.yaml:2:1: "),
        ("a: \x00", "f.yaml:1:1: "),
    ],
)
def test_what_is_no_usable_yaml_is_refused_with_its_place(text: str, start: str) -> None:
    line = complaint(text)
    assert line.startswith(start)
    assert line.count("; ") >= 2


def test_a_missing_file_and_a_wrong_encoding_are_clear_lines(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml:1:1: no such file; "):
        load_yaml(tmp_path / "nothing.yaml")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: 1\nb: perché\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.yaml:2:1: a byte that is not UTF-8; "):
        load_yaml(latin)
    with pytest.raises(ConfigError, match="can't be read"):
        load_yaml(tmp_path)


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    age: int = 0
    pin: int = 0
    colour: str = "blue"

    @field_validator("colour")
    @classmethod
    def known(cls, value: str) -> str:
        if value not in ("blue", "green"):
            raise ValueError("blue or green; choose one")
        return value


class Team(BaseModel):
    model_config = ConfigDict(extra="forbid")
    people: list[Person]
    by_name: dict[str, Person | None] = {}
    from_: str = Field("x", alias="from")


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        validate(Team, parse_yaml(text, "t.yaml"))
    return caught.value.problems


def test_all_errors_of_a_document_are_told_at_once() -> None:
    text = "people:\n  - nmae: x\n    age: old\n  - name: y\n    colour: red\nform: z\n"
    assert problems(text) == (
        "t.yaml:2:5: 'name' is missing; a value for it; add 'name:' here",
        "t.yaml:3:10: age: 'old'; expected integer, unable to parse string as an integer; correct the value",
        "t.yaml:2:5: unknown key 'nmae'; one of age, colour, name, pin; did you mean 'name'?",
        "t.yaml:5:13: colour: 'red'; expected blue or green; choose one",
        "t.yaml:6:1: unknown key 'form'; one of by_name, from, people; did you mean 'from'?",
    )


def test_known_keys_are_found_through_mappings_and_optionals() -> None:
    (line,) = problems("people: []\nby_name:\n  anna: {name: Anna, aeg: 3}\n")
    assert line == "t.yaml:3:22: unknown key 'aeg'; one of age, colour, name, pin; did you mean 'age'?"


def test_a_secret_is_never_repeated() -> None:
    (line,) = problems("people:\n  - {name: x, pin: 47a108}\n")
    assert "47a108" not in line
    assert "a value that is not shown" in line


def test_an_empty_document_is_a_complaint_and_not_a_crash() -> None:
    assert problems("") == ("t.yaml:1:1: nothing; expected mapping: Team; correct the value",)


def test_a_good_document_is_an_instance() -> None:
    team = validate(Team, parse_yaml("people: [{name: Anna, age: 40}]\nfrom: here\n", "t"))
    assert (team.people[0].age, team.from_) == (40, "here")
