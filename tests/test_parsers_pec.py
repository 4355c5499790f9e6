"""Italian certified mail: the real mail inside the envelope, and receipts with the id of what they receipt."""

import pytest

import parsers

FACTS = """<?xml version="1.0" encoding="UTF-8"?>
<postacert tipo="{tipo}" errore="{errore}"><intestazione><mittente>mario@pec.acme.example</mittente>
<destinatari tipo="certificato">gone@pec.x.example</destinatari><risposte>mario@pec.acme.example</risposte>
<oggetto>Guasto &amp; disdetta</oggetto></intestazione><dati><gestore-emittente>Gestore S.p.A.</gestore-emittente>
<data zona="+0100"><giorno>16/11/2026</giorno><ora>15:04:05</ora></data><identificativo>opec1.1@pec.example.net</identificativo>
<msgid>&lt;abc@pec.acme.example&gt;</msgid>{consegna}</dati></postacert>"""
INNER = "From: Mario Rossi <mario@pec.acme.example>\r\nTo: desk@y.it\r\nSubject: Guasto\r\nMessage-ID: <abc@pec.acme.example>\r\n\r\nLa linea 2 è ferma.\r\n"


def envelope(subject: str, lines: str, *, facts: str | None = None, inner: str | None = INNER) -> bytes:
    parts = ["Content-Type: text/plain\r\n\r\nIl giorno 16/11/2026 il messaggio e' stato inviato."]
    if facts is not None:
        parts.append(f'Content-Type: application/xml; name="daticert.xml"\r\n\r\n{facts}')
    if inner is not None:
        parts.append(f'Content-Type: message/rfc822; name="postacert.eml"\r\n\r\n{inner}')
    body = "".join(f"--m\r\n{part}\r\n" for part in parts)
    return (
        f'From: "Per conto di: mario@pec.acme.example" <posta-certificata@pec.example.net>\r\nTo: desk@y.it\r\nSubject: {subject}\r\n{lines}'
        "Content-Type: multipart/signed; protocol=application/pkcs7-signature; boundary=s\r\n\r\n"
        f"--s\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n{body}--m--\r\n"
        "--s\r\nContent-Type: application/x-pkcs7-signature; name=smime.p7s\r\n\r\nx\r\n--s--\r\n"
    ).encode()


def facts(kind: str, error: str = "nessuno", delivered: str = "") -> str:
    return FACTS.format(tipo=kind, errore=error, consegna=delivered)


def test_the_real_sender_and_the_real_mail_are_inside_the_envelope() -> None:
    """Issue: the real sender and message inside the wrapper."""
    found = parsers.parse(
        envelope("POSTA CERTIFICATA: Guasto", "X-Trasporto: posta-certificata\r\n", facts=facts("posta-certificata"))
    )
    sealed = found.certified
    assert sealed is not None
    assert sealed.message is not None
    assert (sealed.kind, sealed.receipt, sealed.about, sealed.number) == (
        "transport",
        "",
        "abc@pec.acme.example",
        "opec1.1@pec.example.net",
    )
    assert (sealed.sender, sealed.subject) == ("mario@pec.acme.example", "Guasto & disdetta")
    assert [one.addr for one in sealed.message.froms] == ["mario@pec.acme.example"]
    assert (sealed.message.subject, sealed.message.reply_text) == ("Guasto", "La linea 2 è ferma.")
    assert (found.from_, found.suppress_auto_response, found.forwarded) == (
        parsers.Address("Per conto di: mario@pec.acme.example", "posta-certificata@pec.example.net"), False, None,
    )  # fmt: skip


def test_a_mail_from_outside_in_an_anomaly_envelope_is_no_certified_transport() -> None:
    found = parsers.parse(envelope("ANOMALIA MESSAGGIO: Guasto", "X-Trasporto: errore\r\n"))
    assert found.certified is not None
    assert found.certified.message is not None
    assert (found.certified.kind, found.certified.message.subject) == ("anomaly", "Guasto")


RECEIPTS = [
    ("accettazione", "ACCETTAZIONE: Guasto", False),
    ("non-accettazione", "AVVISO DI NON ACCETTAZIONE: Guasto", True),
    ("presa-in-carico", "PRESA IN CARICO: Guasto", False),
    ("avvenuta-consegna", "CONSEGNA: Guasto", False),
    ("errore-consegna", "AVVISO DI MANCATA CONSEGNA: Guasto", True),
    ("preavviso-errore-consegna", "AVVISO DI MANCATA CONSEGNA PER SUP. TEMPO MASSIMO: Guasto", True),
    ("rilevazione-virus", "PROBLEMA DI SICUREZZA: Guasto", True),
]


@pytest.mark.parametrize(("receipt", "subject", "failed"), RECEIPTS, ids=[row[0] for row in RECEIPTS])
def test_a_receipt_is_recognised_with_the_id_of_what_it_receipts(receipt: str, subject: str, failed: bool) -> None:
    """Issue: receipts recognised and attached to what they receipt, never tickets."""
    lines = f"X-Ricevuta: {receipt}\r\nX-Riferimento-Message-ID: <ours@desk.example>\r\n"
    found = parsers.parse(
        envelope(subject, lines, facts=facts(receipt, delivered="<consegna>gone@pec.x.example</consegna>"))
    )
    sealed = found.certified
    assert sealed is not None
    assert (sealed.kind, sealed.receipt, sealed.about, sealed.message) == (
        "receipt",
        receipt,
        "ours@desk.example",
        None,
    )
    assert (found.automatic, found.is_bounce, found.suppress_auto_response) == ("pec-receipt", failed, True)
    assert found.failed_recipients == (("gone@pec.x.example",) if failed else ())
    assert not found.is_auto_reply


def test_without_the_header_the_facts_name_the_mail() -> None:
    found = parsers.parse(
        envelope("CONSEGNA: Guasto", "X-Ricevuta: avvenuta-consegna\r\n", facts=facts("avvenuta-consegna"))
    )
    assert found.certified is not None
    assert found.certified.about == "abc@pec.acme.example"


@pytest.mark.parametrize("inner", [None, "", "\r\n", "From", "\x00" * 50])
def test_an_envelope_with_nothing_readable_inside_is_still_a_message(inner: str | None) -> None:
    found = parsers.parse(
        envelope("POSTA CERTIFICATA: x", "X-Trasporto: posta-certificata\r\n", facts="<oggetto>", inner=inner)
    )
    assert found.error is None
    assert found.certified is not None
    assert found.certified.kind == "transport"
    parsers.as_json(found)


def test_an_envelope_within_an_envelope_is_opened_once() -> None:
    inner = (
        envelope("POSTA CERTIFICATA: y", "X-Trasporto: posta-certificata\r\n")
        .decode()
        .replace("--s", "--t")
        .replace("--m", "--n")
    )
    inner = inner.replace("boundary=s", "boundary=t").replace("boundary=m", "boundary=n")
    found = parsers.parse(envelope("POSTA CERTIFICATA: x", "X-Trasporto: posta-certificata\r\n", inner=inner))
    assert found.certified is not None
    assert found.certified.message is not None
    assert found.certified.message.certified is None
