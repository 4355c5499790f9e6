"""Whole mails of our own, in tests/mail: NAME.eml gives exactly NAME.json, with LF and with CRLF line ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import parsers
from gateway.cli.commands import app

SAMPLES = sorted((Path(__file__).parent / "mail").glob("*.eml"))


@pytest.mark.parametrize("sample", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_a_whole_mail_gives_the_facts_written_beside_it(sample: Path) -> None:
    expected = json.loads(sample.with_suffix(".json").read_text(encoding="utf-8"))
    raw = sample.read_bytes().replace(b"\r\n", b"\n")
    assert parsers.as_json(parsers.parse(raw)) == expected
    crlf = parsers.as_json(parsers.parse(raw.replace(b"\n", b"\r\n")))
    assert {name: value for name, value in crlf.items() if name != "attachments"} == {
        name: value for name, value in expected.items() if name != "attachments"
    }


def test_presa_parse_says_something_about_every_path_and_never_dies() -> None:
    good = str(SAMPLES[0]).encode()
    given = b"\n".join((b"/nowhere", b"\xff\xfe", b"a\0b", b"/", b"", good)) + b"\n"
    out = CliRunner().invoke(app, ["parse"], input=given)
    assert out.exit_code == 0
    said = [json.loads(line) for line in out.stdout.splitlines()]
    assert [bool(one.get("error", "")) for one in said] == [True, True, True, True, False]
    assert set(said[0]) >= set(said[-1])
