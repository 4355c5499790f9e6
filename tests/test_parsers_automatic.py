"""Bounces, delays, vacation notices, lists and the other mail that must never be answered; and people's mail, which must."""

from pathlib import Path

import pytest

import parsers

MAIL = Path(__file__).parent / "mail"


def samples(name: str) -> list[tuple[str, list[str], bytes]]:
    """The mails of a file in tests/mail: name, what is expected, the mail."""
    entries = (MAIL / name).read_text(encoding="utf-8").split("\n#### ")[1:]
    heads = [(entry.partition("\n")[0], entry.partition("\n")[2]) for entry in entries]
    return [
        (head.split(" -> ")[0], [one for one in head.partition(" -> ")[2].split(", ") if one], mail.encode())
        for head, mail in heads
    ]


def report(
    action: str,
    *recipients: str,
    status: str = "5.1.1",
    extra: str = "",
    kind: str = "delivery-status",
    words: str = "Sorry.",
) -> bytes:
    groups = "\r\n".join(
        f"Final-Recipient: rfc822; {one}\r\nAction: {action}\r\nStatus: {status}\r\n{extra}" for one in recipients
    )
    return (
        "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx.y.it>\r\nTo: desk@y.it\r\nSubject: Delivery report\r\n"
        f"Auto-Submitted: auto-replied\r\nContent-Type: multipart/report; report-type={kind}; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/plain\r\n\r\n{words}\r\n"
        f"--b\r\nContent-Type: message/{kind}\r\n\r\nReporting-MTA: dns; mx.y.it\r\n\r\n{groups}\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: desk@y.it\r\nTo: gone@x.it\r\nSubject: hi\r\n\r\nhi\r\n--b--\r\n"
    ).encode()


def plain(subject: str, body: str, sender: str = "Mail Delivery System <MAILER-DAEMON@mx.x.it>", *lines: str) -> bytes:
    head = [f"From: {sender}", "To: desk@y.it", f"Subject: {subject}", *lines]
    return ("\r\n".join(head) + "\r\n\r\n" + body.replace("\n", "\r\n")).encode()


COPY = "\n\n------ This is a copy of the message, including all the headers. ------\n\nReturn-path: <desk@y.it>\nFrom: desk@y.it\nTo: other@z.it\n\nhi"

