"""The directory by program: the same as the command does, behind a token of its own."""

from typing import Any

from world import World

from gateway.store import api_tokens, directory

CSV = "customer,name,desk,plan,domains,contact,emails\nDELTA,Delta,test,gold,delta.example,Ada,ada@delta.example\n"


def token(world: World, scope: str = "directory") -> str:
    issued = world.database.write(lambda c: api_tokens.issue(c, "crm", (scope,), world.now, secret=world.engine.secret))
    return issued[1]


def post(world: World, text: str, query: str = "", kind: str = "text/csv", bearer: str | None = None) -> Any:
    headers = {"Content-Type": kind, "Authorization": f"Bearer {bearer or token(world)}"}
    return world.rehearsal.client.post(f"/in/directory{query}", content=text.encode(), headers=headers)


def test_a_program_sees_the_difference_then_loads_it_and_the_next_mail_is_known(world: World) -> None:
    seen = post(world, CSV, "?dry_run=true&keep=true")
    assert (seen.status_code, seen.json()["added"], seen.json()["dry_run"]) == (200, ["DELTA"], True)
    assert not world.read(directory.get, "DELTA")
    done = post(world, CSV, "?keep=1").json()
    assert (done["added"], done["removed"], done["unchanged"], done["dry_run"]) == (["DELTA"], [], 0, False)
    again = post(world, CSV, "?keep=1").json()
    assert (again["added"], again["changed"], again["unchanged"]) == ([], {}, 1)
    world.mail("ada@delta.example")
    assert world.ticket().customer == "DELTA"


def test_what_is_wrong_has_its_line_and_nothing_is_loaded(world: World) -> None:
    before = world.read(directory.every)
    wrong = post(world, CSV.replace("gold", "silver").replace("ada@delta.example", "ada"))
    assert wrong.status_code == 422
    assert wrong.json()["problems"][0].startswith("body.csv:2:")
    assert post(world, "x: [", kind="application/yaml").status_code == 422
    assert post(world, CSV, kind="application/json").status_code == 415
    assert post(world, CSV, "?dry_run=perhaps").status_code == 422
    assert world.read(directory.every) == before


def test_only_a_token_for_the_directory_opens_this_door(world: World) -> None:
    assert post(world, CSV, bearer=token(world, "mail")).status_code == 403
    assert post(world, CSV, bearer="presa_aaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbb").status_code == 401
    assert not world.read(directory.get, "DELTA")
