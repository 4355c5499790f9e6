"""What a caller says is recorded where the desk says so: told before, fetched, kept, played, written down, and removed in time."""

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import Stock, settings_of
from world import World, instant, plain

from gateway.calls import recordings
from gateway.calls.transcribing import Whisper
from gateway.errors import Permanent
from gateway.people import personal
from gateway.rehearsal import Rehearsal
from gateway.settings.presa import Retention, Transcription
from gateway.store import people, tables
from gateway.store.database import open_database
from routing.desk import Desk

EMMA = "+390655500303"
Night = Callable[..., World]


@pytest.fixture
def night(stock: Stock, kind: str) -> Iterator[Night]:
    """A desk that records, on a Wednesday evening."""
    with ExitStack() as stack:

        def begin(transcription: Transcription | None = None, retention: Retention | None = None) -> World:
            settings = settings_of("demo")
            desks = {name: _recording(plain(desk)) for name, desk in settings.desks.items()}
            settings = replace(settings, desks=desks, transcription=transcription, retention=retention or Retention())
            url = stack.enter_context(stock.fresh(kind, "demo"))
            world = World(Rehearsal(settings, open_database(url), instant("2026-11-25 21:30")))
            stack.callback(world.close)
            return world

        yield begin


def _recording(desk: Desk) -> Desk:
    assert desk.phone is not None
    return replace(desk, phone=replace(desk.phone, record=True, hours="gold"))


def tells(world: World, words: str = "The whole switchboard is dead.") -> None:
    phone = world.call(EMMA)
    for keys in ("2", "200003#", "200333#", "1"):
        phone.presses(keys)
    phone.hears("Your voice is recorded")
    phone.says(words)
    phone.waits()
    phone.hangs_up()


def rows(world: World) -> list[sa.Row[tuple[object, ...]]]:
    return list(world.read(lambda connection: connection.execute(sa.select(tables.recordings)).all()))


def test_a_recording_is_announced_fetched_kept_and_removed_at_the_carrier(night: Night) -> None:
    """CASES G2, V4."""
    world = night()
    tells(world)
    world.advance(30)
    (kept,) = rows(world)
    assert (kept.state, kept.consent, kept.at_carrier, kept.sound[:4]) == ("kept", "en", False, b"RIFF")
    assert world.rehearsal.exchange.line.recordings == {}
    page = world.agent()
    seen = page.sees(f"/tickets/{world.ticket().number}")
    assert "Left a recording of" in seen
    assert "told before that the call is recorded" in seen
    assert "Not written down: listen, and put a summary into a note." in seen
    played = page.client.get(f"/tickets/{world.ticket().number}/recordings/{kept.sid}")
    assert (played.headers["content-type"], played.content) == ("audio/wav", kept.sound)
    assert played.headers["x-content-type-options"] == "nosniff"
    assert page.client.get(f"/tickets/PR-1000-0002/recordings/{kept.sid}").status_code == 404


def test_a_desk_that_does_not_record_leaves_no_recording_anywhere(begin: Callable[..., World]) -> None:
    """CASES G2: off by default."""
    world = begin("demo", "2026-11-25 21:30", hours="gold")
    phone = world.call(EMMA)
    for keys in ("2", "200003#", "200333#", "1"):
        phone.presses(keys)
    phone.says("The whole switchboard is dead.")
    world.advance(30)
    assert rows(world) == []
    assert world.rehearsal.exchange.line.recordings == {}


def test_a_recording_that_comes_twice_is_one_and_one_after_the_hang_up_is_kept_too(night: Night) -> None:
    world = night()
    phone = world.call(EMMA)
    for keys in ("2", "200003#", "200333#", "1"):
        phone.presses(keys)
    phone.says("All is")
    phone.hangs_up()
    url, form = phone.phone.posted[-1] if "RecordingSid" in phone.phone.posted[-1][1] else phone.phone.posted[-2]
    phone.phone.line.post(url, form)
    world.advance(30)
    assert [row.state for row in rows(world)] == ["kept"]


