"""Large mails cost what their size costs, whatever is in them: reading, packing, proving and filing, by processor time."""

import base64
import random
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import dkim
import dkim.canonicalization as library
import pytest
from databases import Stock, settings_of
from hypothesis import given
from hypothesis import strategies as st
from test_authenticate import key

import parsers
from gateway import app
from gateway.engine import Arrival, Engine
from gateway.mail import authenticate, canonical, packing, reader
from gateway.post import tokens
from gateway.store import reports
from gateway.store.database import open_database

MEGA = 1_000_000
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
HEAD = (
    b"Authentication-Results: mx.example.test; dmarc=pass header.from=acme.example\r\nFrom: mario@acme.example\r\n"
    b"To: support@example.test\r\nSubject: x\r\nMessage-ID: <a@acme.example>\r\nMIME-Version: 1.0\r\n"
)
SOME = random.Random(5).randbytes(3 * MEGA)
DSN = (
    b'Auto-Submitted: auto-replied\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; x@y.example\r\nAction: failed\r\n"
    b"Status: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: a@b\r\n\r\n%s\r\n--b--\r\n"
)


def picture(size: int) -> bytes:
    """A file in base64: what large mails really are."""
    lines = base64.encodebytes(SOME).replace(b"\n", b"\r\n")
    kind = b"Content-Type: image/jpeg; name=a.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return HEAD + kind + (lines * (size // len(lines) + 1))[:size]


