"""Authentication-Results: ours on top, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import results
from identity.results import Edge

EDGE = Edge("mx.example.test", ("127.0.0.1", "192.0.2.0/24", "2001:db8::/32"))
AUTHOR = "mario@acme.example"
PASS = "mx.example.test; dmarc=pass header.from=acme.example"
FAIL = "mx.example.test; dmarc=fail header.from=acme.example"
OURS = "from out.acme.example (out.acme.example [198.51.100.7]) by mx.example.test with ESMTPS; Sun, 22 Nov 2026 09:00:00 +0100"
THEIRS = "from laptop by relay.evil.example with ESMTP; Sun, 22 Nov 2026 08:59:00 +0100"


def headers(*lines: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (*lines, ("from", "Mario <mario@acme.example>"), ("subject", "x"))


def verdict(*lines: tuple[str, str], author: str = AUTHOR) -> str:
    return results.judge(headers(*lines), author, EDGE).verdict


AR, RECEIVED = "authentication-results", "received"


@pytest.mark.parametrize(
    ("trap", "lines", "expected"),
    [
        ("ours on top", [(AR, PASS)], "pass"),
        ("ours above our hop", [(AR, PASS), (RECEIVED, OURS)], "pass"),
        ("ours below our own hop", [(RECEIVED, OURS), (AR, PASS), (RECEIVED, THEIRS)], "pass"),
        ("none at all", [], "none"),
        ("forged below a real fail", [(AR, FAIL), (RECEIVED, OURS), (AR, PASS)], "fail"),
        ("forged below a foreign hop", [(RECEIVED, OURS), (RECEIVED, THEIRS), (AR, PASS)], "none"),
        ("forged and no hop of ours", [(RECEIVED, THEIRS), (AR, PASS)], "none"),
        ("foreign on top of ours", [(AR, "mx.evil.example; dmarc=fail"), (AR, PASS)], "none"),
        ("foreign id", [(AR, "mx.evil.example; dmarc=pass header.from=acme.example")], "none"),
        ("our id as a prefix", [(AR, "mx.example.test.evil.example; dmarc=pass header.from=acme.example")], "none"),
        ("our id as a suffix", [(AR, "evil-mx.example.test; dmarc=pass header.from=acme.example")], "none"),
        (
            "our id in a comment",
            [(AR, "mx.evil.example (mx.example.test); dmarc=pass header.from=acme.example")],
            "none",
        ),
        (
            "our id after the first",
            [(AR, "mx.evil.example mx.example.test; dmarc=pass header.from=acme.example")],
            "none",
        ),
        ("our id in capitals", [(AR, "MX.Example.Test; dmarc=pass header.from=acme.example")], "pass"),
        ("id with a version", [(AR, "mx.example.test 1; dmarc=pass header.from=acme.example")], "pass"),
        ("arc results are not results", [("arc-authentication-results", "i=1; " + PASS)], "none"),
        (
            "pass inside a comment",
            [(AR, "mx.example.test; dmarc=fail (was dmarc=pass header.from=acme.example)")],
            "fail",
        ),
        (
            "pass after a comment that stays open",
            [(AR, "mx.example.test; dmarc=fail ( ; dmarc=pass header.from=acme.example")],
            "none",
        ),
        (
            "pass inside quotes",
            [(AR, 'mx.example.test; spf=fail reason="; dmarc=pass header.from=acme.example"')],
            "fail",
        ),
        (
            "a clause smuggled by a sender",
            [(AR, 'mx.example.test; spf=pass smtp.mailfrom="x; dmarc=pass"@evil.example')],
            "none",
        ),
        ("pass for another From", [(AR, "mx.example.test; dmarc=pass header.from=evil.example")], "none"),
        ("pass for the parent", [(AR, "mx.example.test; dmarc=pass header.from=example")], "none"),
        ("pass and fail", [(AR, PASS + "; dmarc=fail header.from=acme.example")], "fail"),
        ("dkim aligned", [(AR, "mx.example.test; dkim=pass header.d=acme.example")], "pass"),
        ("dkim by identity", [(AR, "mx.example.test; dkim=pass header.i=@acme.example")], "pass"),
        ("dkim of a parent", [(AR, "mx.example.test; dkim=pass header.d=mail.acme.example")], "pass"),
        ("dkim of a stranger", [(AR, "mx.example.test; dkim=pass header.d=evil.example")], "none"),
        ("dkim of a look-alike", [(AR, "mx.example.test; dkim=pass header.d=acme.example.evil.example")], "none"),
        ("dkim failed", [(AR, "mx.example.test; dkim=fail header.d=acme.example")], "fail"),
        (
            "two signatures",
            [(AR, "mx.example.test; dkim=pass header.d=evil.example; dkim=pass header.d=acme.example")],
            "pass",
        ),
        ("spf aligned", [(AR, "mx.example.test; spf=pass smtp.mailfrom=bounce@acme.example")], "pass"),
        ("spf of a stranger", [(AR, "mx.example.test; spf=pass smtp.mailfrom=x@evil.example")], "none"),
        ("spf of the greeting", [(AR, "mx.example.test; spf=pass smtp.helo=acme.example")], "none"),
        ("spf softfail", [(AR, "mx.example.test; spf=softfail smtp.mailfrom=acme.example")], "none"),
        ("spf pass, dmarc fail", [(AR, FAIL + "; spf=pass smtp.mailfrom=acme.example")], "fail"),
        ("dmarc none, dkim pass", [(AR, "mx.example.test; dmarc=none; dkim=pass header.d=acme.example")], "pass"),
        ("dmarc best guess", [(AR, "mx.example.test; dmarc=bestguesspass header.from=acme.example")], "none"),
        ("temporary", [(AR, "mx.example.test; dmarc=temperror header.from=acme.example")], "temperror"),
        ("nothing checked", [(AR, "mx.example.test; none")], "none"),
        (
            "only other methods",
            [(AR, "mx.example.test; auth=pass smtp.auth=mario; iprev=pass policy.iprev=192.0.2.1")],
            "none",
        ),
        ("broken", [(AR, "mx.example.test; dmarc=")], "none"),
        ("spaces round the signs", [(AR, "mx.example.test ; dmarc = pass header.from = acme.example")], "pass"),
        ("a version of the method", [(AR, "mx.example.test; dmarc/1=pass header.from=acme.example")], "pass"),
    ],
)
def test_only_the_topmost_results_of_our_edge_count(trap: str, lines: list[tuple[str, str]], expected: str) -> None:
    assert verdict(*lines) == expected, trap


def test_a_pass_names_the_domain_and_keeps_what_was_said() -> None:
    judged = results.judge(headers((AR, PASS)), AUTHOR, EDGE)
    assert (judged.domain, judged.method) == ("acme.example", "edge dmarc")
    assert judged.evidence == ("edge: dmarc=pass header.from=acme.example",)


def test_a_subdomain_is_authenticated_as_itself_only() -> None:
    line = (AR, "mx.example.test; dkim=pass header.d=acme.example")
    assert results.judge((line,), "x@evil.acme.example", EDGE).domain == "evil.acme.example"


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("127.0.0.1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.77", True),
        ("2001:db8::1", True),
        ("127.0.0.2", False),
        ("198.51.100.1", False),
        ("", False),
        ("mx.example.test", False),
    ],
)
def test_the_edge_is_known_by_its_address(peer: str, expected: bool) -> None:
    assert EDGE.delivers_from(peer) is expected


def test_an_edge_with_other_names_in_its_received_lines_lists_them() -> None:
    named = Edge("example.test", ("127.0.0.1",), ("mx1.example.test",))
    lines = (
        (RECEIVED, "from x by mx1.example.test with SMTP; now"),
        (AR, "example.test; dmarc=pass header.from=acme.example"),
    )
    assert results.judge(lines, AUTHOR, named).verdict == "pass"
    assert results.judge(lines, AUTHOR, Edge("example.test", ("127.0.0.1",))).verdict == "none"


@pytest.mark.parametrize("size", [1_000, 200_000])
def test_hostile_headers_are_read_in_linear_time_or_not_at_all(size: int) -> None:
    for filler in ("(", '"', "\\", ";", "=", "a=b ", '""'):
        assert verdict((AR, "mx.example.test; " + filler * size)) in ("none", "fail")


@given(st.text(alphabet='mx.exaplts;=() "\\/dmarc123,\t', max_size=120))
def test_no_header_makes_the_reading_fail(text: str) -> None:
    judged = results.judge(((AR, text), (RECEIVED, text), (AR, PASS)), AUTHOR, EDGE)
    assert judged.verdict in ("none", "fail", "temperror")
