"""Mail out of a mailbox: every one exactly once, whatever the server and the connection do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
from imap_desk import MailDesk, maildesk, utc
from imap_server import Fault, mail

from gateway.engine import Arrival
from gateway.imap import Watch, client
from gateway.imap import intake as taking
from gateway.imap import watch as watching
from gateway.settings.mailboxes import Canary
from gateway.store import mailboxes, reports, tables
from gateway.upkeep import retention

__all__ = ["maildesk"]


def test_a_mail_in_the_mailbox_becomes_a_ticket_received_when_the_mailbox_got_it(maildesk: MailDesk) -> None:
    maildesk.server.put(mail(1), at=utc("2026-11-24 07:30"))
    maildesk.settle(maildesk.replica())
    ticket = maildesk.world.ticket()
    assert (ticket.subject, ticket.received_at) == ("Guasto 1", utc("2026-11-24 07:30"))
    (row,) = maildesk.world.ledger()
    assert (row.door, row.peer, row.rcpt, row.outcome) == ("imap", "mailbox:support", (maildesk.world.address,), "new")
    assert maildesk.server.flags() == {101: {b"\\Seen"}}


def test_a_mail_is_flagged_only_after_its_commit(maildesk: MailDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """CASES mail 1."""
    maildesk.server.put(mail(1))
    watch = maildesk.replica()
    with monkeypatch.context() as broken:
        broken.setattr(maildesk.world.engine, "file_mail", _raises)
        broken.setattr(maildesk.world.engine, "_file_unread", _raises)
        watch.step()
    assert maildesk.server.flags() == {101: set()}
    assert maildesk.world.tickets() == ()
    maildesk.settle(watch)
    assert maildesk.subjects() == ["Guasto 1"]
    assert maildesk.server.flags() == {101: {b"\\Seen"}}


def _raises(*_: object, **__: object) -> None:
    raise RuntimeError("a fault of ours")


@pytest.mark.parametrize("do", ["before", "after", "within"])
def test_a_drop_at_any_command_neither_loses_nor_doubles_a_mail(maildesk: MailDesk, do: str) -> None:
    """CASES R6: the connection ends at each command in turn, before it, after it, and within its answer."""
    watch = maildesk.replica()
    maildesk.server.put(mail("first"))
    maildesk.settle(watch)
    watch.hang_up()
    known = len(maildesk.proxy.commands)
    maildesk.server.put(mail("second"), mail("third"))
    maildesk.settle(watch)
    length = len(maildesk.proxy.commands) - known
    assert length >= 8  # capability, login, select, search, fetch facts, fetch twice, store
    for at in range(1, length + 1):
        watch.hang_up()
        maildesk.server.put(mail(f"{at}a", sender=f"anna{at}"), mail(f"{at}b", sender=f"bruno{at}"))
        maildesk.proxy.faults = [Fault(".", nth=at, do=do, within=25)]
        maildesk.settle(watch)
    wanted = [f"Guasto {name}" for at in range(1, length + 1) for name in (f"{at}a", f"{at}b")]
    assert maildesk.subjects() == sorted([*wanted, "Guasto first", "Guasto second", "Guasto third"])
    assert {row.outcome for row in maildesk.world.ledger()} == {"new"}
    assert all(b"\\Seen" in flags for flags in maildesk.server.flags().values())


ODD = (
    b"* BYE going down\r\n",
    b"\x00\xff\xfe garbage\r\n",
    b"* 1 FETCH (UID 101 BODY[]<0> {99999999999}\r\n",
    b"* 1 FETCH (((((((\r\n",
    b"TAG NO [SERVERBUG] internal error\r\n",
    b"TAG BAD what\r\n",
    b"* SEARCH 1 2 x\r\nTAG OK done\r\n",
)


@pytest.mark.parametrize(
    "at", ["CAPABILITY", "LOGIN", "SELECT", "NOOP", "SEARCH", "INTERNALDATE", "BODY.PEEK", "STORE"]
)
def test_an_odd_answer_to_any_command_loses_nothing(maildesk: MailDesk, at: str) -> None:
    watch = maildesk.replica()
    for number, answer in enumerate(ODD):
        watch.hang_up()
        maildesk.server.put(mail(f"{number}a"), mail(f"{number}b"))
        maildesk.proxy.faults = [Fault(at, do="answer", answer=answer)]
        for _ in range(2):  # at the next poll at the latest
            maildesk.settle(watch)
            maildesk.world.rehearsal.clock.advance(60)
    assert maildesk.subjects() == sorted(f"Guasto {number}{name}" for number in range(len(ODD)) for name in "ab")
    assert {row.outcome for row in maildesk.world.ledger()} == {"new"}


def test_mails_that_a_mailbox_got_while_presa_was_down_for_ten_days_all_come_with_their_times(
    maildesk: MailDesk,
) -> None:
    """CASES mail 4."""
    watch = maildesk.replica()
    maildesk.settle(watch)
    watch.leave()
    times = [utc("2026-11-25 12:00") + timedelta(hours=6 * number) for number in range(40)]
    with maildesk.server.owner() as owner:
        for number, at in enumerate(times):
            owner.append("INBOX", mail(number, sender=f"person{number}"), msg_time=at)
    maildesk.world.sleep(hours=240)
    maildesk.settle(maildesk.replica())
    assert sorted(ticket.received_at for ticket in maildesk.world.tickets()) == times


def test_a_large_mailbox_is_listed_in_portions(maildesk: MailDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "STEP", 2)
    maildesk.server.put(*(mail(number) for number in range(9)))
    maildesk.settle(maildesk.replica())
    assert maildesk.subjects() == [f"Guasto {number}" for number in range(9)]
    assert sum("SEARCH" in command for command in maildesk.proxy.commands) > 4


def test_new_numbers_for_all_mails_double_nothing(maildesk: MailDesk) -> None:
    watch = maildesk.replica()
    maildesk.server.put(mail(1), mail(2))
    maildesk.settle(watch)
    watch.hang_up()
    maildesk.server.renumber()
    maildesk.server.put(mail(3))
    maildesk.settle(watch)
    assert maildesk.subjects() == ["Guasto 1", "Guasto 2", "Guasto 3"]
    assert maildesk.world.outcomes().count(("duplicate", "same-delivery")) == 2
    assert maildesk.world.alarm_kinds() == ["mailbox-renumbered"]


def test_a_mail_that_becomes_visible_after_later_ones_is_not_skipped(maildesk: MailDesk) -> None:
    """Servers give UIDs before mails can be seen: 103 may be there while 102 is not yet."""
    watch = maildesk.replica()
    maildesk.server.put(mail(1), mail(2), mail(3))
    maildesk.proxy.rewrite = lambda piece: piece.replace(b"* SEARCH 101 102 103", b"* SEARCH 101 103")
    maildesk.settle(watch)
    assert maildesk.subjects() == ["Guasto 1", "Guasto 3"]
    maildesk.proxy.rewrite = None
    maildesk.world.rehearsal.clock.advance(1800)
    maildesk.settle(watch)
    assert maildesk.subjects() == ["Guasto 1", "Guasto 2", "Guasto 3"]


def test_a_mail_that_somebody_deletes_meanwhile_is_told_and_hides_no_other(maildesk: MailDesk) -> None:
    maildesk.server.put(mail(1), mail(2), mail(3))
    watch = maildesk.replica()

    def gone(*arguments: object) -> object:
        monkey.undo()
        maildesk.server.delete(102)
        return taking.fetch(*arguments)  # type: ignore[arg-type]

    monkey = pytest.MonkeyPatch()
    monkey.setattr(taking, "fetch", gone)
    maildesk.settle(watch)
    assert maildesk.subjects() == ["Guasto 1", "Guasto 3"]
    assert ("refused", "gone-before-it-was-read") in maildesk.world.outcomes()
    assert maildesk.world.alarm_kinds() == ["mailbox-mail-gone"]


def test_a_mail_that_fails_each_time_is_held_raw_and_the_others_arrive(
    maildesk: MailDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CASES mail 2 and 3: the poison is held after three tries with one alarm; there is one copy of it."""
    file_mail, unread = maildesk.world.engine.file_mail, maildesk.world.engine._file_unread

    def poisonous(connection: object, one: object, *more: object) -> object:
        if b"poison" in one.arrival.raw:  # type: ignore[attr-defined]
            raise RuntimeError("a fault of ours")
        return unread(connection, one, *more) if more else file_mail(connection, one)  # type: ignore[arg-type]

    maildesk.server.put(mail(1), mail("poison"), mail(2), mail(3))
    watch = maildesk.replica()
    with monkeypatch.context() as broken:
        broken.setattr(maildesk.world.engine, "file_mail", poisonous)
        broken.setattr(maildesk.world.engine, "_file_unread", poisonous)
        for _ in range(5):
            maildesk.settle(watch)
            maildesk.world.rehearsal.clock.advance(3600)
    assert maildesk.subjects() == ["Guasto 1", "Guasto 2", "Guasto 3"]
    (held,) = [row for row in maildesk.world.ledger() if row.outcome == "held"]
    assert held.reason == "poison"
    assert maildesk.world.read(reports.raw, held.sha256) == mail("poison")
    assert maildesk.world.alarm_kinds() == ["mailbox-poison"]
    assert len(maildesk.server.flags()) == 4
    watch.hang_up()
    maildesk.server.renumber()  # listed again once what was wrong is mended: it is held already, and stays one mail
    maildesk.settle(watch)
    assert maildesk.subjects() == ["Guasto 1", "Guasto 2", "Guasto 3"]
    assert [row.outcome for row in maildesk.world.ledger()].count("held") == 1