def bounce(of: bytes) -> Callable[[int], bytes]:
    return lambda size: HEAD + DSN % (of * (size // len(of)))


KINDS: dict[str, Callable[[int], bytes]] = {
    "a picture": picture,
    "bytes": lambda size: HEAD + b"Content-Type: application/octet-stream\r\n\r\n" + (SOME * (size // len(SOME) + 1))[:size],
    "spaces": lambda size: HEAD + b"\r\n" + b" " * size,
    "empty lines": lambda size: HEAD + b"\r\n" + b"\r\n" * (size // 2),
    "a bounce of digits": bounce(b"1"),
    "a bounce of marks": bounce(b"1234.1.aaaaaaaaaaaaaaaa@b "),
    "a bounce of dots": bounce(b"a1."),
    "a bounce of plus signs": bounce(b"a" * 39 + b"+1"),
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(stock: Stock) -> Iterator[Engine]:
    settings = settings_of("test")
    with stock.fresh("sqlite", "test") as url:
        database = open_database(url)
        yield app.build(settings, database).engine
        database.close()


def whole_way(engine: Engine, raw: bytes) -> float:
    """Processor seconds from the final dot to the promise."""
    begun = time.process_time()
    arrival = Arrival("smtp", "127.0.0.1", "mario@acme.example", ("support@example.test",), raw, NOW)
    done = engine.take_read(engine.in_hand(arrival, reader.read(raw, NOW)))
    took = time.process_time() - begun
    assert done.reason != "failed-inside"
    (row,) = [one for one in engine.database.read(lambda c: list(reports.ledger(c))) if one.sha256][-1:]
    assert engine.database.read(lambda c: reports.raw(c, row.sha256)) == raw
    return took


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_mail_costs_little_whatever_is_in_it(engine: Engine, kind: str) -> None:
    """CASES C4: nobody's mail waits long behind it, least of all in the transaction that all of them share."""
    assert whole_way(engine, KINDS[kind](6 * MEGA)) < 1.2


def test_a_mail_of_25_mb_is_filed_in_a_fraction_of_the_nine_seconds_of_its_answer(engine: Engine) -> None:
    assert whole_way(engine, picture(25 * MEGA)) < 3


# Packing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("a picture", 0.74, 0.78), ("bytes", 0.99, 1.01), ("spaces", 0.0, 0.01)]
)
def test_a_large_mail_is_kept_as_small_as_it_is_worth(kind: str, least: float, most: float) -> None:
    raw = KINDS[kind](2 * MEGA)
    kept = packing.packed(raw)
    assert zlib.decompress(kept) == raw
    assert least <= len(kept) / len(raw) <= most


@pytest.mark.parametrize("size", [0, 1, packing.LARGE, packing.LARGE + 1])
def test_any_mail_comes_back_as_it_was(size: int) -> None:
    raw = SOME[:size]
    assert zlib.decompress(packing.packed(raw)) == raw


# What DKIM hashes -----------------------------------------------------------------------------------------------

LINES = st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b" ", b"\t", b"a", b"b c", b"\r\n\r\n"]), max_size=30).map(
    b"".join
)
THEIRS = {b"relaxed": library.Relaxed, b"simple": library.Simple}


@given(LINES)
def test_a_body_is_hashed_as_the_standard_and_dkimpy_have_it(body: bytes) -> None:
    mail = canonical.opened(dkim.DKIM, b"A: b\r\n\r\n" + body)
    assert mail.body == library_body(body)
    for ours in (canonical.Relaxed, canonical.Simple):
        assert ours.canonicalize_body(mail.body) == THEIRS[ours.name].canonicalize_body(mail.body)


def library_body(body: bytes) -> bytes:
    return dkim.rfc822_parse(b"A: b\r\n\r\n" + body)[1]  # type: ignore[no-any-return]


@given(LINES)
def test_a_header_is_hashed_as_the_standard_and_dkimpy_have_it(value: bytes) -> None:
    fields = [(b"Subject ", value + b"\r\n")]
    unfolded = [(b"Subject ", value.replace(b"\r", b"") + b"\r\n")]  # a CR of its own ends a header long before
    assert canonical.Relaxed.canonicalize_headers(unfolded) == library.Relaxed.canonicalize_headers(unfolded)
    assert canonical.Simple.canonicalize_headers(fields) == fields


RECORD = key()[1]
SIGNED = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=acme.example; s=s; h=%s; bh=AAAA; b=AAAA\r\n"
HOSTILE = {
    "a line of spaces": SIGNED % b"from" + HEAD + b"\r\n" + b" " * MEGA,
    "lines of spaces": SIGNED % b"from" + HEAD + b"\r\n" + (b" " * 990 + b"x\r\n") * 2_000,
    "empty lines": SIGNED % b"from" + HEAD + b"\r\n" + b"\r\n" * MEGA,
    "a header of continuations": SIGNED % b"from" + HEAD + b"X: y\r\n" + b" z\r\n" * 300_000 + b"\r\nx",
    "a thousand signed names": SIGNED % b":".join(b"x%d" % n for n in range(20_000)) + b"A: b\r\n" * 4_000 + HEAD + b"\r\nx",
    "a hundred signatures": SIGNED % b"from" * 100 + HEAD + b"\r\n" + b"x y\r\n" * 300_000,
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_signature_never_costs_more_than_its_mail(what: str) -> None:
    """CASES C4: the library's own expressions take minutes for a megabyte of spaces, and the whole process with them."""
    raw = HOSTILE[what]
    begun = time.process_time()
    found = authenticate.authenticate(
        parsers.parse(raw), raw, peer="192.0.2.9", envelope_from="a@acme.example", helo="x", resolver=one_key
    )
    assert time.process_time() - begun < 2
    assert not found.passed


def one_key(name: str, kind: str, seconds: float) -> tuple[str, ...]:
    if kind != "TXT" or not name.startswith("s._domainkey"):
        return ()
    return (RECORD,)


# Our marks in a bounce ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", range(1, 9))
def test_our_mark_is_found_beside_base64_that_is_cut_anywhere(cut: int) -> None:
    secret = b"a secret that is long enough"
    ours = tokens.message_id("PR-1002-4137", 7, "example.test", secret).encode()
    text = b"Message-ID: <" + ours + b">\r\n"
    room = tokens.MOST_BYTES - len(text) - 2
    filled = base64.encodebytes(SOME).replace(b"\n", b"\r\n")[: room + cut]
    (found,) = tokens.judge_all(text + b"\r\n" + filled, secret)
    assert (found.verdict, found.digits) == ("right", "10024137")
    hidden = base64.encodebytes(text + b"x" * cut).replace(b"\n", b"\r\n")
    assert [one.verdict for one in tokens.judge_all(b"\r\n" + hidden, secret)] == ["right"]
