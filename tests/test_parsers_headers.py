"""Header values as people and programs really write them: names, addresses, subjects, ids, dates."""

from datetime import UTC, datetime

import pytest

import parsers
from parsers import addresses, headers


def mail(*lines: str | bytes, body: bytes = b"hello\r\n") -> parsers.Message:
    raw = b"".join((line if isinstance(line, bytes) else line.encode()) + b"\r\n" for line in lines)
    return parsers.parse(raw + b"\r\n" + body)


ADDRESSES = [
    ("m@x.it", [("", "m@x.it")]),
    ("Mario m@x.it>", [("Mario", "m@x.it")]),
    ("'m@x.it'", [("", "m@x.it")]),
    ("m @ x . it", [("", "m@x.it")]),
    ("Mario Rossi <m@x.it>", [("Mario Rossi", "m@x.it")]),
    ('"Rossi, Mario" <m@x.it>', [("Rossi, Mario", "m@x.it")]),
    ("Rossi, Mario <m@x.it>", [("Rossi, Mario", "m@x.it")]),
    ("Rossi, Mario, Dr. <m@x.it>, l@y.it", [("Rossi, Mario, Dr.", "m@x.it"), ("", "l@y.it")]),
    ("a@x.it, Rossi, Mario <m@x.it>", [("", "a@x.it"), ("Rossi, Mario", "m@x.it")]),
    ("Mario.Rossi <m@x.it>", [("Mario.Rossi", "m@x.it")]),
    ("Mario Rossi<m@x.it>", [("Mario Rossi", "m@x.it")]),
    ("<m@x.it>", [("", "m@x.it")]),
    ("< m@x.it >", [("", "m@x.it")]),
    ("<<m@x.it>>", [("", "m@x.it")]),
    ("m@x.it (Mario Rossi)", [("Mario Rossi", "m@x.it")]),
    ("Mario (at work (really)) Rossi <m@x.it>", [("Mario Rossi", "m@x.it")]),
    ("m(comment)@x.it", [("comment", "m@x.it")]),
    ('"m rossi"@x.it', [("", '"m rossi"@x.it')]),
    ('Mario <"m rossi"@x.it>', [("Mario", '"m rossi"@x.it')]),
    ('Mario <"a>b"@x.it>', [("Mario", '"a>b"@x.it')]),
    ('"a@evil.it" <m@x.it>', [("a@evil.it", "m@x.it")]),
    ("a@evil.it <m@x.it>", [("a@evil.it", "m@x.it")]),
    ('"boss@acme.example <boss@acme.example>" <m@x.it>', [("boss@acme.example <boss@acme.example>", "m@x.it")]),
    ("m@x.it <l@y.it>, z@w.it", [("m@x.it", "l@y.it"), ("", "z@w.it")]),
    ("Mario <m@x.it> <l@y.it>", [("Mario", "m@x.it"), ("Mario", "l@y.it")]),
    ("Mario <m@x.it", [("Mario", "m@x.it")]),
    ('"Mario <m@x.it>', [("Mario", "m@x.it")]),
    ("Mario m@x.it", [("Mario", "m@x.it")]),
    ("mario @ x.it", [("", "mario@x.it")]),
    ("<mario @ x.it>", [("", "mario@x.it")]),
    ("mailto:m@x.it", [("", "m@x.it")]),
    ("<mailto:m@x.it>", [("", "m@x.it")]),
    ("<@a.it,@b.it:m@x.it>", [("", "m@x.it")]),
    ("m@[192.0.2.1]", [("", "m@[192.0.2.1]")]),
    ("a@x.it; b@x.it", [("", "a@x.it"), ("", "b@x.it")]),
    ("a@x.it,, b@x.it,", [("", "a@x.it"), ("", "b@x.it")]),
    ("Desk: a@x.it, Bea <b@x.it>;, c@x.it", [("", "a@x.it"), ("Bea", "b@x.it"), ("", "c@x.it")]),
    ("undisclosed-recipients:;", []),
    ("undisclosed-recipients:", []),
    ("Re: Mario <m@x.it>", [("Re: Mario", "m@x.it")]),
    ("MAILER-DAEMON", [("", "MAILER-DAEMON")]),
    ("MAILER-DAEMON (Mail Delivery System)", [("Mail Delivery System", "MAILER-DAEMON")]),
    ("Mail Delivery System <MAILER-DAEMON>", [("Mail Delivery System", "MAILER-DAEMON")]),
    ("=?utf-8?Q?Rossi=2C_Mario?= <m@x.it>", [("Rossi, Mario", "m@x.it")]),
    ('"=?utf-8?Q?Nicol=C3=B2?=" <n@x.it>', [("Nicolò", "n@x.it")]),
    ("=?utf-8?Q?Mario_=3Cboss=40acme.example=3E?= <m@x.it>", [("Mario <boss@acme.example>", "m@x.it")]),
    ("Nicolò Žižek <n@x.it>", [("Nicolò Žižek", "n@x.it")]),
    ("m@ａｃｍｅ.example", [("", "m@ａｃｍｅ.example")]),
    ("用户@例子.公司", [("", "用户@例子.公司")]),
    ('"Mario \\"il capo\\" Rossi" <m@x.it>', [('Mario "il capo" Rossi', "m@x.it")]),
    ("'Mario Rossi' <m@x.it>", [("'Mario Rossi'", "m@x.it")]),
    ("<>", []),
    ("", []),
    (",;:<>@", [(":@", "")]),
]