def test_a_mail_that_the_server_does_not_give_is_told_and_hides_no_newer_one(maildesk: MailDesk) -> None:
    """CASES mail 2."""
    maildesk.server.put(mail(1), mail(2), mail(3))
    maildesk.proxy.faults = [
        Fault(r"FETCH 102 \(BODY", times=10_000, do="answer", answer=b"TAG NO cannot read it\r\n", then_end=False)
    ]
    watch = maildesk.replica()
    for _ in range(30):
        maildesk.settle(watch)
        maildesk.world.rehearsal.clock.advance(3600)
    assert maildesk.subjects() == ["Guasto 1", "Guasto 3"]
    assert maildesk.world.alarm_kinds() == ["mailbox-mail-not-given"]
    assert ("held", "not-given") in maildesk.world.outcomes()


def test_a_mail_at_which_the_connection_always_ends_hides_no_newer_one(maildesk: MailDesk) -> None:
    maildesk.server.put(mail(1), mail(2), mail(3))
    maildesk.proxy.faults = [Fault(r"FETCH 101 \(BODY", times=10_000)]
    watch = maildesk.replica()
    for _ in range(12):
        watch.step()
        maildesk.world.rehearsal.clock.advance(10)
    assert maildesk.subjects() == ["Guasto 2", "Guasto 3"]
    maildesk.proxy.faults = []
    maildesk.world.rehearsal.clock.advance(3600)
    maildesk.settle(watch)
    assert maildesk.subjects() == ["Guasto 1", "Guasto 2", "Guasto 3"]


