"""Somebody of the desk whose SIP telephone rings for a caller: over the line of our own, with the whole of Presa behind it, the
key connects, and whoever picks up without one talks to nobody.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

pytest.importorskip("aiosipua", reason="the extra 'sip' is not installed (pip install 'presa[sip]')")
pytest.importorskip("aiortp", reason="the extra 'sip' is not installed (pip install 'presa[sip]')")

import sqlalchemy as sa
from sip_peer import Peer, PeerCall
from telephone import AGENTS, EMMA, staffed
from test_sip_line import Mumble, Scene, Webhooks, play, settings
from world import World

from gateway.rehearsal import ACCOUNT, TOKEN
from gateway.sip.line import SipLine
from gateway.store import tables

OFFER = "Premi 1 per rispondere"
Begin = Callable[..., World]


@pytest.fixture(params=["sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    """The line does not depend on the database."""
    return str(request.param)


@pytest.fixture
def desk(begin: Begin) -> World:
    """The demo desk by day, with Ida on the telephone."""
    return staffed(begin, agents=1)


@contextlib.asynccontextmanager
async def line(world: World, folder: Path) -> AsyncIterator[Scene]:
    """A SIP line before this Presa; its clock stands still, the line's own runs."""
    peer = await Peer.open()
    phones = {AGENTS["ida"]: f"sip:ida@127.0.0.1:{peer.port}"}
    base, carrier = world.engine.settings.public_url, world.engine.settings.carrier
    assert carrier is not None
    made = SipLine(
        settings(folder, phones=phones), carrier.number, base, ACCOUNT, TOKEN,
        (f"{base}/phone/twilio/voice", f"{base}/phone/twilio/status"),
    )  # fmt: skip
    made.speech = Mumble()
    made.trouble = lambda: None  # type: ignore[method-assign]
    await made.open(world.rehearsal.client.app)
    peer.presa = "127.0.0.1", made.address[1]
    try:
        yield Scene(made, Webhooks(), peer)
    finally:
        await made.close()
        peer.close()


def said(here: Scene) -> str:
    return " ".join(text for text, _ in here.speech.said)


async def asks_for_a_person(here: Scene) -> PeerCall:
    caller = await here.peer.calls(EMMA)
    for heard, keys in (("English", "2"), ("customer code", "200003#"), ("How bad is it", "0")):
        await here.until(lambda heard=heard: heard in said(here), heard)  # type: ignore[misc]
        await caller.presses(keys)
    return caller


def place(world: World) -> tuple[str, str | None]:
    """State and agent of the only caller who wanted a person."""
    row = world.read(lambda connection: connection.execute(sa.select(tables.waiting_calls)).one())
    return row.state, row.agent


def test_the_key_at_the_agents_telephone_connects_the_caller(desk: World, tmp_path: Path) -> None:
    async def story() -> None:
        async with line(desk, tmp_path) as here:
            caller = await asks_for_a_person(here)
            ida = await here.peer.is_rung()
            await ida.answers()
            await here.until(lambda: OFFER in said(here), "the question")
            assert place(desk) == ("ringing", "ida")
            await ida.presses("1")
            await here.until(lambda: place(desk) == ("talking", "ida"), "the key")
            caller.frames.clear()
            await ida.speaks(0.6)
            await here.until(lambda: caller.loudest() > 3_000, "Ida's voice")
            await ida.hangs_up()
            await here.until(lambda: caller.over, "the end")
            await here.quiet()
        assert "Ida took the call" in desk.story(desk.ticket())

    play(story())


def test_who_picks_up_without_the_key_talks_to_nobody(desk: World, tmp_path: Path) -> None:
    async def story() -> None:
        async with line(desk, tmp_path) as here:
            caller = await asks_for_a_person(here)
            voicemail = await here.peer.is_rung()
            await voicemail.answers()
            await here.until(lambda: OFFER in said(here), "the question")
            caller.frames.clear()
            await voicemail.speaks(0.5)
            assert caller.frames
            assert caller.loudest() < 100, "the caller hears the voicemail"
            await voicemail.hangs_up()
            await here.until(lambda: "Nobody can answer right now" in said(here), "the way out")
            assert place(desk)[0] == "over"
            await caller.hangs_up()
            await here.quiet()
        assert not any("took the call" in words for words in desk.story(desk.ticket()))

    play(story())