@pytest.mark.parametrize(("value", "expected"), ADDRESSES)
def test_an_address_list_gives_exactly_the_addresses_written_in_it(value: str, expected: list[tuple[str, str]]) -> None:
    assert [(one.name, one.addr) for one in addresses.parse(value)] == expected


IDS = [
    ("<abc@x.it>", "abc@x.it"),
    ("<a b@c>", "a b@c"),
    ("<a z@d>", "a z@d"),
    ("< abc@x.it >", "abc@x.it"),
    ("abc@x.it", "abc@x.it"),
    ("<abc@x.it", "abc@x.it"),
    ("abc@x.it>", "abc@x.it"),
    ("<[10.1.2.3]abc@[192.0.2.1]>", "[10.1.2.3]abc@[192.0.2.1]"),
    ("<a>y@c>", "a>y@c"),
    ("<a>z@c>", "a>z@c"),
    ('<"a>b"@c>', '"a>b"@c'),
    ("<abc@x.it> (added by relay)", "abc@x.it"),
    ("<a@b> <c@d>", "a@b"),
    ("<no-at-sign>", "no-at-sign"),
    ("12345", "12345"),
    ("<>", None),
    ("", None),
]


@pytest.mark.parametrize(("value", "expected"), IDS)
def test_a_message_id_is_the_exact_text_between_its_brackets(value: str, expected: str | None) -> None:
    assert headers.one_id(value) == expected


REFERENCES = [
    ("<a@x> <b@x>", ("a@x", "b@x")),
    ("<a@x><b@x>", ("a@x", "b@x")),
    ("<a@x>,\n <b@x>", ("a@x", "b@x")),
    ("<a b@x> <c@x>", ("a b@x", "c@x")),
    ("a@x b@x", ("a@x", "b@x")),
    ('Your message of "Mon, 1 Nov" from m@x.it <id@y>', ("id@y",)),
    ("no id at all", ()),
]


@pytest.mark.parametrize(("value", "expected"), REFERENCES)
def test_references_are_listed_in_order_and_never_merged(value: str, expected: tuple[str, ...]) -> None:
    assert headers.ids(value) == expected


