"""The mail door from outside: conversations, deliveries, acknowledgements, and what a hostile client may not do."""

import re
import smtplib
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email import message_from_bytes, policy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from outside_presa import SUPPORT, Carrier, Presa, Raw, Sink, mail, new_id, results, until

ACME, EVIL, GAMMA = results("acme.example"), results("evil.example"), results("gamma.example")
MARIO, MALLORY = "mario@acme.example", "mallory@evil.example"


@dataclass
class World:
    presa: Presa
    sink: Sink

    def give(self, raw: bytes, **envelope: str) -> dict[str, Any]:
        """Send one mail; its row of the ledger."""
        return self.give_all(raw, **envelope)[0]

    def give_all(self, *raws: bytes, **envelope: str) -> list[dict[str, Any]]:
        """Send them one after the other; their rows."""
        self.presa.send(*raws, **envelope)
        return self.presa.ledger()[-len(raws) :]

    def opened(self, **more: Any) -> tuple[dict[str, Any], str]:
        """A ticket of Mario's, and his Message-ID."""
        id_ = new_id("acme.example")
        row = self.give(mail(top=[ACME], id_=id_, **more))
        return self.presa.tickets()[row["ticket"]], id_


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("mail")
    carrier, sink = Carrier(), Sink()
    with Presa(folder, carrier, PRESA_SMARTHOST=f"smtp://127.0.0.1:{sink.port}") as presa:
        yield World(presa, sink)
    sink.close()
    carrier.close()


# Conversations --------------------------------------------------------------------------------------------------


def damaged(text: str) -> str:
    """The same token with one character changed."""
    match = re.search(r"(?<=\.)[a-z2-7]{16}(?=@)", text)
    assert match is not None, text
    first = "a" if match[0][0] != "a" else "b"
    return text[: match.start()] + first + text[match.start() + 1 :]


ANNA, UGO = "anna@acme.example", "ugo@gamma.example"
JOINS = {"outcome": "append"}
HELD = {"outcome": "held", "reason": "token-without-party", "ticket": None, "acknowledge": False}
OWN = {"outcome": "new"}
# case: (expected, From, what the edge says, where the thread is named: ours, damaged, root, number, reply-to)
THREADS: dict[str, tuple[dict[str, Any], str, list[str], str]] = {
    "the requester answers our mail": (JOINS, MARIO, [ACME], "ours"),
    "the requester writes to the reply address": (JOINS, MARIO, [ACME], "address"),
    "the requester goes on with his own thread": (JOINS, MARIO, [ACME], "root"),
    "a colleague answers our mail": (JOINS, ANNA, [ACME], "ours"),
    "a stranger with the right token": (HELD, MALLORY, [EVIL], "ours"),
    "a stranger at the reply address": (HELD, MALLORY, [EVIL], "address"),
    "another customer with the right token": (HELD, UGO, [GAMMA], "ours"),
    "the requester's address without proof": (HELD, MARIO, [], "ours"),
    "the requester's address with a forged proof": (HELD, MARIO, [results("acme.example", authserv="mx.evil.example")], "address"),
    "somebody in Cc of the first mail": (HELD, "cc@third.example", [results("third.example")], "ours"),
    "a damaged token": (OWN, MARIO, [ACME], "damaged"),
    "a damaged reply address": (OWN, MARIO, [ACME], "damaged address"),
    "the ticket number in the subject": (OWN, MARIO, [ACME], "number"),
    "a stranger with the number": (OWN, MALLORY, [EVIL], "number"),
    "a stranger who quotes the customer's Message-ID": (OWN, MALLORY, [EVIL], "root"),
    "a spoof that quotes the customer's Message-ID": (OWN, MARIO, [results("acme.example", "fail")], "root"),
    "an id guessed from the number": (OWN, MARIO, [ACME], "guessed"),
}  # fmt: skip


@pytest.fixture(scope="module")
def conversation(world: World) -> dict[str, Any]:
    ticket, root = world.opened(more=["Cc: cc@third.example"])
    digits = re.sub(r"\D", "", ticket["ticket"].partition("-")[2])
    before = len(world.presa.ledger())
    for _, author, top, where in THREADS.values():
        more, subject, rcpt = [], "Re: La stampante", SUPPORT
        ours = ticket["outgoing_message_id"].strip("<>")
        match where:
            case "ours":
                more = [f"In-Reply-To: <{ours}>", f"References: <{root}> <{ours}>"]
            case "damaged":
                more = [f"In-Reply-To: <{damaged(ours)}>"]
            case "root":
                more = [f"In-Reply-To: <{root}>", f"References: <{root}>"]
            case "guessed":
                more = [
                    f"In-Reply-To: <{digits}.1@example.test>",
                    f"References: <{digits}@example.test> <ticket-{digits}@example.test>",
                ]
            case "address":
                rcpt = ticket["reply_to"]
            case "damaged address":
                rcpt = damaged(ticket["reply_to"])
            case "number":
                subject = f"Re: [{ticket['ticket']}] [#{digits}] ticket {ticket['ticket']}"
        world.presa.send(
            mail(author, top=top, more=more, subject=subject, body=f"{author} {where} {top}\r\n"), rcpt=rcpt
        )
    rows = world.presa.ledger()[before:]
    return {"ticket": ticket["ticket"], **dict(zip(THREADS, rows, strict=True))}


