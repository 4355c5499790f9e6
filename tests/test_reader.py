"""The reading process: the same answers as in the thread, and a mail that upsets it upsets nobody else."""

import asyncio
import pickle
import sys
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.mail import reader
from gateway.mail.reader import COMMAND, Reader, Reading
from parsers import Address, Attachment, Certified, Forwarded, Invite

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TAME = "import gateway.mail.reader as r, os, time; real = r.read\n"
SLEEPER = TAME + "r.read = lambda raw, at: time.sleep(60) if b'sleep' in raw else real(raw, at)\nr.main()"
MORTAL = TAME + "r.read = lambda raw, at: os._exit(3) if b'die' in raw else real(raw, at)\nr.main()"
BABBLER = "import sys; sys.stdout.write('not an answer at all'); sys.stdout.flush(); sys.stdin.read()"


def mail(subject: str) -> bytes:
    return f"From: Mario <mario@acme.example>\r\nMessage-ID: <{subject}@acme.example>\r\nSubject: {subject}\r\n\r\nCiao.\r\n".encode()


def played(story: Callable[[Reader], Awaitable[None]], command: tuple[str, ...], seconds: float = 5.0) -> None:
    async def play() -> None:
        one = Reader(command, seconds)
        one.start()
        try:
            await asyncio.wait_for(story(one), 120)
        finally:
            await one.stop()

    asyncio.run(play())


async def there(one: Reader) -> None:
    while not one._ready:
        await asyncio.sleep(0.01)


def script(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def test_the_process_says_what_the_thread_says() -> None:
    async def story(one: Reader) -> None:
        await there(one)
        mails = [mail(f"n{number}") for number in range(40)]
        answers = await asyncio.gather(*(one.read(raw, NOW) for raw in mails))
        assert answers == [reader.read(raw, NOW) for raw in mails]
        assert one._process is not None
        assert one._process.get_returncode() is None

    played(story, COMMAND)


def test_a_mail_is_read_before_the_process_is_there_and_when_it_is_large() -> None:
    async def story(one: Reader) -> None:
        large = mail("large") + b"x" * (reader.LARGEST + 1)
        early, big = await asyncio.gather(one.read(mail("early"), NOW), one.read(large, NOW))
        assert (early.message.subject, big.message.subject) == ("early", "large")
        assert not one._ready

    played(story, script("import time; time.sleep(60)"))


def test_a_reading_comes_out_of_its_pickle_as_it_went_in() -> None:
    mails = sorted((Path(__file__).parent / "mail").glob("*.eml"))
    readings = [reader.read(one.read_bytes(), NOW) for one in mails]
    kinds = {type(found) for one in readings for found in (one.message.certified, *one.message.attachments)}
    assert {Certified, Attachment} < kinds
    assert [pickle.loads(reader._packed(one.read_bytes(), NOW)) for one in mails] == readings
    invite, forwarded = Invite("REQUEST", "s", "a", "b", "w", "o"), Forwarded(Address("Anna", "a@x.example"), "s", "e")
    assert pickle.loads(pickle.dumps((invite, forwarded))) == (invite, forwarded)


def test_a_reading_keeps_the_raw_and_leaves_bodies_and_contents_to_it() -> None:
    raw = mail("light")
    light: Reading = reader.read(raw, NOW)
    assert light.message.text is None
    assert light.message.reply_text == "Ciao."
    assert zlib.decompress(light.compressed) == raw


@pytest.mark.parametrize(("text", "word"), [(SLEEPER, "sleep"), (MORTAL, "die")])
def test_a_mail_that_ends_the_process_is_a_mail_to_look_at_and_the_others_are_read(text: str, word: str) -> None:
    async def story(one: Reader) -> None:
        await there(one)
        subjects = ["a", "b", word, "c", "d"]
        answers = await asyncio.gather(*(one.read(mail(subject), NOW) for subject in subjects))
        assert [answer.message.subject for answer in answers] == ["a", "b", None, "c", "d"]
        assert answers[2].message.error == "reading it took too long or too much memory"
        assert zlib.decompress(answers[2].compressed) == mail(word)
        await there(one)
        assert (await one.read(mail("later"), NOW)).message.subject == "later"

    played(story, script(text), seconds=0.5)


def test_many_such_mails_in_a_row_do_not_wear_the_process_out() -> None:
    async def story(one: Reader) -> None:
        for number in range(reader.TRIES + 2):
            await there(one)
            assert (await one.read(mail(f"die{number}"), NOW)).message.error
        await there(one)
        assert (await one.read(mail("later"), NOW)).message.subject == "later"

    played(story, script(MORTAL))


def test_mails_do_not_wait_for_a_process_that_does_not_come_up_again(tmp_path: Path) -> None:
    mark = tmp_path / "born"
    once = f"import os, time\nif os.path.exists({str(mark)!r}): time.sleep(60)\nopen({str(mark)!r}, 'w').close()\n"

    async def story(one: Reader) -> None:
        await there(one)
        answers = await asyncio.gather(*(one.read(mail(subject), NOW) for subject in ("die", "b", "c")))
        assert [answer.message.subject for answer in answers] == [None, "b", "c"]

    played(story, script(once + MORTAL), seconds=0.5)


@pytest.mark.parametrize("command", [("/there/is/no/such/program",), script(BABBLER)])
def test_without_a_process_mails_are_read_all_the_same(command: tuple[str, ...]) -> None:
    async def story(one: Reader) -> None:
        answers = await asyncio.gather(*(one.read(mail(f"n{number}"), NOW) for number in range(5)))
        assert [answer.message.subject for answer in answers] == [f"n{number}" for number in range(5)]
        await asyncio.sleep(0)
        assert (await one.read(mail("later"), NOW)).message.subject == "later"

    played(story, command)


@pytest.mark.parametrize("head", ["Message-ID: <a@b>", "Date: Wed, 25 Nov 2026 10:00:00 +0100", "message-id : <a@b>"])
def test_a_mail_that_could_not_be_read_is_the_same_delivery_as_one_that_can(head: str) -> None:
    """Held unread and read later, or the other way round, on whatever day: never two reports."""
    raw = f"From: mario@acme.example\r\n{head}\r\n\r\nCiao.\r\n".encode()
    assert reader.unread(raw, NOW + timedelta(days=3), "poison").key == reader.read(raw, NOW).key
    bare = b"From: mario@acme.example\r\n\r\nDate: in the text\r\n"
    keys = {
        reader.unread(bare, NOW, "x").key,
        reader.read(bare, NOW).key,
        reader.read(bare, NOW + timedelta(days=1)).key,
    }
    assert len(keys) == 2
