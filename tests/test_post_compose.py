"""Letters: what they say in each language, what they never say, and headers that nothing can break."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

import parsers
from gateway.post.check import SAMPLE_CONTENTS, sample
from gateway.post.compose import compose, envelope_from, subject
from gateway.post.letter import Answer, Letter, Notice, Receipt, mailbox, message_ids

OUR_HEADERS = {
    "date", "from", "to", "reply-to", "subject", "message-id", "in-reply-to", "references", "content-language",
    "auto-submitted", "x-auto-response-suppress", "content-type", "mime-version",
}  # fmt: skip


class Clock:
    def __init__(self, target: str, due: datetime | None, best_effort: bool = False) -> None:
        self.target, self.due, self.best_effort = target, due, best_effort


DUE = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
RECEIPT = Receipt(clocks=(Clock("take_charge", DUE), Clock("resolution", None, best_effort=True)))

HOSTILE = (
    "x\r\nBcc: victim@elsewhere.example",
    "x\nBcc: victim@elsewhere.example\n\nbody",
    "x\rBcc: victim@elsewhere.example",
    "x\x00y",
    "x\x0bBcc: a@b.example",
    "x\x85Bcc: a@b.example",
    "x\u2028Bcc: a@b.example",
    "=?utf-8?q?x=0D=0ABcc:_victim@elsewhere.example?=",
    "=?utf-8?b?eA0KQmNjOiBhQGIuZXhhbXBsZQ==?=",
    '"><script>alert(1)</script>',
    '", "Other" <victim@elsewhere.example>, "',
    "a\\",
    "\u202eltr.exe",
    "\ud800",
    "é" * 500,
    "word " * 200,
    "w" * 2_000,
    "",
)


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def bodies(raw: bytes) -> tuple[str, str]:
    message = read(raw)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def header_names(raw: bytes) -> list[str]:
    head = raw.split(b"\r\n\r\n", 1)[0].decode()
    return [line.split(":")[0].lower() for line in head.split("\r\n") if line[:1] not in (" ", "\t")]


class Words(HTMLParser):
    """The text that a reader of the page sees, and the tags that make it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_an_italian_acknowledgement_says_the_number_what_happens_by_when_and_how_to_add() -> None:
    plain, html = bodies(compose(sample(RECEIPT, "it")))
    said = " ".join(plain.split())
    assert "PR-1002-4137" in said
    assert "Un tecnico prende in carico la segnalazione: entro lunedì 23 novembre, 09:30 (Roma, UTC+1)" in said
    assert "appena possibile, senza un termine fisso (best effort)" in said
    assert "risponda semplicemente a questo messaggio" in said
    assert "support+10024137.abcdefghijklmnop@example.test" in said
    for sentence in (
        "PR-1002-4137",
        "entro lunedì 23 novembre, 09:30 (Roma, UTC+1)",
        "best effort",
        "support+10024137.",
    ):
        assert sentence in Words(html).text


def test_an_english_acknowledgement_says_the_same() -> None:
    plain, html = bodies(compose(sample(RECEIPT, "en")))
    said = " ".join(plain.split())
    for sentence in (
        "PR-1002-4137",
        "An engineer takes charge of your report: by Monday 23 November, 09:30 (Rome, UTC+1)",
        "as soon as we can, without a fixed time (best effort)",
        "simply reply to this message",
    ):
        assert sentence in said
        assert sentence in " ".join(Words(html).text.split())


def test_a_language_without_a_catalogue_is_written_in_english_and_says_so_in_its_header() -> None:
    raw = compose(sample(RECEIPT, "tlh"))
    assert "We have received your report" in read(raw)["Subject"]
    assert read(raw)["Content-Language"] == "en"


def test_a_receipt_without_clocks_promises_nothing() -> None:
    plain, _ = bodies(compose(sample(Receipt(), "en")))
    assert "No times are agreed for it." in plain
    assert "by when" not in plain


def test_a_deadline_that_a_pause_holds_up_is_not_called_best_effort() -> None:
    plain, html = bodies(compose(sample(Notice("waiting", clocks=(Clock("resolution", None),)), "en")))
    for text in (plain, Words(html).text):
        assert "the time stands still while we wait" in " ".join(text.split())
        assert "best effort" not in text


def test_our_own_parser_reads_every_letter_and_answers_no_automatic_one() -> None:
    for content in SAMPLE_CONTENTS:
        letter = sample(content, "it")
        message = parsers.parse(compose(letter))
        assert message.message_id == letter.message_id
        assert message.suppress_auto_response is not isinstance(content, Answer)
        assert message.subject == subject(letter)
        assert [address.addr for address in message.to] == [letter.to]