@pytest.mark.parametrize("case", THREADS)
def test_a_mail_joins_a_ticket_only_with_its_secret_and_from_a_verified_party(
    case: str, conversation: dict[str, Any]
) -> None:
    """CASES mail 10, 17; attack I6."""
    expected, row = THREADS[case][0], conversation[case]
    assert {name: row[name] for name in expected} == expected, row
    assert (row["ticket"] == conversation["ticket"]) == (expected is JOINS)


def test_a_ticket_of_the_joined_mails_has_their_message_ids_and_no_participant_by_cc(
    world: World, conversation: dict[str, Any]
) -> None:
    ticket = world.presa.tickets()[conversation["ticket"]]
    joined = [
        row["message_id"] for row in conversation.values() if isinstance(row, dict) and row["outcome"] == "append"
    ]
    assert ticket["message_ids"][1:] == joined
    assert ticket["contact"] == MARIO
    assert "third.example" not in str(world.sink.letters)


def test_a_stranger_with_a_proven_address_may_go_on_with_a_ticket_of_its_own(world: World) -> None:
    top = [results("newcomer.example")]
    first = world.give(mail("zoe@newcomer.example", top=top, subject="Informazioni"))
    ticket = world.presa.tickets()[first["ticket"]]
    answer = [f"In-Reply-To: <{ticket['outgoing_message_id'].strip('<>')}>"]
    proven, unproven = world.give_all(
        mail("zoe@newcomer.example", top=top, more=answer, body="ancora io\r\n"),
        mail("zoe@newcomer.example", more=answer, body="senza prova\r\n"),
    )
    assert (proven["outcome"], proven["ticket"]) == ("append", first["ticket"])
    assert (unproven["outcome"], unproven["reason"]) == ("held", "token-without-party")


# Acknowledgements -----------------------------------------------------------------------------------------------


def test_an_acknowledgement_goes_to_from_only_and_repeats_nothing_the_sender_chose(world: World) -> None:
    """Attack I8."""
    subject, body = "Vinci un premio su http://spam.example/xyz", "Clicca http://spam.example/abc subito\r\n"
    more = [
        "Reply-To: anna@acme.example",
        "Cc: terzo@third.example",
        "Disposition-Notification-To: terzo@third.example",
    ]
    address = "nora@acme.example"
    row = world.give(mail(f"Compra Ora <{address}>", top=[ACME], subject=subject, body=body, more=more))
    (raw,) = until(lambda: world.sink.to(address), 10, "the acknowledgement")
    letter = message_from_bytes(raw, policy=policy.default)
    ticket = world.presa.tickets()[row["ticket"]]
    text = letter.get_body(("plain",)).get_content() + str(letter["Subject"])
    assert row["ticket"] in text
    assert not re.search("spam|premio|Clicca|Compra", raw.decode() + text)
    assert str(letter["Auto-Submitted"]) == "auto-replied"
    assert "All" in str(letter["X-Auto-Response-Suppress"])
    assert str(letter["Message-ID"]).strip("<>") == ticket["outgoing_message_id"].strip("<>")
    assert str(letter["Reply-To"]) == ticket["reply_to"]
    assert str(letter["In-Reply-To"]).strip("<>") == row["message_id"]
    assert str(letter["To"]) == address
    assert letter["Cc"] is None
    assert letter["Bcc"] is None
    assert [rcpt for _, rcpt, _ in world.sink.letters if "third.example" in str(rcpt)] == []
    assert next(sender for sender, rcpt, _ in world.sink.letters if rcpt == [address]) in ("", "<>")


def test_a_hostile_message_id_cannot_write_headers_of_the_acknowledgement(world: World) -> None:
    """Attack C5."""
    address = "piera@acme.example"
    world.give(
        mail(address, top=[ACME], id_="a b@c>\r\n X: y <d@e", subject="=?utf-8?q?a=0D=0ABcc:_x=40third.example?=")
    )
    (raw,) = until(lambda: world.sink.to(address), 10, "the acknowledgement")
    letter = message_from_bytes(raw, policy=policy.default)
    assert letter["Bcc"] is None
    assert letter["X"] is None


