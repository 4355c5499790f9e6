"""Whole mails of our own, in tests/mail: NAME.eml gives exactly NAME.json, with LF and with CRLF line ends."""

import json
from pathlib import Path

import pytest

import parsers

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