def test_a_carrier_that_is_away_is_asked_again_until_it_answers(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    world = night()
    exchange = world.rehearsal.exchange
    with monkeypatch.context() as away:
        away.setattr(exchange, "sound", lambda sid: None)
        tells(world)
        world.advance(60)
        assert [row.state for row in rows(world)] == ["waiting"]
        assert "is being fetched" in world.agent().sees(f"/tickets/{world.ticket().number}")
    world.advance(minutes=10)
    assert [row.state for row in rows(world)] == ["kept"]


def test_a_recording_that_never_comes_is_called_lost_and_somebody_knows(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = night()
    monkeypatch.setattr(world.rehearsal.exchange, "sound", lambda sid: None)
    tells(world)
    world.advance(days=3)
    assert [row.state for row in rows(world)] == ["lost"]
    assert "recording-lost" in world.alarm_kinds()
    assert "could not be fetched: ring the caller" in world.agent().sees(f"/tickets/{world.ticket().number}")


def test_the_carriers_transcript_names_the_ticket_and_stands_under_the_sound(night: Night) -> None:
    world = night(transcription=Transcription("carrier"))
    tells(world)
    world.advance(30)
    (kept,) = rows(world)
    assert (kept.transcript, kept.written_by) == ("The whole switchboard is dead.", "carrier")
    assert world.ticket().subject == "The whole switchboard is dead."
    assert "Written down by carrier" in world.agent().sees(f"/tickets/{world.ticket().number}")


class Typist:
    name = "typist"

    def transcribe(self, sound: bytes, language: str) -> str:
        assert sound[:4] == b"RIFF"
        return f"({language}) dead switchboard"


def test_a_transcriber_of_our_own_writes_it_down_after_it_is_kept(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = night()
    monkeypatch.setattr(world.rehearsal.parts.recordings, "_transcriber", Typist())
    tells(world)
    world.advance(30)
    (kept,) = rows(world)
    assert (kept.transcript, kept.written_by) == ("(en) dead switchboard", "typist")


def test_whisper_says_plainly_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Permanent, match=r"faster-whisper is not installed; install presa\[whisper\]"):
        Whisper(str(tmp_path)).transcribe(b"RIFF", "it")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(Permanent, match=r"there is no model in .*nowhere; correct transcription.model"):
        Whisper(str(tmp_path / "nowhere")).transcribe(b"RIFF", "it")


def test_recordings_of_closed_tickets_go_when_their_days_are_over(night: Night) -> None:
    """CASES G2: retention."""
    world = night(retention=Retention(recordings=30))
    tells(world)
    world.advance(minutes=5)
    world.advance(days=31)
    assert [row.state for row in rows(world)] == ["kept"]  # the ticket is open
    agent = world.agent("sergio", "supervisor")
    agent.does(world.ticket(), "take")
    agent.does(world.ticket(), "resolve", text="A fuse.")
    agent.does(world.ticket(), "close")
    world.advance(days=31)
    (gone,) = rows(world)
    assert (gone.state, gone.sound, gone.transcript) == ("removed", None, None)
    assert "was removed when its time was over" in world.agent().sees(f"/tickets/{world.ticket().number}")


def test_erasing_a_person_removes_what_they_said_here_and_at_the_carrier(
    night: Night, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = night(transcription=Transcription("carrier"))
    exchange = world.rehearsal.exchange
    fetched, asked = exchange.sound, list[str]()

    def slow(sid: str) -> bytes | None:
        asked.append(sid)
        return None if sid == asked[0] else fetched(sid)

    monkeypatch.setattr(exchange, "sound", slow)
    tells(world, "My neighbour is ill")  # stays with the carrier alone
    tells(world, "The whole switchboard is dead.")
    world.advance(20)
    assert sorted(row.state for row in rows(world)) == ["kept", "waiting"]

    def out(connection: sa.Connection) -> None:
        found = people.traces(connection, people.person(connection, EMMA))
        personal.archive(connection, found, tmp_path / "emma.zip")

    world.read(out)
    with zipfile.ZipFile(tmp_path / "emma.zip") as file:
        assert [name[-4:] for name in file.namelist() if name.startswith("recordings/")] == [".wav"]
        told = [json.loads(line) for line in file.read("data.jsonl").splitlines()]
        assert sum(record["what"] == "recording" for record in told) == 2
    personal.erase(world.database, EMMA, "test")
    world.advance(minutes=5)
    assert [(row.state, row.sound, row.transcript, row.at_carrier) for row in rows(world)] == [
        ("removed", None, None, False)
    ] * 2
    assert exchange.line.recordings == {}
    for words in ("My neighbour is ill", "The whole switchboard is dead"):
        assert words not in world.everything_stored()


def test_a_recording_without_a_row_is_never_asked_of_the_carrier(night: Night) -> None:
    world = night()
    asked: list[str] = []
    kept = recordings.Recordings(world.engine, Asked(asked))  # type: ignore[arg-type]
    with pytest.raises(Permanent):
        kept.sound("RE" + "9" * 32)
    assert asked == []


class Asked:
    def __init__(self, asked: list[str]) -> None:
        self.asked = asked

    def recording(self, sid: str) -> bytes:
        self.asked.append(sid)
        return b""