def test_an_unverified_stranger_gets_one_acknowledgement_an_hour(world: World) -> None:
    """Attack I8."""
    address = "curioso@unknown.example"
    world.presa.send(*(mail(address, body=f"domanda {number}\r\n") for number in range(8)))
    until(lambda: world.sink.to(address), 10, "the acknowledgement")
    time.sleep(0.5)
    assert len(world.sink.to(address)) == 1


def test_the_answer_to_our_own_bounce_lands_on_its_ticket_and_is_never_answered(world: World) -> None:
    ticket, _ = world.opened(from_="bruno@acme.example")
    ours = ticket["outgoing_message_id"].strip("<>")
    dsn = mail(
        "Mail Delivery System <MAILER-DAEMON@acme.example>", top=[ACME], subject="Undelivered Mail Returned to Sender",
        more=[f"In-Reply-To: <{ours}>", f"References: <{ours}>", "Auto-Submitted: auto-replied", "MIME-Version: 1.0", 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"'],
        body="--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver it.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.acme.example\r\n\r\nFinal-Recipient: rfc822; bruno@acme.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n",
    )  # fmt: skip
    row = world.give(dsn, sender="")
    assert (row["outcome"], row["ticket"], row["acknowledge"]) == ("append", ticket["ticket"], False)


def test_a_mail_with_an_empty_envelope_sender_is_kept_and_not_answered(world: World) -> None:
    row = world.give(mail(top=[ACME], body="null sender\r\n"), sender="")
    assert (row["outcome"], row["envelope_from"], row["acknowledge"]) == ("new", "", False)


# Deliveries -----------------------------------------------------------------------------------------------------


def test_the_same_mail_twice_is_one_ticket_also_by_another_way(world: World) -> None:
    raw = mail(top=[ACME], body="due volte\r\n")
    trace = b"Received: from b.example by mx.example.test with ESMTP id 9\r\nDelivered-To: x\r\n"
    first, again, other_way = world.give_all(raw, raw, trace + raw)
    for row in (again, other_way):
        assert (row["outcome"], row["ticket"], row["message_id"]) == ("duplicate", first["ticket"], first["message_id"])
        assert not row["acknowledge"]


def test_ten_deliveries_of_one_mail_at_once_are_one_ticket(world: World) -> None:
    """Attack R5."""
    raw = mail(top=[ACME], body="dieci volte\r\n")
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: world.presa.send(raw), range(10)))
    rows = world.presa.ledger()[-10:]
    assert Counter(row["outcome"] for row in rows) == {"new": 1, "duplicate": 9}
    assert len({row["ticket"] for row in rows}) == 1


def test_another_mail_with_a_known_message_id_is_a_ticket_of_its_own(world: World) -> None:
    """Attack R5."""
    id_ = new_id()
    first, squatter, again = world.give_all(
        mail(top=[ACME], id_=id_, body="uno\r\n"),
        mail(MALLORY, top=[EVIL], id_=id_, body="altro\r\n"),
        mail(top=[ACME], id_=id_, body="un altro testo, stesso id\r\n"),
    )
    assert {squatter["outcome"], again["outcome"]} == {"new"}
    assert len({first["ticket"], squatter["ticket"], again["ticket"]}) == 3


def test_mails_without_a_message_id_are_told_apart_by_what_they_are(world: World) -> None:
    """Attack R5."""
    one, other = (mail(top=[ACME], id_="", body=body) for body in ("senza id\r\n", "senza id, altro\r\n"))
    first, second, again = world.give_all(one, other, one)
    assert [first["outcome"], second["outcome"]] == ["new", "new"]
    assert first["ticket"] != second["ticket"]
    assert (again["outcome"], again["ticket"]) == ("duplicate", first["ticket"])


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"x",
    "headers only": b"From: mario@acme.example\r\nSubject: x",
    "no headers": b"\r\njust text\r\n",
    "NUL": b"From: mario@acme.example\r\nSubject: a\x00b\r\n\r\nx\x00y\r\n",
    "8 bit everywhere": bytes(range(128, 256)) * 20,
    "unknown charset": b"From: mario@acme.example\r\nContent-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe\r\n",
    "bad base64": b"From: mario@acme.example\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!=\x80\r\n",
    "a broken multipart": b"From: mario@acme.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b",
    "deep": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(500)),
    "nested comments": b"From: " + b"(" * 3000 + b"a" + b")" * 3000 + b" <mario@acme.example>\r\n\r\nx\r\n",
    "a long line": b"From: mario@acme.example\r\nSubject: " + b"a" * 100_000 + b"\r\n\r\n" + b"b" * 200_000 + b"\r\n",
    "a bracketed id": b"From: mario@acme.example\r\nMessage-ID: [x@y]\r\n\r\nx\r\n",
    "a strange date": b"From: mario@acme.example\r\nDate: Mon, 99 Foo 99999 99:99:99 +9999\r\n\r\nx\r\n",
    "a lone surrogate": b"From: mario@acme.example\r\nSubject: =?utf-8?b?7aCA?=\r\n\r\n\xed\xa0\x80\r\n",
    "bare line ends": b"From: mario@acme.example\nSubject: bare\n\nline\rends\n",
}


