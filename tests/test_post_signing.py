"""Our letters carry our domain's signature when there is a key, and the check says whether the world finds its other half."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databases import Stock, settings_of
from world import World

from gateway.mail import authenticate
from gateway.post import signing
from gateway.post.check import SAMPLE_CONTENTS, sample
from gateway.post.compose import compose
from gateway.rehearsal import Rehearsal
from gateway.settings import ConfigError
from gateway.settings.presa import Dkim
from gateway.store.database import open_database
from gateway.upkeep import checks
from parsers import parse

WHERE = Dkim("example.test", "presa")
NAME = "presa._domainkey.example.test"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("dkim") / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(path), "2048"], check=True, capture_output=True)
    return path.read_text()


def signer(key: str) -> signing.Signer:
    found = signing.signer_of(WHERE, key, Path())
    assert found is not None
    return found


def resolver(record: str) -> authenticate.Resolver:
    return lambda name, kind, _: (record,) if (name, kind) == (NAME, "TXT") else ()


@pytest.mark.parametrize("content", SAMPLE_CONTENTS)
@pytest.mark.parametrize("language", ["it", "ar"])
def test_every_letter_of_ours_passes_our_own_check(key: str, content: object, language: str) -> None:
    made = signer(key)
    raw = made.sign(compose(sample(content, language)))  # type: ignore[arg-type]
    record = f"v=DKIM1; k=rsa; p={made.public()}"
    proof = authenticate.authenticate(parse(raw), raw, peer="", resolver=resolver(record))
    assert (proof.verdict, proof.method, proof.domain) == ("pass", "dkim", "example.test")
    added = raw.replace(b"\r\nSubject:", b"\r\nSubject: other\r\nSubject:", 1)
    assert not authenticate.authenticate(parse(added), added, peer="", resolver=resolver(record)).passed
    changed = raw.replace(b"PR-1002-4137", b"PR-1002-4138")
    assert not authenticate.authenticate(parse(changed), changed, peer="", resolver=resolver(record)).passed


def test_the_public_half_is_what_openssl_says_it_is(key: str, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(key)
    told = subprocess.run(
        ["openssl", "rsa", "-in", str(tmp_path / "key.pem"), "-pubout"], check=True, capture_output=True, text=True
    )
    assert signer(key).public() == "".join(told.stdout.split("-----")[2].split())


def test_a_letter_leaves_signed_and_only_in_the_name_of_its_own_domain(stock: Stock, key: str) -> None:
    for domain, there in (("example.test", True), ("elsewhere.example", False)):
        with stock.fresh("sqlite", "test") as url:
            settings = settings_of("test")
            settings = replace(settings, dkim=Dkim(domain, "presa"), secrets=replace(settings.secrets, dkim_key=key))
            world = World(Rehearsal(settings, open_database(url), datetime(2026, 11, 25, 9, 0, tzinfo=UTC)))
            world.mail()
            world.advance()
            assert world.letter().body.startswith(b"DKIM-Signature:") is there
            world.close()


@pytest.mark.parametrize(
    ("records", "word"),
    [
        ((), "has no DKIM record"),
        (("v=spf1 -all",), "has no DKIM record"),
        (("v=DKIM1; p=AAAA",), "another key"),
        (("v=DKIM1; p=",), "another key"),
    ],
)
def test_a_record_that_is_missing_or_another_is_told_with_what_to_publish(
    key: str, records: tuple[str, ...], word: str
) -> None:
    fault = signing.record_fault(signer(key), lambda name: records if name == NAME else ())
    assert fault is not None
    assert word in fault
    assert f"v=DKIM1; k=rsa; p={signer(key).public()}" in fault


def test_a_record_that_fits_is_in_order_however_it_is_spaced(key: str) -> None:
    public = signer(key).public()
    assert signing.record_fault(signer(key), lambda _: (f"v=DKIM1; k=rsa ; p= {public[:40]} {public[40:]}",)) is None


@pytest.mark.parametrize(
    "text", ["", "no key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"]
)
def test_a_key_that_cannot_sign_stops_the_start_and_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        signing.signer_of(WHERE, text, Path("conf"))
    assert "conf/presa.yaml" in str(raised.value)
    assert "AAAA" not in str(raised.value)


def test_a_key_without_its_section_and_a_file_that_is_not_there_are_told(key: str) -> None:
    with pytest.raises(ConfigError, match="PRESA_DKIM_KEY"):
        signing.signer_of(None, key, Path())
    with pytest.raises(ConfigError, match=r"none\.pem can't be read"):
        signing.signer_of(replace(WHERE, key_file="none.pem"), None, Path())


def test_the_check_says_that_the_key_signs_and_which_addresses_it_does_not_cover(key: str) -> None:
    settings = settings_of("test")
    settings = replace(
        settings, dkim=Dkim("elsewhere.example", "presa"), secrets=replace(settings.secrets, dkim_key=key)
    )
    found = [one for one in checks.check_all(settings, None, offline=True) if one.what == "dkim"]
    assert [(one.level, "support@example.test" in one.words) for one in found] == [("note", True), ("ok", False)]
