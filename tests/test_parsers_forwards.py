"""Forwarded mail: the original sender is offered with the evidence, and nobody is offered where nobody was passed on."""

import pytest

import parsers

BEA = parsers.Address("Bea Verdi", "bea@z.example")


def mail(subject: str, body: str, kind: str = "text/plain; charset=utf-8") -> bytes:
    return f"From: Mario <m@x.it>\r\nTo: desk@y.it\r\nSubject: {subject}\r\nContent-Type: {kind}\r\n\r\n{body}".encode()


INLINE = [
    ("gmail en", "Fwd: guasto", "---------- Forwarded message ---------\nFrom: Bea Verdi <bea@z.example>\nDate: Mon, Nov 16, 2026 at 3:04 PM\nSubject: guasto\nTo: <m@x.it>\n\nbrucia"),
    ("gmail it", "Fwd: guasto", "---------- Messaggio inoltrato ---------\nDa: Bea Verdi <bea@z.example>\nDate: lun 16 nov 2026 alle ore 15:04\nSubject: guasto\nTo: <m@x.it>\n\nbrucia"),
    ("gmail de", "Fwd: guasto", "---------- Weitergeleitete Nachricht ---------\nVon: Bea Verdi <bea@z.example>\nDatum: Mo., 16. Nov. 2026 um 15:04 Uhr\nBetreff: guasto\nAn: <m@x.it>\n\nbrennt"),
    ("gmail fr", "Fwd: guasto", "---------- Message transféré ---------\nDe : Bea Verdi <bea@z.example>\nDate : lun. 16 nov. 2026 à 15:04\nSujet : guasto\nTo: <m@x.it>\n\nbrûle"),
    ("gmail es", "Fwd: guasto", "---------- Mensaje reenviado ---------\nDe: Bea Verdi <bea@z.example>\nFecha: lun, 16 nov 2026 a las 15:04\nAsunto: guasto\nPara: <m@x.it>\n\narde"),
    ("gmail pt", "Fwd: guasto", "---------- Mensagem encaminhada ---------\nDe: Bea Verdi <bea@z.example>\nData: seg., 16 de nov. de 2026 às 15:04\nAssunto: guasto\nPara: <m@x.it>\n\narde"),
    ("apple it", "I: guasto", "Vedi sotto.\n\nInizio messaggio inoltrato:\n\nDa: Bea Verdi <bea@z.example>\nOggetto: guasto\nData: 16 novembre 2026 15:04:05 CET\nA: m@x.it\n\nbrucia"),
    ("apple en, quoted", "Fwd: guasto", "FYI\n\nBegin forwarded message:\n\n> From: Bea Verdi <bea@z.example>\n> Subject: guasto\n> Date: 16 November 2026 at 15:04:05 CET\n> To: m@x.it\n> \n> burns"),
    ("outlook it", "I: guasto", "Per voi.\n\nDa: Bea Verdi <bea@z.example>\nInviato: lunedì 16 novembre 2026 15:04\nA: Mario <m@x.it>\nOggetto: guasto\n\nbrucia"),
    ("outlook de", "WG: guasto", "Von: Bea Verdi [mailto:bea@z.example]\nGesendet: Montag, 16. November 2026 15:04\nAn: Mario\nBetreff: guasto\n\nbrennt"),
    ("outlook fr", "TR: guasto", "De : Bea Verdi <bea@z.example>\nEnvoyé : lundi 16 novembre 2026 15:04\nÀ : Mario\nObjet : guasto\n\nbrûle"),
    ("outlook es", "RV: guasto", "De: Bea Verdi <bea@z.example>\nEnviado el: lunes, 16 de noviembre de 2026 15:04\nPara: Mario\nAsunto: guasto\n\narde"),
    ("outlook pt", "ENC: guasto", "De: Bea Verdi <bea@z.example>\nEnviada em: segunda-feira, 16 de novembro de 2026 15:04\nPara: Mario\nAssunto: guasto\n\narde"),
    ("linked twice", "FW: guasto", "From: Bea Verdi <bea@z.example<mailto:bea@z.example>>\nSent: Monday, November 16, 2026 3:04 PM\nTo: Mario\nSubject: guasto\n\nburns"),
    ("thunderbird", "Fwd: guasto", "-------- Messaggio Inoltrato --------\nOggetto: 	guasto\nData: 	Mon, 16 Nov 2026 15:04:05 +0100\nMittente: 	Bea Verdi <bea@z.example>\nA: 	m@x.it\n\nbrucia"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "subject", "body"), INLINE, ids=[row[0] for row in INLINE])
def test_the_sender_of_an_inline_forward_is_offered(name: str, subject: str, body: str) -> None:
    found = parsers.parse(mail(subject, body)).forwarded
    assert found is not None
    assert (found.sender, found.subject) == (BEA, "guasto")
    assert found.evidence.strip()
    assert found.evidence in body.replace("\t", " ")


def test_the_sender_of_an_attached_mail_is_offered() -> None:
    body = "--b\r\nContent-Type: text/plain\r\n\r\nvedi\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: Bea Verdi <bea@z.example>\r\nSubject: =?utf-8?Q?citt=C3=A0?=\r\n\r\nbrucia\r\n--b--\r\n"
    found = parsers.parse(mail("vari guasti", body, "multipart/mixed; boundary=b"))
    assert found.forwarded == parsers.Forwarded(BEA, "città", "attached mail, From: Bea Verdi <bea@z.example>")
    assert parsers.as_json(found)["forwarded"] == {
        "sender": {"name": "Bea Verdi", "addr": "bea@z.example"}, "subject": "città",
        "evidence": "attached mail, From: Bea Verdi <bea@z.example>",
    }  # fmt: skip


def test_a_forward_in_html_alone_is_read_too() -> None:
    page = '<div>per voi</div><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>From: <b>Bea Verdi</b> &lt;bea@z.example&gt;<br>Date: Mon, Nov 16, 2026 at 3:04 PM<br>Subject: guasto<br>To: m@x.it</div>brucia</div>'
    found = parsers.parse(mail("Fwd: guasto", page, "text/html")).forwarded
    assert found is not None
    assert found.sender == BEA


NOBODY = [
    ("a reply", "R: guasto", "ok\n\nDa: Bea Verdi <bea@z.example>\nInviato: lunedì 16 novembre 2026 15:04\nA: Mario <m@x.it>\nOggetto: guasto\n\nbrucia"),
    ("a name only", "Fwd: guasto", "---------- Forwarded message ---------\nFrom: Bea\nDate: Mon, Nov 16, 2026 at 3:04 PM\nSubject: x\n\nx"),
    ("a form", "I: modulo", "Da: interno 204\nA: reception\nOggetto: stampante"),
    ("words", "Fwd: x", "he forwarded it, From: nobody"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "subject", "body"), NOBODY, ids=[row[0] for row in NOBODY])
def test_nobody_is_offered_without_an_address_that_was_passed_on(name: str, subject: str, body: str) -> None:
    assert parsers.parse(mail(subject, body)).forwarded is None


def test_two_attached_mails_or_a_report_offer_nobody() -> None:
    one = "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: Bea <bea@z.example>\r\n\r\nx\r\n"
    assert parsers.parse(mail("x", one + one + "--b--\r\n", "multipart/mixed; boundary=b")).forwarded is None
    status = "--b\r\nContent-Type: message/delivery-status\r\n\r\nA: b\r\n\r\nFinal-Recipient: rfc822; a@b.c\r\nAction: failed\r\n"
    report = mail("x", status + one + "--b--\r\n", "multipart/report; report-type=delivery-status; boundary=b")
    assert parsers.parse(report).forwarded is None