SUBJECTS: list[tuple[str | bytes, str]] = [
    ("Subject: hello", "hello"),
    ("Subject:hello", "hello"),
    ("SUBJECT : hello", "hello"),
    ("Subject: one\r\n two", "one two"),
    ("Subject: one\r\n\ttwo", "one two"),
    ("Subject:\r\n one", "one"),
    ("Subject: =?utf-8?Q?caff=C3=A8?=", "caffè"),
    ("Subject: =?UTF-8?B?Y2FmZsOo?=", "caffè"),
    ("Subject: =?UTF-8?B?Y2FmZsOo?=!", "caffè!"),
    ("Subject: =?utf-8?B?Y2FmZsM=?= =?utf-8?B?qA==?=", "caffè"),  # a character cut between two words
    ("Subject: =?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "ab"),
    ("Subject: =?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"),
    ("Subject: =?utf-8?Q?a?==?utf-8?Q?b?=", "ab"),
    ("Subject: =?utf-8*it?Q?citt=C3=A0?=", "città"),
    ("Subject: =?utf-8?Q?with space?=", "with space"),
    ("Subject: =?iso-8859-1?Q?perch=E9_=80?=", "perché €"),
    ("Subject: =?gb2312?B?1tDOxA==?=", "中文"),
    ("Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
    ("Subject: =?koi8-r?B?8NLJ18XU?=", "Привет"),
    ("Subject: =?shift_jis?B?k/qWew==?=", "日本"),
    ("Subject: =?x-nonsense?Q?caff=C3=A8?=", "caffè"),
    ("Subject: =?utf-8?B?Y2FmZsOo", "caffè"),  # the end was cut off
    ("Subject: =?utf-8?B?Y2FmZsOo?", "caffè"),
    ("Subject: =?utf-8?Z?abc?=", "=?utf-8?Z?abc?="),
    ("Subject: =?utf-8?Q?one=0D=0AX-Evil=3A_yes?=", "one X-Evil: yes"),
    ("Subject: caffè", "caffè"),
    (b"Subject: caff\xe8", "caffè"),
    (b"Subject: one\rX-Evil: yes", "one X-Evil: yes"),
    (b"Subject: one\x00two", "one\ufffdtwo"),
    ("Subject: Re: =?utf-8?Q?Risposta?= =?utf-8?B?IPCfmIA=?=", "Re: Risposta 😀"),
    ("Subject:", ""),
]


@pytest.mark.parametrize(("line", "expected"), SUBJECTS)
def test_a_subject_is_decoded_onto_one_line(line: str | bytes, expected: str) -> None:
    assert mail("From: m@x.it", line).subject == expected


def test_a_bare_cr_never_starts_a_header() -> None:
    message = mail(b"Subject: hello\rFrom: boss@acme.example", "From: m@x.it")
    assert [one.addr for one in message.froms] == ["m@x.it"]
    assert message.subject == "hello From: boss@acme.example"


def test_two_from_headers_and_two_addresses_are_all_listed() -> None:
    message = mail("From: a@x.it", "From: Bea <b@x.it>, c@x.it")
    assert [one.addr for one in message.froms] == ["a@x.it", "b@x.it", "c@x.it"]
    assert message.from_ == parsers.Address("", "a@x.it")


def test_the_same_from_header_repeated_stays_two_for_whoever_must_trust_it() -> None:
    assert len(mail("From: a@x.it", "From: a@x.it").froms) == 2


def test_ids_that_differ_after_a_space_stay_two() -> None:
    assert mail("Message-ID: <a b@c>").message_id != mail("Message-ID: <a zzz@other>").message_id


def test_missing_headers_are_null_and_not_empty() -> None:
    message = mail("X-Nothing: here")
    assert (message.from_, message.subject, message.message_id, message.date, message.to) == (
        None,
        None,
        None,
        None,
        (),
    )


def test_a_line_that_is_no_header_ends_the_block_unless_a_known_header_follows() -> None:
    kept = mail("From: m@x.it", "this line was damaged on its way", "Subject: still here")
    assert kept.subject == "still here"
    body = mail("From: m@x.it", body=b"").text
    assert body == ""
    early = parsers.parse(b"From: m@x.it\r\nDear desk, help\r\nthanks\r\n")
    assert early.text == "Dear desk, help\nthanks\n"


@pytest.mark.parametrize(
    "start", [b"\r\n\r\n", b"\xef\xbb\xbf", b"From m@x.it Sun Nov 22 08:00:00 2026\r\n", b">From m@x.it\n"]
)
def test_what_exports_put_before_the_first_header_is_skipped(start: bytes) -> None:
    assert parsers.parse(start + b"From: m@x.it\r\nSubject: s\r\n\r\nhello").subject == "s"


DATES = [
    ("Sun, 22 Nov 2026 08:00:00 +0100", datetime(2026, 11, 22, 7, 0, tzinfo=UTC)),
    ("22 Nov 26 08:00 GMT", datetime(2026, 11, 22, 8, 0, tzinfo=UTC)),
    ("Sun, 22 Nov 2026 08:00:00 +0100 (CET)", datetime(2026, 11, 22, 7, 0, tzinfo=UTC)),
    ("Sun, 22 Nov 2026 08:00:60 -0000", datetime(2026, 11, 22, 8, 0, 59, tzinfo=UTC)),
    ("Sun, 99 Nov 2026 08:00:00 +0100", None),
    ("Sun, 22 Nov 2026 08:00:00 +999999999999", None),
    ("yesterday", None),
    ("", None),
]


@pytest.mark.parametrize(("value", "expected"), DATES)
def test_a_date_is_an_instant_in_utc_or_nothing(value: str, expected: datetime | None) -> None:
    assert headers.date(value) == expected


def test_in_reply_to_takes_the_bracketed_id_and_references_come_from_every_header() -> None:
    message = mail('In-Reply-To: Message from m@x.it of "Mon" <one@x>', "References: <a@x>", "References: <b@x>")
    assert (message.in_reply_to, message.references) == ("one@x", ("a@x", "b@x"))


def test_raw_eight_bit_headers_use_the_charset_of_the_body() -> None:
    raw = (
        "От: x".encode()
        and b"From: m@x.it\r\nSubject: \xf0\xd2\xc9\xd7\xc5\xd4\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\nx"
    )
    assert parsers.parse(raw).subject == "Привет"


def test_a_domain_that_goes_on_in_the_next_line_is_one_domain() -> None:
    folded = parsers.parse(b"From: mario@acme.example\r\n .evil.example\r\nSubject: x\r\n\r\nhello")
    assert [one.addr for one in folded.froms] == ["mario@acme.example.evil.example"]
