"""`presa who --mail` says of a mail what the door would: what it opens and believes is opened and believed here."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from certified_mail import PROVIDER, wrapped
from databases import DESKS
from typer.testing import CliRunner
from world import EDGE, World

from gateway import settings as configuration
from gateway.cli.commands import app
from gateway.settings import Settings

MORE = f"""
pec_providers: [{PROVIDER}]
staff: [giulia@desk.example]
form_senders: [form@portal.example]
"""
ORIGINAL = (
    b"From: Mario Rossi <mario@acme.example>\r\nTo: giulia@desk.example\r\nSubject: Stampante\r\n"
    b"Message-ID: <first@acme.example>\r\n\r\nLa stampante non stampa.\r\n"
)
QUOTED = (
    "Vedi sotto, grazie.\r\n\r\n---------- Forwarded message ---------\r\nFrom: Mario Rossi <mario@acme.example>\r\n"
    "Date: Wed, 25 Nov 2026 at 09:00\r\nSubject: Stampante ferma\r\nTo: <giulia@desk.example>\r\n\r\nFerma da ieri.\r\n"
)


def proven(from_: str, more: str, body: bytes) -> bytes:
    """A mail to the desk whose From our edge has proven."""
    top = f"Authentication-Results: {EDGE}; dmarc=pass header.from={from_.rpartition('@')[2]}\r\nFrom: {from_}\r\n"
    return f"{top}To: support@example.test\r\nSubject: I: Stampante\r\nMessage-ID: <x@y>\r\n{more}\r\n".encode() + body


def attached(from_: str) -> bytes:
    """The original mail forwarded as a part of its own."""
    body = b"--b\r\n\r\nVedi sotto.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + ORIGINAL + b"--b--\r\n"
    return proven(from_, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n", body)


MAILS = {
    "a certified mail": (wrapped(), ("ACME", True)),
    "a certified mail of a provider that nobody believes": (
        wrapped(envelope="posta-certificata@pec.evil.example"), ("ACME", False)
    ),
    "an envelope around a mail of somebody else": (wrapped(named="luigi.beta@gmail.com"), ("ACME", False)),
    "passed on by an agent as a part": (attached("giulia@desk.example"), ("ACME", False)),
    "passed on by an agent in its text": (proven("giulia@desk.example", "", QUOTED.encode()), ("ACME", False)),
    "passed on by a stranger": (attached("mallory@evil.example"), (None, False)),
    "a web form": (proven("form@portal.example", "Reply-To: mario@acme.example\r\n", b"x\r\n"), ("ACME", False)),
    "two authors": (proven("mario@acme.example, anna@acme.example", "", b"x\r\n"), (None, False)),
    "our own address": (proven("support@example.test", "", b"x\r\n"), (None, False)),
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = Path(shutil.copytree(DESKS / "test", tmp_path / "desk"))
    with (made / "presa.yaml").open("a", encoding="utf-8") as file:
        file.write(MORE)
    return made


def believing(home: Path) -> Settings:
    return configuration.load(home, {})


def asked(home: Path, raw: bytes, *more: str) -> dict[str, Any]:
    mail = home / "mail.eml"
    mail.write_bytes(raw)
    words = ["who", "--mail", str(mail), "--trusted-edge", EDGE, "--config", str(home), "--json", *more]
    done = CliRunner().invoke(app, words, env={"PRESA_DATABASE": ""})
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.output))


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("name", MAILS)
def test_who_wrote_a_mail_is_the_same_at_the_door_and_by_command(world: World, home: Path, name: str) -> None:
    """CASES mail 22: a mail inside an envelope or a forward is opened in the same way."""
    raw, (customer, verified) = MAILS[name]
    settings = believing(home)
    world.engine.settings = replace(world.engine.settings, pec_providers=settings.pec_providers, staff=settings.staff,
                                    form_senders=settings.form_senders)  # fmt: skip
    done, said = world.deliver(raw), asked(home, raw, "--desk", "test")
    assert (said["customer"], said["verified"]) == (customer, verified)
    if done.outcome == "held":
        assert said["why_not"] == done.reason
        return
    who = done.who
    assert who is not None
    assert (said["customer"], said["verified"], said["plan"], said["entitled"], said["why_not"]) == (
        who.customer, who.verified, who.plan, who.entitled, who.why_not
    )  # fmt: skip
    assert [one for one in who.evidence if one not in said["evidence"]] == []
