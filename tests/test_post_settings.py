"""What presa.yaml says of letters and forms is checked with its line."""

import shutil
from pathlib import Path

import pytest
from databases import DESKS

from gateway import settings as configuration
from gateway.settings import ConfigError


def written(tmp_path: Path, more: str) -> Path:
    shutil.copytree(DESKS / "test", tmp_path / "test")
    path = tmp_path / "test" / "presa.yaml"
    path.write_text(path.read_text() + more)
    return tmp_path / "test"


def test_forms_and_the_signing_domain_are_read(tmp_path: Path) -> None:
    home = written(
        tmp_path,
        "\nform_senders: [Form@Site.example]\ndkim: {domain: Example.test, selector: presa, key_file: key.pem}\n",
    )
    read = configuration.load(home, {})
    assert read.form_senders == {"form@site.example"}
    assert read.dkim is not None
    assert (read.dkim.domain, read.dkim.selector, read.dkim.key_file) == ("example.test", "presa", "key.pem")
    assert configuration.load(DESKS / "test", {}).dkim is None


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ("\nform_senders: [nobody]\n", "name@domain"), ("\ndkim: {domain: 'not a name', selector: x}\n", "domain name"),
        ("\ndkim: {domain: example.test, selector: 'a b'}\n", "selector"), ("\ndkim: {domain: example.test}\n", "selector"),
        ("\ndkim: {domain: example.test, selector: x, key: secret}\n", "key"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, more: str, word: str) -> None:
    home = written(tmp_path, more)
    with pytest.raises(ConfigError) as raised:
        configuration.load(home, {})
    assert any("presa.yaml:" in line and word in line for line in raised.value.problems), raised.value.problems