def test_every_malformed_mail_that_was_accepted_is_in_the_ledger_once(world: World) -> None:
    answers = {}
    for name, raw in MALFORMED.items():
        with Raw(world.presa) as line:
            assert line.up_to_data().startswith("354")
            line.put(raw + (b"" if raw.endswith(b"\r\n") else b"\r\n") + b".")
            answers[name] = line.reply()
    rows = world.presa.ledger()[-len(MALFORMED) - 1 :]
    assert rows.pop(0)["sha256"] not in {sha256(raw).hexdigest() for raw in MALFORMED.values()}
    assert {name: words[:3] for name, words in answers.items()} == dict.fromkeys(MALFORMED, "250")
    assert len(rows) == len(MALFORMED)
    assert {row["outcome"] for row in rows} <= {"new", "held"}
    for words in answers.values():
        assert not re.search(r"Error|Exception|Traceback|/|SELECT|INSERT", words)


# The door -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rcpt", ["victim@third.example", "support@example.test.evil.example", "other@example.test", "support%third.example@example.test", '"support@example.test"@third.example', "@example.test:victim@third.example", "support@third.example"])  # fmt: skip
def test_an_unknown_recipient_is_refused(rcpt: str, world: World) -> None:
    """Attack S3."""
    with Raw(world.presa) as line:
        line.say("EHLO a.example")
        line.say("MAIL FROM:<a@b.example>")
        assert line.say(f"RCPT TO:<{rcpt}>")[:1] == "5"
        assert line.say("DATA").startswith("503")


@pytest.mark.parametrize("rcpt", ["Support@Example.TEST", "support+tag@example.test"])
def test_our_recipient_is_known_in_capitals_and_with_a_tag(rcpt: str, world: World) -> None:
    with Raw(world.presa) as line:
        line.say("EHLO a.example")
        line.say("MAIL FROM:<a@b.example>")
        assert line.say(f"RCPT TO:<{rcpt}>").startswith("250")


def test_vrfy_and_expn_tell_nothing(world: World) -> None:
    """Attack S3."""
    with Raw(world.presa) as line:
        line.say("EHLO a.example")
        assert line.say(f"VRFY {SUPPORT}") == line.say("VRFY nobody@third.example")
        assert line.say("EXPN support")[:3] in ("500", "502")


@pytest.mark.parametrize(
    "first", ["GET / HTTP/1.1", "POST / HTTP/1.1", "CONNECT x:25 HTTP/1.1", "Subject: hello", "From: a@b"]
)
def test_a_browser_is_shown_out(first: str, world: World) -> None:
    """Attack S5."""
    with Raw(world.presa) as line:
        assert line.say(first).startswith(("5", "421"))
        line.put("Host: x")
        assert line.reply() == ""


SMUGGLED = [
    before + b"." + after
    for before in (b"\n", b"\r", b"\r\n")
    for after in (b"\n", b"\r", b"\r\n")
    if (before, after) != (b"\r\n", b"\r\n")
] + [b"\r\r\n.\r\n", b"\n\r.\r\n", b"\r\n.\r\r\n", b"\n.\r\n", b"\r\n\x00.\r\n", b"\r.\r\r\n", b"\n\n.\r\n", b"\r\n.\n\r\n", b"\x00\n.\r\n"]  # fmt: skip


