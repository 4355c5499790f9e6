"""Recorded prompts and hold music: files beside the desk's YAML, served by ourselves; speech where one is missing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from databases import Stock, settings_of
from world import OnThePhone, World, instant

from gateway.phone import sounds
from gateway.phone.exchange import hum
from gateway.rehearsal import Rehearsal
from gateway.settings import ConfigError, Settings
from gateway.settings.desk import desk_from
from gateway.store.database import open_database
from gateway.upkeep import checks

MP3 = b"\xff\xfb\x90\x00" + bytes(400)
DEMO = (Path(__file__).parent.parent / "desks" / "demo" / "desk.yaml").read_text(encoding="utf-8")


def with_sounds(folder: Path, prompts: dict[str, dict[str, str]], music: str | None = None) -> Settings:
    """The demo, open by day, with recordings in this folder."""
    settings = settings_of("demo")
    desk = settings.desks["demo"]
    assert desk.phone is not None
    plain = replace(desk.phone, menu={}, greets=False, agents={}, agent_hours=None)
    told = replace(desk, phone=replace(plain, prompts=prompts, music=music, hours="gold"))
    return replace(settings, desks={"demo": told}, folders={"demo": folder})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "code-it.mp3").write_bytes(MP3)
    (tmp_path / "sounds" / "hold.wav").write_bytes(hum(2))
    return tmp_path


@pytest.fixture
def day(stock: Stock, folder: Path) -> Iterator[World]:
    prompts = {"it": {"code": "sounds/code-it.mp3", "help": "sounds/gone.mp3"}}
    settings = with_sounds(folder, prompts, "sounds/hold.wav")
    with stock.fresh("sqlite", "demo") as url:
        world = World(Rehearsal(settings, open_database(url), instant("2026-11-25 10:00")))
        yield world
        world.close()


def played(phone: OnThePhone) -> list[str]:
    return [words.removeprefix("(plays ").removesuffix(")") for words in phone.everything() if "(plays" in words]


def test_a_recorded_prompt_is_played_from_our_own_address_and_what_is_missing_is_spoken(day: World) -> None:
    """CASES phone 31: no file, no silence and no dead call: speech."""
    phone = day.call("+390655500101")
    phone.presses("1")
    phone.hears("(plays http://127.0.0.1:8000/phone/sounds/", "Per essere richiamato, prema 9")
    (address,) = played(phone)
    answer = day.rehearsal.client.get(address)
    assert (answer.status_code, answer.content) == (200, MP3)
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert phone.phone.errors == []


def test_another_language_without_recordings_is_spoken(day: World) -> None:
    phone = day.call("+390655500101")
    phone.presses("2")
    phone.hears("Please key in your customer code")
    assert played(phone) == []


def test_a_file_that_is_taken_away_while_we_run_is_still_served(day: World, folder: Path) -> None:
    phone = day.call("+390655500101")
    phone.presses("1")
    phone.hears("(plays")
    (folder / "sounds" / "code-it.mp3").unlink()
    assert day.rehearsal.client.get(played(phone)[0]).status_code == 200


@pytest.mark.parametrize("name", ["nothing.mp3", "../desk.yaml", "%2e%2e/desk.yaml", "code-it.mp3", "", "x" * 5_000])
def test_nothing_but_the_desks_sounds_can_be_asked_for(name: str, day: World) -> None:
    assert day.rehearsal.client.get(f"/phone/sounds/{name}").status_code in (404, 405)


def test_hold_music_is_served_by_ourselves_and_a_carrier_that_waits_hears_it_too(day: World) -> None:
    """CASES phone 31: the music of the queue is no foreign address."""
    heard = sounds.read(with_sounds(Path("/nowhere"), {}))
    assert heard.music("demo") == ""
    music = day.rehearsal.parts.sounds.music("demo")
    answer = day.rehearsal.client.get(music)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    phone = day.call("+390655500101")
    line, sid = day.rehearsal.exchange.line, phone.phone.sid
    status, document = line.post(f"http://127.0.0.1:8000/phone/twilio/step/{sid}/-1", phone.phone.facts())
    assert (status, f"<Play>{music}</Play>" in document) == (200, True)


def test_what_is_wrong_with_a_file_is_named_by_the_check_and_stops_nothing(folder: Path) -> None:
    (folder / "text.mp3").write_text("this is no sound")
    (folder / "long.wav").write_bytes(hum(1) + bytes(600_000))
    settings = with_sounds(folder, {"it": {"code": "text.mp3", "help": "gone.mp3"}}, "long.wav")
    found = [one.words for one in checks._phone(settings) if one.what == "sounds of demo"]
    assert len(found) == 3
    for words in (
        "this is no MP3 sound; save it anew; until then the prompt is spoken",
        "there is no such file",
        "at most 480000; until then silence",
    ):
        assert any(words in one for one in found), found


def test_a_sip_line_is_given_no_mp3(folder: Path) -> None:
    settings = with_sounds(folder, {"it": {"code": "sounds/code-it.mp3"}}, "sounds/hold.wav")
    assert settings.carrier is not None
    ((_, words),) = sounds.read(replace(settings, carrier=replace(settings.carrier, kind="sip"))).problems
    assert "a SIP line plays WAV only" in words


@pytest.mark.parametrize(
    "file",
    ["/etc/passwd.wav", "../up.mp3", "a/../../up.mp3", "https://elsewhere.example/x.mp3", "x.txt", ".hidden.wav"],
)
def test_a_recording_is_a_file_beside_the_desk_and_nothing_else(file: str) -> None:
    written = DEMO.replace("  record: false", f'  prompts: {{it: {{code: "{file}"}}}}\n  record: false')
    with pytest.raises(ConfigError, match=r"desk\.yaml:\d+:\d+"):
        desk_from(written, "desk.yaml")


@pytest.mark.parametrize("prompt", ["number", "queue", "thanks", "outcome.status", "outcome.taken", "apology", "wait"])
def test_what_differs_from_call_to_call_is_always_spoken(prompt: str) -> None:
    """A recording of a ticket's number would say somebody else's."""
    written = DEMO.replace("  record: false", f"  prompts: {{it: {{{prompt}: x.mp3}}}}\n  record: false")
    with pytest.raises(ConfigError, match="always spoken"):
        desk_from(written, "desk.yaml")


@pytest.mark.parametrize("prompt", ["welcome", "menu", "severity", "record", "ring"])
def test_what_is_the_same_in_every_call_of_a_desk_may_be_recorded(prompt: str) -> None:
    written = DEMO.replace("  record: false", f"  prompts: {{it: {{{prompt}: x.mp3}}}}\n  record: false")
    phone = desk_from(written, "desk.yaml").phone
    assert phone is not None
    assert phone.prompts == {"it": {prompt: "x.mp3"}}
