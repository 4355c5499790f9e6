"""Where a mail ends, whatever pieces it comes in."""

import itertools
import random
import time
import tracemalloc

import pytest

from gateway.smtp.content import Content

MiB = 1 << 20


def read(pieces: list[bytes], limit: int = MiB) -> tuple[str | None, bytes, bytes | None]:
    """The fault, the mail, and what was left behind its end."""
    content = Content(limit)
    rest = None
    for at, piece in enumerate(pieces):
        rest = content.feed(piece)
        if rest is not None:
            rest += b"".join(pieces[at + 1 :])
            break
    return content.fault, content.take(), rest


@pytest.mark.parametrize(
    ("sent", "mail", "rest"),
    [
        (b".\r\n", b"", b""),
        (b"a\r\n.\r\n", b"a\r\n", b""),
        (b"a\r\n.\r\nQUIT\r\n", b"a\r\n", b"QUIT\r\n"),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b"..a\r\n...b\r\n.\r\n", b".a\r\n..b\r\n", b""),
        (b".a\r\n.\r\n", b"a\r\n", b""),
        (b"a\r\n..\r\n.\r\n", b"a\r\n.\r\n", b""),
        (b"a\r\n\r\n\r\n.\r\n", b"a\r\n\r\n\r\n", b""),
        (b"a\nb\rc\r\n.\r\n", b"a\nb\rc\r\n", b""),
        (b"a\n..b\r\n.\r\n", b"a\n..b\r\n", b""),
        (b"a\n\r\n.\r\n", b"a\n\r\n", b""),
        (b"\0\xff\r\n.\r\n", b"\0\xff\r\n", b""),
        (b"\r\n\0.\r\n.\r\n", b"\r\n\0.\r\n", b""),
        (b"the end.\r\n.\r\n", b"the end.\r\n", b""),
        (b"the end.\nof.\rit\r\n.\r\n.\r\n", b"the end.\nof.\rit\r\n", b".\r\n"),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"a.\r\n.\n\r\n", None, None),
    ],
)
def test_a_mail_ends_at_the_exact_lone_dot_however_it_is_cut_into_pieces(sent, mail, rest) -> None:
    expected = (None, mail, rest) if mail is not None else ("smuggled", b"", None)
    for first, second in itertools.combinations_with_replacement(range(len(sent) + 1), 2):
        fault, got, left = read([sent[:first], sent[first:second], sent[second:]])
        if mail is None:
            assert (fault, got) == expected[:2]
        else:
            assert (fault, got, left) == expected
    assert read([sent[i : i + 1] for i in range(len(sent))])[:2] == expected[:2]


@pytest.mark.parametrize(
    "dot",
    [
        b"\n.\n",
        b"\r.\r",
        b"\n.\r",
        b"\r.\n",
        b"\n.\r\n",
        b"\r.\r\n",
        b"\r\n.\n",
        b"\r\n.\rx",
        b"\r\n.\r\r\n",
        b"\r\r\n.\r\n",
    ],
)
def test_a_lone_dot_between_other_line_ends_is_refused_however_it_is_cut(dot) -> None:
    sent = b"text" + dot + b"MAIL FROM:<a@b>\r\n.\r\n"
    for at in range(len(sent)):
        assert read([sent[:at], sent[at:]])[:2] == ("smuggled", b"")
    assert read([sent[i : i + 1] for i in range(len(sent))])[0] == "smuggled"


def test_random_bytes_read_the_same_whole_and_in_pieces() -> None:
    dice = random.Random(7)
    for _ in range(3_000):
        sent = bytes(dice.choice(b"\r\n.\r\n.ab\0") for _ in range(dice.randrange(40)))
        pieces, at = [], 0
        while at < len(sent):
            step = dice.randrange(1, 7)
            pieces.append(sent[at : at + step])
            at += step
        whole, cut = read([sent]), read(pieces)
        assert whole[0] == cut[0], sent
        assert whole[1] == cut[1] or whole[2] is None or whole[0], sent
        if whole[0] is None:
            assert whole[2] == cut[2], sent


def test_what_comes_out_is_what_went_in() -> None:
    dice = random.Random(8)
    for _ in range(300):
        lines = [bytes(dice.choice(b". a\xe8\0") for _ in range(dice.randrange(6))) + b"\r\n" for _ in range(20)]
        sent = b"".join(b"." + line if line.startswith(b".") else line for line in lines) + b".\r\n"
        cut = sorted(dice.randrange(len(sent)) for _ in range(4))
        pieces = [sent[a:b] for a, b in itertools.pairwise([0, *cut, len(sent)])]
        assert read(pieces) == (None, b"".join(lines), b"")


def test_a_mail_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert read([b"x" * 998 + b"\r\n.\r\n"], limit=1_000)[0] is None
    assert read([b"x" * 999 + b"\r\n.\r\n"], limit=1_000) == ("large", b"", b"")


@pytest.mark.parametrize("line", [b"x" * 65_536, b"\r\n" * 32_768, b"\r\n.." * 16_384, b"\r" * 65_536, b"." * 65_536])
def test_memory_stays_under_twice_the_limit_and_time_is_linear_for_endless_content(line) -> None:
    limit = 8 * MiB
    tracemalloc.start()
    begun = time.perf_counter()
    content = Content(limit)
    for _ in range(30 * MiB // len(line)):
        content.feed(line)
    taken = content.take()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (content.fault, taken) == ("large", b"")
    assert peak < limit * 1.3
    assert time.perf_counter() - begun < 5


def test_a_mail_of_the_limit_is_handed_over_without_a_second_copy() -> None:
    limit = 8 * MiB
    tracemalloc.start()
    content = Content(limit)
    for _ in range(limit // 65_536):
        content.feed(b"\r\n.." * 16_384)
    content.feed(b"\r\n.\r\n")
    assert len(content.take()) > limit * 0.7
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < limit * 1.5