# Name, mail, failed recipients, reason.
BOUNCES: list[tuple[str, bytes, tuple[str, ...], str]] = [
    ("rfc 3464 failed", report("failed", "gone@x.it"), ("gone@x.it",), "bounce"),
    ("rfc 3464 two", report("failed", "a@x.it", "b@x.it"), ("a@x.it", "b@x.it"), "bounce"),
    ("rfc 3464 delayed", report("delayed", "slow@x.it", status="4.4.1"), ("slow@x.it",), "delay"),
    ("the address it was written to", report("failed", "inner@z.it", extra="Original-Recipient: rfc822;outer@x.it\r\n"), ("outer@x.it",), "bounce"),
    ("brackets and comment", report("failed (bad)", "<gone@x.it>"), ("gone@x.it",), "bounce"),
    ("action in capitals", report("FAILED", "gone@x.it"), ("gone@x.it",), "bounce"),
    ("invented action", report("error", "gone@x.it"), ("gone@x.it",), "bounce"),
    ("no action, only status", report("", "gone@x.it"), ("gone@x.it",), "bounce"),
    ("internationalised", report("failed", "andò@x.it", kind="delivery-status"), ("andò@x.it",), "bounce"),
    ("one failed, one delivered", report("failed", "a@x.it").replace(b"\r\n--b\r\nContent-Type: message/rfc822", b"\r\nFinal-Recipient: rfc822; ok@x.it\r\nAction: delivered\r\nStatus: 2.0.0\r\n--b\r\nContent-Type: message/rfc822"), ("a@x.it",), "bounce"),
    ("exim", plain("Mail delivery failed: returning message to sender", "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  gone@x.it\n    SMTP error from remote mail server after RCPT TO:<gone@x.it>:\n    550 5.1.1 user unknown" + COPY, "Mail Delivery System <Mailer-Daemon@mx.x.it>", "X-Failed-Recipients: gone@x.it"), ("gone@x.it",), "bounce"),
    ("exim without its header", plain("Mail delivery failed: returning message to sender", "A message that you sent could not be delivered to one or more of its\nrecipients. The following address(es) failed:\n\n  gone@x.it\n    550 user unknown" + COPY), ("gone@x.it",), "bounce"),
    ("exim delay", plain("Warning: message 1abc-0001 delayed 24 hours", "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue.\n\nThe address to which the message has not yet been delivered is:\n\n  slow@x.it\n\nNo action is required on your part."), ("slow@x.it",), "delay"),
    ("qmail", plain("failure notice", "Hi. This is the qmail-send program at mx.x.it.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<gone@x.it>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <desk@y.it>\nTo: other@z.it\n\nhi"), ("gone@x.it",), "bounce"),
    ("postfix in plain text", plain("Undelivered Mail Returned to Sender", "This is the mail system at host mx.x.it.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.\n\n<gone@x.it>: host mx.z.it said: 550 5.1.1 User unknown (in reply to RCPT TO command)"), ("gone@x.it",), "bounce"),
    ("sendmail", plain("Returned mail: see transcript for details", "The original message was received at Mon, 16 Nov 2026\n\n   ----- The following addresses had permanent fatal errors -----\n<gone@x.it>\n    (reason: 550 5.1.1 User unknown)\n\n   ----- Transcript of session follows -----\n550 5.1.1 <gone@x.it>... User unknown"), ("gone@x.it",), "bounce"),
    ("exchange", plain("Undeliverable: hi", "Your message did not reach some or all of the intended recipients.\n\n      Subject: hi\n      Sent: 16/11/2026 15:04\n\nThe following recipient(s) could not be reached:\n\n      gone@x.it on 16/11/2026 15:04\n            The e-mail account does not exist at the organization.", "System Administrator <postmaster@x.it>"), ("gone@x.it",), "bounce"),
    ("office 365", plain("Undeliverable: hi", "Delivery has failed to these recipients or groups:\n\ngone@x.it (gone@x.it)\nThe email address you entered couldn't be found.", "Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@x.it>", "Return-Path: <>"), ("gone@x.it",), "bounce"),
    ("gmail", plain("Delivery Status Notification (Failure)", "Delivery to the following recipient failed permanently:\n\n     gone@x.it\n\nTechnical details of permanent failure:\nNo such user.\n\n----- Original message -----\n\nTo: other@z.it", "Mail Delivery Subsystem <mailer-daemon@googlemail.com>"), ("gone@x.it",), "bounce"),
    ("aol", plain("Mail Delivery Problem", "Your mail to the following recipients could not be delivered because they are not accepting mail:\n\tgone@aol.com\n", "<MAILER-DAEMON@aol.com>"), ("gone@aol.com",), "bounce"),
    ("yahoo", plain("Failure Notice", "Sorry, we were unable to deliver your message to the following address.\n\n<gone@yahoo.com>:\nThis user doesn't have an account.\n\n--- Below this line is a copy of the message.\n\nTo: other@z.it", "MAILER-DAEMON@yahoo.com"), ("gone@yahoo.com",), "bounce"),
    ("libero", plain("Mancata consegna del messaggio", "Non è stato possibile recapitare il messaggio al destinatario:\n\n<gone@libero.it>\n\n550 RCPT TO:<gone@libero.it> User unknown", "Mail Delivery System <mailer-daemon@libero.it>"), ("gone@libero.it",), "bounce"),
    ("german", plain("Unzustellbar: hallo", "Ihre Nachricht konnte nicht zugestellt werden:\n\ngone@x.de\n\n550 unbekannt", "Postmaster <postmaster@x.de>"), ("gone@x.de",), "bounce"),
    ("a gateway under its own name", plain("Undeliverable Mail", "Your message could not be delivered to:\n\ngone@x.it\n\nuser unknown", "Mail Gateway <gw@x.it>"), ("gone@x.it",), "bounce"),
    ("nobody in From", plain("Returned mail: User unknown", "Your message could not be delivered:\n\n<gone@x.it>:\nno such user", ""), ("gone@x.it",), "bounce"),
    ("empty return path, strange subject", plain("hi", "Hi. This is the qmail-send program at mx.x.it.\nI wasn't able to deliver your message.\n\n<gone@x.it>:\nno mailbox (#5.1.1)\n\n--- Below this line is a copy", "mail@x.it", "Return-Path: <>"), ("gone@x.it",), "bounce"),
    ("the recipients keep their capitals", plain("Mail delivery failed", "x", "Mailer-Daemon@x.it", "X-Failed-Recipients: Gone@x.it, Lost@x.it"), ("Gone@x.it", "Lost@x.it"), "bounce"),
    ("pec not delivered", plain("AVVISO DI MANCATA CONSEGNA: hi", "Avviso di mancata consegna", "posta-certificata@pec.x.it", "X-Ricevuta: errore-consegna"), (), "pec-receipt"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "raw", "failed", "reason"), BOUNCES, ids=[row[0] for row in BOUNCES])
