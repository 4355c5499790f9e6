"""`presa token`: issued once, listed without its secret, taken back."""

import json
from collections.abc import Iterator

import pytest
from databases import DESKS, Stock
from typer.testing import CliRunner
from world import World

from gateway.cli.commands import app

RUN = CliRunner()


@pytest.fixture
def url(stock: Stock, kind: str) -> Iterator[str]:
    with stock.fresh(kind, "test") as made:
        yield made


def presa(url: str, *words: str, ok: bool = True) -> str:
    done = RUN.invoke(app, [*words, "--config", str(DESKS / "test"), "--database", url])
    assert (done.exit_code == 0) is ok, done.output
    return done.output


def test_a_token_is_shown_once_opens_its_door_and_closes_it_when_it_is_taken_back(url: str) -> None:
    issued = json.loads(presa(url, "token", "issue", "the portal", "--scope", "report", "--vouches", "--json"))
    listed = presa(url, "token", "list", "--json")
    assert issued["token"] not in listed
    assert issued["token"].split("_", 2)[2] not in listed
    assert json.loads(listed) | {"created": ""} == {
        "id": issued["id"], "name": "the portal", "scopes": ["report"], "state": "live", "vouches": True, "edge": False, "created": "",
        "expires": None, "used": None,
    }  # fmt: skip
    world = World.open(url, "test", "2026-11-25 10:00")
    headers = {"Authorization": f"Bearer {issued['token']}"}
    typed = {"email": "mario@acme.example", "text": "Aiuto"}
    assert world.rehearsal.client.post("/in/report", json=typed, headers=headers).status_code == 200
    world.close()
    assert json.loads(presa(url, "token", "list", "--json"))["used"] is not None
    presa(url, "token", "revoke", issued["id"])
    assert json.loads(presa(url, "token", "list", "--json"))["state"] == "revoked"
    world = World.open(url, "test", "2026-11-25 10:00")
    assert world.rehearsal.client.post("/in/report", json=typed, headers=headers).status_code == 401
    world.close()


@pytest.mark.parametrize(
    "words",
    [
        ("issue",), ("issue", "x"), ("issue", "x", "--scope", "everything"), ("issue", "x", "--scope", "form", "--scope", "mail"),
        ("issue", "x", "--scope", "report", "--edge"), ("revoke",), ("revoke", "aaaaaaaaaa"), ("nonsense",),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_line(stock: Stock, words: tuple[str, ...]) -> None:
    with stock.fresh("sqlite", "test") as url:
        presa(url, "token", *words, ok=False)
        assert presa(url, "token", "list", "--json") == ""


def test_a_forms_key_is_the_same_whoever_derives_it_and_another_for_each_form(url: str) -> None:
    first, second = (json.loads(presa(url, "token", "issue", "form", "--scope", "form", "--json")) for _ in range(2))
    assert first["key"] != second["key"]
    from gateway.store import api_tokens

    world = World.open(url, "test", "2026-11-25 10:00")
    assert api_tokens.form_key(first["id"], world.engine.secret) == first["key"]
    world.close()