def test_one_data_is_one_mail(world: World) -> None:
    """Attack S1."""
    inner = []
    for number, end in enumerate(dict.fromkeys(SMUGGLED)):
        inner.append(new_id("smuggled.example"))
        second = f"MAIL FROM:<x@y.example>\r\nRCPT TO:<{SUPPORT}>\r\nDATA\r\nFrom: mario@acme.example\r\nMessage-ID: <{inner[-1]}>\r\n\r\nx\r\n.\r\n"
        with Raw(world.presa) as line:
            assert line.up_to_data().startswith("354")
            line.put(mail(top=[ACME], body=f"esterno {number}\r\n").rstrip(b"\r\n") + end + second.encode() + b"QUIT")
            answers = []
            while words := line.reply():
                answers.append(words)
        assert len([words for words in answers if words.startswith("250")]) <= 1, (end, answers)
    stored = {row["message_id"] for row in world.presa.ledger()}
    stored |= {one for ticket in world.presa.tickets().values() for one in ticket["message_ids"]}
    assert not stored & set(inner)


def test_a_mail_over_size_is_refused_by_declaration_and_by_length_and_the_door_stays_open(world: World) -> None:
    with Raw(world.presa) as line:
        size = int(re.search(r"SIZE (\d+)", line.say("EHLO a.example"))[1])  # type: ignore[index]
        assert line.say(f"MAIL FROM:<a@b.example> SIZE={size + 1}").startswith("552")
        line.say("MAIL FROM:<a@b.example>")
        line.say(f"RCPT TO:<{SUPPORT}>")
        line.say("DATA")
        piece = b"x" * 998 + b"\r\n"
        for _ in range(size // len(piece) + 2):
            line.socket.sendall(piece)
        assert line.say(b".").startswith("552")
        assert line.say("NOOP").startswith("250")


def test_an_endless_command_line_and_many_errors_end_the_session(world: World) -> None:
    with Raw(world.presa) as line:
        line.socket.sendall(b"A" * 100_000)
        assert line.reply().startswith(("500", "421"))
    with Raw(world.presa) as line:
        for _ in range(200):
            words = line.say("NONSENSE")
            if words.startswith("421"):
                break
        assert words.startswith("421")


def test_a_command_behind_data_in_one_packet_is_never_run(world: World) -> None:
    with Raw(world.presa) as line:
        line.say("EHLO a.example")
        line.say("MAIL FROM:<a@b.example>")
        line.say(f"RCPT TO:<{SUPPORT}>")
        assert line.say(b"DATA\r\nFrom: mario@acme.example\r\n\r\nx\r\n.").startswith(("503", "554", "421"))


def test_a_peer_has_a_hundred_connections_and_the_next_is_told_to_come_later(world: World) -> None:
    lines = [Raw(world.presa) for _ in range(100)]
    assert all(line.greeting.startswith("220") for line in lines)
    with Raw(world.presa) as one_more:
        assert one_more.greeting.startswith("421")
    lines.pop().close()

    def admitted() -> bool:
        with Raw(world.presa) as again:
            return again.greeting.startswith("220")

    until(admitted, 5, "a free place")
    began = time.monotonic()
    for line in lines[50:]:
        line.close()
    world.presa.send(mail(top=[ACME], body="in mezzo alla folla\r\n"))
    assert time.monotonic() - began < 20
    for line in lines:
        line.close()


def test_a_client_that_hangs_up_after_the_dot_has_its_mail_filed_all_the_same(world: World) -> None:
    id_ = new_id()
    line = Raw(world.presa)
    line.up_to_data()
    line.put(mail(top=[ACME], id_=id_) + b".")
    line.close()
    until(lambda: id_ in {row["message_id"] for row in world.presa.ledger()[-2:]}, 8, "the mail")
    assert [row["outcome"] for row in world.presa.ledger() if row["message_id"] == id_] == ["new"]


def test_many_recipients_are_one_ticket(world: World) -> None:
    lines, known = len(world.presa.ledger()), set(world.presa.tickets())
    with smtplib.SMTP("127.0.0.1", world.presa.smtp, timeout=20) as door:
        door.sendmail("a@b.example", [SUPPORT, "support+x@example.test"], mail(top=[ACME], body="a due indirizzi\r\n"))
    (row,) = world.presa.ledger()[lines:]
    assert (row["outcome"], row["rcpt"]) == ("new", [SUPPORT, "support+x@example.test"])
    assert set(world.presa.tickets()) - known == {row["ticket"]}


def test_the_books_balance_and_the_log_has_no_body_and_no_address(world: World) -> None:
    done = world.presa.run("check", "--offline")
    assert done.returncode == 0, done.stdout
    opened = {row["ticket"] for row in world.presa.ledger() if row["outcome"] == "new"}
    assert opened == set(world.presa.tickets())
    assert world.presa.run("tickets", "--count").stdout.strip() == str(len(opened))
    log = world.presa.log.read_text()
    for secret in ("stampante", "dieci volte", "mario@", "mallory@", "Traceback"):
        assert secret not in log, log[-3000:]