def test_a_folder_that_takes_no_mails_blocks_nothing_and_makes_no_copies(maildesk: MailDesk) -> None:
    """CASES mail 3."""
    watch = maildesk.replica(move_to="Done")
    maildesk.server.put(mail(1))
    maildesk.settle(watch)
    maildesk.server.put(mail(2))
    maildesk.settle(watch)
    assert maildesk.subjects() == ["Guasto 1", "Guasto 2"]
    assert maildesk.world.alarm_kinds() == ["mailbox-not-flagged"]
    maildesk.server.create("Done")
    maildesk.settle(watch)
    assert (len(maildesk.server.flags()), len(maildesk.server.flags("Done"))) == (0, 2)
    assert not any("COPY" in command for command in maildesk.proxy.commands)


def test_the_same_mail_by_smtp_and_from_two_mailboxes_is_one_ticket(maildesk: MailDesk) -> None:
    """CASES mail 8: three doors, one mail; each puts its own trace on top."""
    for header in ("Delivered-To: support@example.test", "Return-Path: <mario@acme.example>"):
        maildesk.server.put(mail(1, headers=[header]))
    maildesk.settle(maildesk.replica())
    world = maildesk.world
    arrival = Arrival("smtp", "192.0.2.9", "mario@acme.example", (world.address,), mail(1), world.now)
    assert world.engine.take_mail(arrival).outcome == "duplicate"
    assert maildesk.subjects() == ["Guasto 1"]