def test_a_failure_or_delay_report_is_a_bounce_with_its_recipients(
    name: str, raw: bytes, failed: tuple[str, ...], reason: str
) -> None:
    found = parsers.parse(raw)
    assert (found.is_bounce, found.failed_recipients, found.automatic) == (True, failed, reason)
    assert found.suppress_auto_response
    assert not found.is_auto_reply


PERSON = "Mario Rossi <m@x.it>"
FORWARDED_DSN = report("failed", "gone@x.it").split(b"\r\n\r\n", 1)[1]

# Name, mail, is it a vacation responder, reason (None: a person's mail, to be answered).
OTHERS: list[tuple[str, bytes, bool, str | None]] = [
    ("a person", plain("the printer burns", "help", PERSON), False, None),
    ("a person who says no", plain("hi", "help", PERSON, "Auto-Submitted: no"), False, None),
    ("a person quoting a bounce", plain("Undeliverable: what does it mean?", "I got: 550 5.1.1 <a@z.it> user unknown, mail could not be delivered", PERSON), False, None),
    ("a person forwarding a bounce", plain("Fwd: failure notice", "see below\n\nHi. This is the qmail-send program\n\n<gone@x.it>:\nno mailbox", PERSON), False, None),
    ("a person attaching a bounce", b"From: m@x.it\r\nSubject: I: Returned mail\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + FORWARDED_DSN, False, None),
    ("a person on holiday soon", plain("Out of office next week: who covers?", "Can the printer be fixed before?", PERSON), False, None),
    ("a person about the responder", plain("Automatic reply: not working", "Our responder answers nobody.", PERSON), False, None),
    ("a person answering a responder", plain("Re: Automatic reply: hi", "I will be back too", PERSON), False, None),
    ("a person asking no receipts", plain("hi", "help", PERSON, "X-Auto-Response-Suppress: DR, RN, NRN"), False, None),
    ("a person, urgent", plain("hi", "help", PERSON, "Precedence: first-class", "X-Priority: 1"), False, None),
    ("a person with a bounce path", plain("hi", "help", PERSON, "Return-Path: <bounces+123-m=x.it@mail.x.it>"), False, None),
    ("a postmaster's helper name", plain("hi", "help", "Noreen Plyons <noreen.plyons@x.it>"), False, None),
    ("a postmaster who answers", plain("Re: mail could not be delivered", "We fixed it, the mailbox is full no more.", "Postmaster <hostmaster@x.it>", "In-Reply-To: <a@b>"), False, "no-reply"),
    ("certified mail", plain("POSTA CERTIFICATA: guasto", "Il giorno 16/11/2026...", '"Per conto di: m@pec.x.it" <posta-certificata@pec.aruba.it>', "X-Trasporto: posta-certificata"), False, None),
    ("vacation by header", plain("Re: hi", "I am away", PERSON, "Auto-Submitted: auto-replied (vacation)"), True, "auto-reply"),
    ("old header", plain("hi", "away", PERSON, "X-Autoreply: yes"), True, "auto-reply"),
    ("older header", plain("hi", "away", PERSON, "Precedence: auto_reply"), True, "auto-reply"),
    ("exchange", plain("Automatic reply: hi", "Back on Monday", PERSON, "Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All"), True, "auto-reply"),
    ("outlook without headers", plain("Out of Office AutoReply: hi", "I am out of the office until Monday with limited access to mail.", PERSON), True, "auto-reply"),
    ("italian", plain("Risposta automatica: ciao", "Sono in ferie fino a lunedì", PERSON), True, "auto-reply"),
    ("german", plain("Automatische Antwort: hallo", "Ich bin im Urlaub und ab Montag wieder erreichbar", PERSON), True, "auto-reply"),
    ("french", plain("Réponse automatique : bonjour", "Je suis absente du bureau, de retour lundi", PERSON), True, "auto-reply"),
    ("spanish", plain("Respuesta automática: hola", "Estoy fuera de la oficina", PERSON), True, "auto-reply"),
    ("null sender and subject", plain("Out of office: hi", "Back on Monday", PERSON, "Return-Path: <>"), True, "auto-reply"),
    ("success report", report("delivered", "m@x.it", status="2.0.0"), False, "receipt"),
    ("relay report", report("relayed", "m@x.it", status="2.0.0"), False, "receipt"),
    ("read receipt", report("x", "m@x.it", kind="disposition-notification"), False, "receipt"),
    ("feedback report", report("failed", "m@x.it", kind="feedback-report"), False, "report"),
    ("pec receipt", plain("CONSEGNA: guasto", "Ricevuta di avvenuta consegna", "posta-certificata@pec.x.it", "X-Ricevuta: avvenuta-consegna"), False, "pec-receipt"),
    ("list", plain("hi", "help", PERSON, "List-Id: <l.x.it>"), False, "list"),
    ("newsletter", plain("hi", "buy", PERSON, "List-Unsubscribe: <mailto:u@x.it>"), False, "list"),
    ("bulk", plain("hi", "buy", PERSON, "Precedence: bulk"), False, "bulk"),
    ("generated", plain("Backup done", "ok", PERSON, "Auto-Submitted: auto-generated"), False, "auto-generated"),
    ("null sender", plain("hi", "hello", PERSON, "Return-Path: <>"), False, "null-sender"),
    ("no-reply", plain("Your code", "1234", "Site <no-reply@x.it>"), False, "no-reply"),
    ("noreply with a tag", plain("Your code", "1234", "noreply+abc@x.it"), False, "no-reply"),
    ("donotreply", plain("Your code", "1234", "DoNotReply@x.it"), False, "no-reply"),
    ("daemon that tells something else", plain("Quota report for November", "You use 40% of your space.", "MAILER-DAEMON@x.it"), False, "no-reply"),
    ("asked not to", plain("hi", "help", PERSON, "X-Auto-Response-Suppress: OOF, AutoReply"), False, "asked-not-to"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "raw", "auto_reply", "reason"), OTHERS, ids=[row[0] for row in OTHERS])
def test_other_mail_is_no_bounce_and_is_answered_only_when_a_person_wrote_it(
    name: str, raw: bytes, auto_reply: bool, reason: str | None
) -> None:
    found = parsers.parse(raw)
    assert (found.is_bounce, found.failed_recipients) == (False, ())
    assert (found.is_auto_reply, found.automatic, found.suppress_auto_response) == (
        auto_reply,
        reason,
        reason is not None,
    )


@pytest.mark.parametrize(
    ("name", "failed", "raw"), samples("reports.txt"), ids=lambda row: row if isinstance(row, str) else ""
)
def test_the_report_of_any_mail_system_names_its_recipients(name: str, failed: list[str], raw: bytes) -> None:
    for mail in (raw, raw.replace(b"\n", b"\r\n")):
        found = parsers.parse(mail)
        assert (found.is_bounce, list(found.failed_recipients), found.is_auto_reply) == (True, failed, False)
        assert found.suppress_auto_response


@pytest.mark.parametrize(
    ("name", "holds", "raw"), samples("no_reports.txt"), ids=lambda row: row if isinstance(row, str) else ""
)
def test_what_looks_like_a_report_is_none(name: str, holds: list[str], raw: bytes) -> None:
    found = parsers.parse(raw)
    assert (found.is_bounce, found.failed_recipients) == (False, ())
    assert (found.is_auto_reply, found.suppress_auto_response) == ("auto-reply" in holds, "suppress" in holds)


def test_recipients_without_empty_lines_between_them_are_all_named() -> None:
    raw = report("failed", "a@x.it", "b@x.it").replace(b"5.1.1\r\n\r\nFinal", b"5.1.1\r\nFinal")
    assert parsers.parse(raw).failed_recipients == ("a@x.it", "b@x.it")