def test_a_channel_that_the_plan_lacks_is_told_with_the_channels_that_it_has() -> None:
    receipt = Receipt(notes=("channel_not_in_plan",), channels=("phone", "portal", "event"))
    plain, _ = bodies(compose(sample(receipt, "it")))
    said = " ".join(plain.split())
    assert "Il suo piano non comprende l’assistenza su questo canale. La segnalazione è registrata comunque." in said
    assert "telefono, portale" in said
    assert "telefono" not in bodies(compose(sample(Receipt(channels=("phone", "event")), "it")))[0]


def test_the_headers_of_an_acknowledgement_thread_it_and_mark_it_automatic() -> None:
    letter = replace(sample(RECEIPT, "en"), in_reply_to="a1@acme.example", references=("a0@acme.example",))
    message = read(compose(letter))
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Precedence"] is None
    assert (
        message["From"] == '"Example support" <support@example.test>'
        or message["From"] == "Example support <support@example.test>"
    )
    assert message["To"] == "mario@acme.example"
    assert message["Reply-To"] == "support+10024137.abcdefghijklmnop@example.test"
    assert message["Message-ID"] == "<10024137.1.abcdefghijklmnop@example.test>"
    assert message["In-Reply-To"] == "<a1@acme.example>"
    assert message["References"] == "<a0@acme.example> <a1@acme.example>"
    assert message["Date"].datetime == letter.date
    assert envelope_from(letter) == ""


def test_an_agents_answer_is_a_persons_mail_and_its_bounce_finds_the_ticket() -> None:
    letter = sample(Answer("Two lines\n  and an indent\t<b>", "Anna Verdi", "RE: Re: backup"), "it")
    raw = compose(letter)
    message = read(raw)
    assert message["Auto-Submitted"] is None
    assert message["X-Auto-Response-Suppress"] is None
    assert message["Subject"] == "Re: backup [PR-1002-4137]"
    assert envelope_from(letter) == letter.reply_address
    plain, html = bodies(raw)
    assert plain.startswith("Two lines\n  and an indent\t<b>\n\n-- \nAnna Verdi\n")
    assert "Two lines<br>\n&nbsp; and an indent" in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize(
    ("about", "title"),
    [
        ("R: AW: Re : backup", "Re: backup [PR-1002-4137]"),
        ("Backup, re: disk", "Re: Backup, re: disk [PR-1002-4137]"),
        ("Re: backup [PR-1002-4137]", "Re: backup [PR-1002-4137]"),
    ],
)
def test_an_answer_keeps_the_subject_with_one_re_and_one_number(about: str, title: str) -> None:
    assert subject(sample(Answer("Done.", "Anna Verdi", about), "en")) == title


def test_an_answer_without_a_subject_is_about_the_report() -> None:
    assert subject(sample(Answer("Fatto.", "Anna Verdi"), "it")) == "La sua segnalazione [PR-1002-4137]"


CALL_BACK = next(content.callback for content in SAMPLE_CONTENTS if isinstance(content, Receipt) and content.callback)


def test_a_notice_is_automatic_but_wants_to_hear_of_its_bounce() -> None:
    letter = sample(Notice("priority", "P1", RECEIPT.clocks), "it")
    message = read(compose(letter))
    assert message["Auto-Submitted"] == "auto-generated"
    assert "NDR" not in message["X-Auto-Response-Suppress"].replace("NRN", "").split(", ")
    assert envelope_from(letter) == letter.reply_address
    assert "Priorità: P1" in bodies(compose(letter))[0]


def test_automatic_letters_have_no_field_that_could_hold_what_the_sender_wrote() -> None:
    assert set(Receipt.__dataclass_fields__) == {
        "clocks", "priority", "updates_every", "notes", "channels", "missing", "callback",
    }  # fmt: skip
    assert not {"subject", "body", "to_name", "sender"} & set(Letter.__dataclass_fields__)