def test_three_replicas_and_the_mail_door_at_the_same_moment_make_one_ticket(maildesk: MailDesk) -> None:
    """CASES mail 8: all of them try at once, each believing that the lease is its own."""
    world = maildesk.world
    maildesk.server.put(*(mail(number) for number in range(6)))
    watches = [maildesk.replica() for _ in range(3)]
    arrivals = [
        Arrival("smtp", "192.0.2.9", "mario@acme.example", (world.address,), mail(number), world.now)
        for number in range(6)
    ]
    together = Barrier(4)

    def reads(watch: Watch) -> None:
        together.wait(20)
        for _ in range(30):
            world.database.write(lambda c: mailboxes.release(c, "support", watch._holder))
            watch.step()

    def takes() -> None:
        together.wait(20)
        for arrival in arrivals:
            world.engine.take_mail(arrival)

    crowd = [Thread(target=reads, args=(watch,)) for watch in watches] + [Thread(target=takes)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(60)
    world.rehearsal.clock.advance(3600)
    maildesk.settle(maildesk.replica())
    assert maildesk.subjects() == [f"Guasto {number}" for number in range(6)]
    assert sorted(world.outcomes()) == [("duplicate", "same-delivery")] * 6 + [("new", None)] * 6
    assert all(state == "done" for _, state, _, _ in maildesk.rows())


def test_equal_message_ids_on_different_contents_are_different_mails(maildesk: MailDesk) -> None:
    maildesk.server.put(mail(1, text="La stampante."), mail(1, text="Il telefono."))
    maildesk.settle(maildesk.replica())
    assert maildesk.subjects() == ["Guasto 1", "Guasto 1"]


def test_only_one_replica_reads_a_mailbox_and_another_goes_on_when_it_dies(maildesk: MailDesk) -> None:
    """CASES mail 8."""
    first, second = maildesk.replica(), maildesk.replica()
    maildesk.server.put(mail(1))
    maildesk.settle(first)
    second.step()
    assert (first.session is None, second.session is None) == (False, True)
    maildesk.server.put(mail(2))
    maildesk.world.rehearsal.clock.advance(31)  # the first one's lease is over: it is dead, or stopped for a while
    maildesk.settle(second)
    assert maildesk.subjects() == ["Guasto 1", "Guasto 2"]
    first.step()
    assert first.session is None


def test_two_replicas_that_both_believe_in_their_lease_file_each_mail_once(
    maildesk: MailDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = maildesk.replica(), maildesk.replica()
    maildesk.server.put(mail(1), mail(2))
    take, once = first._intake.take, iter([True])

    def slowly(*arguments: object) -> object:
        if next(once, False):  # the first is stopped just before its first mail, for longer than its lease
            maildesk.world.rehearsal.clock.advance(31)
            maildesk.settle(second)
        return take(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(first._intake, "take", slowly)
    first.step()
    assert maildesk.subjects() == ["Guasto 1", "Guasto 2"]
    assert maildesk.world.outcomes() == [("new", None), ("new", None)]


def test_who_is_killed_while_mails_come_in_leaves_them_to_the_next(
    maildesk: MailDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CASES mail 1: after any mail of a batch the process is gone, without a word."""
    maildesk.server.put(*(mail(number) for number in range(6)))
    for survived in range(3):
        watch, left = maildesk.replica(), survived

        def take(*arguments: object, real=watch._intake.take) -> object:  # type: ignore[no-untyped-def]
            nonlocal left
            if left == 0:
                raise SystemExit("killed")
            left -= 1
            return real(*arguments)

        monkeypatch.setattr(watch._intake, "take", take)
        with pytest.raises(SystemExit):
            maildesk.settle(watch)
        maildesk.world.rehearsal.clock.advance(31)
    maildesk.settle(maildesk.replica())
    assert maildesk.subjects() == [f"Guasto {number}" for number in range(6)]
    assert set(maildesk.world.outcomes()) == {("new", None)}


# Recipients and senders -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "to", "rcpt"),
    [
        ((), "support@example.test", "support@example.test"),
        ((), "somebody@elsewhere.example", "support@example.test"),
        (("Delivered-To: support+vip@example.test",), "all@elsewhere.example", "support+vip@example.test"),
        (("X-Original-To: <Support@Example.TEST>",), "all@elsewhere.example", "support@example.test"),
        (("Delivered-To: mailbox-17@provider.example",), "x@elsewhere.example", "support@example.test"),
        ((), "support+10000020.zml3jvsbetjpl52y@example.test", "support+10000020.zml3jvsbetjpl52y@example.test"),
    ],
)
def test_the_envelope_recipient_is_what_a_trace_header_says_or_the_mailboxs_own_address(
    maildesk: MailDesk, headers: Sequence[str], to: str, rcpt: str
) -> None:
    """CASES mail 23."""
    maildesk.server.put(mail(1, to=to, headers=headers))
    maildesk.settle(maildesk.replica())
    assert maildesk.world.ledger()[0].rcpt == (rcpt,)


@pytest.mark.parametrize(
    ("results", "verified"),
    [
        (["mx.provider.example; dmarc=pass header.from=acme.example"], True),
        (["mx.provider.example; dmarc=fail header.from=acme.example"], False),
        (["mx.other.example; dmarc=pass header.from=acme.example"], False),
        (
            [
                "mx.provider.example; dmarc=fail header.from=acme.example",
                "mx.provider.example; dmarc=pass header.from=acme.example",
            ],
            False,
        ),
        ([], False),
    ],
)
def test_only_the_topmost_results_of_the_mailboxs_provider_count(
    maildesk: MailDesk, results: Sequence[str], verified: bool
) -> None:
    trace = ["Received: by 2002:a05:6a10::1 with SMTP id x; Wed, 25 Nov 2026 09:00:01 +0100"]
    maildesk.server.put(mail(1, headers=[*trace, *(f"Authentication-Results: {one}" for one in results)]))
    maildesk.settle(maildesk.replica(authserv_id="mx.provider.example"))
    assert maildesk.world.ticket().verified is verified


@pytest.mark.parametrize("arc", ["pass", "fail"])
def test_a_mail_through_a_trusted_list_is_its_authors_as_far_as_the_provider_says(maildesk: MailDesk, arc: str) -> None:
    world = maildesk.world
    listed = [
        f"Authentication-Results: mx.provider.example; dmarc=pass header.from=lists.example; arc={arc}",
        "ARC-Seal: i=1; a=rsa-sha256; d=lists.example; s=s; cv=none; b=x",
        "ARC-Authentication-Results: i=1; lists.example; dmarc=pass header.from=acme.example",
        "X-Original-From: Mario Rossi <mario@acme.example>",
    ]
    raw = mail(1, headers=listed).replace(
        b"From: Mario <mario@", b"From: Mario via Lista <lista@lists.example>\r\nX-Was: <", 1
    )
    maildesk.server.put(raw)
    watch = maildesk.replica(authserv_id="mx.provider.example")
    world.engine.settings = replace(world.engine.settings, sealers=frozenset({"lists.example"}))
    maildesk.settle(watch)
    ticket = world.ticket()
    assert any("wrote its own address into From; the author is mario@acme.example" in line for line in ticket.evidence)
    assert (ticket.customer, ticket.contact, ticket.verified) == ("ACME", "ACME-mario", arc == "pass")
    assert ticket.requester == "mario@acme.example"


def test_a_null_return_path_is_no_address_to_answer(maildesk: MailDesk) -> None:
    maildesk.server.put(mail(1, headers=["Return-Path: <>"]))
    maildesk.settle(maildesk.replica(authserv_id="mx.provider.example"))
    (row,) = maildesk.world.ledger()
    assert (row.envelope_from, row.acknowledge) == ("", False)


# Large mails ----------------------------------------------------------------------------------------------------


def test_a_large_mail_is_fetched_in_pieces_and_one_that_is_too_large_is_a_ticket_all_the_same(
    maildesk: MailDesk,
) -> None:
    maildesk.world.engine.settings = replace(
        maildesk.world.engine.settings, limits=replace(maildesk.world.engine.settings.limits, size=1_000_000)
    )
    fits, beyond = mail("fits", text="riga lunga\r\n" * 60_000), mail("beyond", text="riga lunga\r\n" * 100_000)
    maildesk.server.put(fits, beyond)
    maildesk.settle(maildesk.replica())
    assert maildesk.subjects() == ["Guasto beyond", "Guasto fits"]
    kept = {maildesk.world.read(reports.raw, row.sha256) for row in maildesk.world.ledger()}
    assert kept == {fits, beyond[: taking.BEGINNING]}
    asked = [command for command in maildesk.proxy.commands if "BODY.PEEK[]" in command]
    assert all(command.endswith(".262144>)") or ".13569" in command or "<786432." in command for command in asked), (
        asked
    )


def test_a_size_that_the_server_only_guesses_is_not_believed(maildesk: MailDesk) -> None:
    whole = mail(1, text="x" * 70 + "\r\n" * 300_000)
    maildesk.server.put(whole)
    maildesk.proxy.rewrite = lambda piece: (
        piece.replace(str(len(whole)).encode() + b")", b"12)") if b"RFC822.SIZE" in piece else piece
    )
    maildesk.settle(maildesk.replica())
    (row,) = maildesk.world.ledger()
    assert maildesk.world.read(reports.raw, row.sha256) == whole


# Logins, silence, the canary ------------------------------------------------------------------------------------


def test_a_refused_login_alarms_at_once_and_pauses_after_three(maildesk: MailDesk) -> None:
    """CASES mail 5: an alarm within one poll, and no storm of tries."""
    watch = maildesk.replica(password="wrong")
    rest = watch.step()
    assert maildesk.world.alarm_kinds() == ["mailbox-login-refused"]
    assert rest.seconds == 60
    for _ in range(50):
        watch.step()
        maildesk.world.rehearsal.clock.advance(60)
    assert maildesk.proxy.connections == 3
    for _ in range(60):
        watch.step()
        maildesk.world.rehearsal.clock.advance(60)
    assert maildesk.proxy.connections in (4, 5)  # once an hour
    assert maildesk.world.alarm_kinds() == ["mailbox-login-refused"]
    assert "wrong" not in maildesk.world.everything_stored()


def test_new_credentials_end_a_pause_at_once(maildesk: MailDesk) -> None:
    maildesk.server.put(mail(1))
    wrong = maildesk.replica(password="wrong")
    for _ in range(4):
        wrong.step()
    wrong.leave()
    maildesk.settle(maildesk.replica())
    assert maildesk.subjects() == ["Guasto 1"]


def test_a_server_that_cannot_check_logins_now_is_no_refusal(maildesk: MailDesk) -> None:
    maildesk.server.put(mail(1))
    maildesk.proxy.faults = [Fault("LOGIN", times=5, do="answer", answer=b"TAG NO [UNAVAILABLE] later\r\n")]
    maildesk.settle(maildesk.replica())
    assert maildesk.subjects() == ["Guasto 1"]
    assert maildesk.world.alarms() == []


def test_a_mailbox_that_cannot_be_reached_alarms_once_after_ten_minutes(maildesk: MailDesk) -> None:
    maildesk.proxy.open = False
    watch = maildesk.replica()
    for _ in range(40):
        maildesk.world.rehearsal.clock.advance(watch.step().seconds)
    assert maildesk.world.alarm_kinds() == ["mailbox-unreachable"]
    assert maildesk.proxy.connections <= 40
    maildesk.proxy.open = True
    maildesk.server.put(mail(1))
    maildesk.settle(watch)
    assert maildesk.subjects() == ["Guasto 1"]


def test_a_mailbox_that_is_unusually_silent_alarms_once(maildesk: MailDesk) -> None:
    watch = maildesk.replica(silent=timedelta(hours=24))
    maildesk.server.put(mail(1))
    maildesk.settle(watch)
    for _ in range(30):
        maildesk.world.rehearsal.clock.advance(3600)
        watch.step()
    assert maildesk.world.alarm_kinds() == ["mailbox-silent"]
    maildesk.server.put(mail(2))
    maildesk.settle(watch)
    maildesk.world.rehearsal.clock.advance(60)
    watch.step()
    maildesk.world.rehearsal.clock.advance(25 * 3600)
    watch.step()
    assert maildesk.world.alarm_kinds() == ["mailbox-silent", "mailbox-silent"]


def test_the_canary_comes_home_and_is_no_ticket(maildesk: MailDesk) -> None:
    watch = maildesk.replica(canary=Canary(timedelta(hours=6), timedelta(minutes=15)))
    watch.step()
    (job,) = [one for one in maildesk.world.read(lambda c: list(_jobs(c))) if one.kind == "canary"]
    from gateway.imap import canary

    maildesk.server.put(canary.compose(job.state["address"], job.state["message_id"], maildesk.world.now))
    maildesk.settle(watch)
    maildesk.world.rehearsal.clock.advance(1800)
    maildesk.settle(watch)
    assert maildesk.world.outcomes() == [("refused", "canary")]
    assert (maildesk.world.tickets(), maildesk.world.alarms()) == ((), [])


def test_a_canary_that_does_not_come_home_alarms(maildesk: MailDesk) -> None:
    watch = maildesk.replica(canary=Canary(timedelta(hours=6), timedelta(minutes=15)))
    maildesk.settle(watch)
    maildesk.world.rehearsal.clock.advance(16 * 60)
    watch.step()
    watch.step()
    assert maildesk.world.alarm_kinds() == ["mailbox-canary"]


def test_nobody_else_can_have_a_report_passed_over_as_a_canary(maildesk: MailDesk) -> None:
    forged = mail(1).replace(
        b"<1@acme.example>", b"<canary.support.1795600000.0123456789abcdef0123456789abcdef@example.test>"
    )
    maildesk.server.put(forged)
    maildesk.settle(maildesk.replica())
    assert maildesk.subjects() == ["Guasto 1"]


def _jobs(connection: object) -> object:
    from gateway.store import jobs

    return jobs.every(connection)  # type: ignore[arg-type]


def test_older_mails_than_the_day_that_is_set_are_left_alone(maildesk: MailDesk) -> None:
    maildesk.server.put(mail("old"), at=utc("2026-10-31 23:59"))
    maildesk.server.put(mail("new"), at=utc("2026-11-01 00:01"))
    maildesk.settle(maildesk.replica(since=utc("2026-11-01 00:00").date()))
    assert maildesk.subjects() == ["Guasto new"]
    assert maildesk.server.flags()[101] == set()


def test_a_held_mail_that_is_released_has_its_providers_word_again(maildesk: MailDesk) -> None:
    """What is judged a second time is judged as it was at first: by the mailbox that it lay in."""
    maildesk.replica(authserv_id="mx.provider.example")
    raw = mail(1, headers=["Authentication-Results: mx.provider.example; dmarc=pass header.from=acme.example"])
    world = maildesk.world
    kept = Arrival("imap", "mailbox:support", None, (world.address,), raw, world.now)
    assert world.engine.take_mail(kept).who.verified  # type: ignore[union-attr]
    other = Arrival("smtp", "192.0.2.9", None, (world.address,), raw.replace(b"Guasto 1", b"Guasto 2"), world.now)
    assert not world.engine.take_mail(other).who.verified  # type: ignore[union-attr]


# What is forgotten ----------------------------------------------------------------------------------------------


def old_mailbox(maildesk: MailDesk, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Mails 101 to 106 were filed long ago, and 104 waits for its outcome; three UIDs at the end are looked at again."""
    monkeypatch.setattr(mailboxes, "WINDOW", 3)
    monkeypatch.setattr(watching, "WINDOW", 3)
    maildesk.server.put(*(mail(number) for number in range(6)))
    watch = maildesk.replica()
    maildesk.settle(watch)
    undone = sa.update(tables.mailbox_mails).where(tables.mailbox_mails.c.uid == 102).values(state="listed")
    maildesk.world.database.write(lambda c: c.execute(undone))
    maildesk.world.rehearsal.clock.advance(40 * 86_400)
    return watch


def forgets(maildesk: MailDesk) -> list[int]:
    """The day's job; the UIDs that are still known."""
    retention.forget_listed(maildesk.world.engine)
    return [uid for uid, *_ in maildesk.rows()]


def test_rows_of_mails_settled_long_ago_are_forgotten_and_none_is_listed_again(
    maildesk: MailDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what waits for its outcome, nor what is looked at again; and nothing at all before its time."""
    watch = old_mailbox(maildesk, monkeypatch)
    with monkeypatch.context() as early:
        early.setattr(retention, "LISTED_DAYS", 50)
        assert forgets(maildesk) == [101, 102, 103, 104, 105, 106]
    assert forgets(maildesk) == [102, 103, 104, 105, 106]
    maildesk.world.database.write(lambda c: c.execute(sa.update(tables.mailbox_mails).values(state="done")))
    assert forgets(maildesk) == [103, 104, 105, 106]
    known = len(maildesk.world.ledger())
    maildesk.settle(watch)
    maildesk.server.put(mail("new"))
    maildesk.settle(watch)
    assert len(maildesk.world.ledger()) == known + 1
    assert "Guasto new" in maildesk.subjects()
    for _ in range(3):  # a mailbox without mail for months: its highest UIDs stay, whatever their age
        maildesk.world.rehearsal.clock.advance(40 * 86_400)
        assert forgets(maildesk)[-1] == 107
        maildesk.settle(watch)
    assert len(maildesk.world.ledger()) == known + 1


def test_after_new_numbers_for_all_mails_the_forgotten_ones_are_duplicates(
    maildesk: MailDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = old_mailbox(maildesk, monkeypatch)
    maildesk.world.database.write(lambda c: c.execute(sa.update(tables.mailbox_mails).values(state="done")))
    forgets(maildesk)
    before = maildesk.subjects()
    watch.hang_up()
    maildesk.server.renumber()
    maildesk.settle(watch)
    assert maildesk.subjects() == before
    assert maildesk.world.outcomes()[6:] == [("duplicate", "same-delivery")] * 6
    maildesk.world.rehearsal.clock.advance(40 * 86_400)
    assert len(forgets(maildesk)) == 4  # of the old numbering nothing is left
    maildesk.settle(watch)
    assert maildesk.subjects() == before