@pytest.mark.parametrize("content", SAMPLE_CONTENTS, ids=lambda content: type(content).__name__)
@pytest.mark.parametrize("language", ["it", "en"])
def test_every_letter_is_seven_bits_wide_enough_for_any_relay_and_narrow_enough_to_read(
    content: object, language: str
) -> None:
    raw = compose(sample(content, language))  # type: ignore[arg-type]
    assert raw.isascii()
    assert raw.replace(b"\r\n", b"").find(b"\n") == -1
    assert max(len(line) for line in raw.split(b"\r\n")) <= 100
    plain, html = bodies(raw)
    assert max(len(line) for line in plain.splitlines()) <= 72
    assert html.startswith("<!DOCTYPE html>")
    assert "http" not in html.replace(CALL_BACK, "")  # the one address that a letter of ours may lead to
    assert compose(sample(content, language)) == raw  # type: ignore[arg-type]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "field", ["desk_name", "agent", "about", "text", "priority", "in_reply_to", "references", "language"]
)
def test_no_value_adds_a_header_a_recipient_or_a_tag(field: str, text: str) -> None:
    answer = Answer("Testo", "Anna", "Backup")
    content = replace(answer, **{field: text}) if field in ("agent", "about", "text") else answer
    content = Receipt(priority=text) if field == "priority" else content
    letter = sample(content, "it")
    if field in ("desk_name", "in_reply_to", "language"):
        letter = replace(letter, **{field: text})
    if field == "references":
        letter = replace(letter, references=(text, f"{text}@x", "good@acme.example"))
    raw = compose(letter)
    names = header_names(raw)
    assert len(names) == len(set(names))
    assert set(names) <= OUR_HEADERS
    message = read(raw)
    assert [str(address) for address in message["To"].addresses] == ["mario@acme.example"]
    assert [address.addr_spec for address in message["From"].addresses] == ["support@example.test"]
    assert "\n" not in str(message["Subject"])
    assert not message.defects
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "script" not in Words(bodies(raw)[1]).tags


@pytest.mark.parametrize(
    "to",
    [
        "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example", "a@b.example\n", "<a@b.example>", "A <a@b.example>",
        "a@b.example;c@d.example", '"a b"@c.example', "@b.example", "a@", "a", "", "a@[127.0.0.1]", "a b@c.example",
        "a@b@c.example", "a@b..example", "a@-b.example", "a\x00@b.example", "a@ｅｘample.com", "a\u00a0@b.example",
        "x" * 65 + "@b.example", "group:a@b.example;", "a(c)@b.example", "a@b.example\u2028", "a\ud800@b.example",
        "@relay.example:a@b.example", "a\u200b@b.example",
    ],
)  # fmt: skip
def test_anything_but_one_plain_address_is_no_recipient(to: str) -> None:
    assert mailbox(to) is None
    with pytest.raises(ValueError):
        compose(replace(sample(RECEIPT, "en"), to=to))


@pytest.mark.parametrize(
    "to", ["a..b@docomo.example", "o'neil+tag@b.example", "a@xn--caf-dma.example", "a/b=c@b_c.example", "a@localhost"]
)
def test_odd_but_plain_addresses_are_recipients(to: str) -> None:
    assert read(compose(replace(sample(RECEIPT, "en"), to=to)))["To"].addresses[0].addr_spec == to


def test_an_address_beyond_ascii_stands_in_the_header_as_it_is() -> None:
    raw = compose(replace(sample(RECEIPT, "it"), to="josé@caffè.example"))
    assert "\r\nTo: <josé@caffè.example>\r\n".encode() in raw


def test_ids_longer_than_a_line_stay_whole() -> None:
    long_id = "x" * 180 + "@mail.acme.example"
    raw = compose(
        replace(sample(RECEIPT, "en"), in_reply_to=long_id, references=tuple(f"{n}.{long_id}" for n in range(50)))
    )
    head = raw.split(b"\r\n\r\n")[0].decode()
    assert f"In-Reply-To: <{long_id}>" in head
    ids = re.findall(r"<([^>]+)>", head.split("References:")[1].split("\r\nContent-Language")[0])
    assert len(ids) == 20
    assert ids[0] == f"0.{long_id}"
    assert ids[-1] == long_id
    assert max(map(len, head.split("\r\n"))) < 998


@given(st.text(max_size=300))
def test_whatever_an_id_holds_only_visible_ascii_reaches_the_header(text: str) -> None:
    assert all(re.fullmatch(r"[!-;=?-~]+@[!-;=?-~]+", own) for own in message_ids((text, f"<{text}@x>")))


@given(st.text(max_size=400), st.text(max_size=400))
def test_whatever_a_name_or_subject_holds_the_header_is_ours(name: str, about: str) -> None:
    raw = compose(replace(sample(Answer("x", name, about), "en"), desk_name=name))
    assert set(header_names(raw)) <= OUR_HEADERS
    assert raw.isascii()


def test_the_year_is_said_when_it_is_another_one() -> None:
    letter = sample(Receipt(clocks=(Clock("take_charge", datetime(2027, 1, 4, 8, 30, tzinfo=UTC)),)), "it")
    assert "lunedì 4 gennaio 2027, 09:30" in " ".join(bodies(compose(letter))[0].split())


def test_a_letter_is_composed_within_some_milliseconds() -> None:
    letter = sample(RECEIPT, "it")
    compose(letter)
    started = time.process_time()
    for _ in range(20):
        compose(letter)
    assert (time.process_time() - started) / 20 < 0.02
