"""Certified mails (PEC) as a provider makes them: the envelope around a mail, and receipts. Written by us."""

from base64 import b64encode

from world import EDGE

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
MARIO, PROVIDER = "mario@acme.example", "pec.provider.example"
FACTS = (
    '<?xml version="1.0" encoding="UTF-8"?><postacert tipo="posta-certificata" errore="nessuno"><intestazione>'
    '<mittente>{sender}</mittente><destinatari tipo="certificato">support@example.test</destinatari>'
    "<oggetto>Sala server</oggetto></intestazione><dati><identificativo>opec9@pec.provider.example</identificativo>"
    "<msgid>&lt;{about}&gt;</msgid><consegna>gone@nowhere.example</consegna></dati></postacert>"
)
INSIDE = (
    "From: {sender}\r\nTo: support@example.test\r\nSubject: Sala server\r\nMessage-ID: <inner@acme.example>\r\nMIME-Version: 1.0\r\n"
    "{more}Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    "Il condizionatore della sala server è spento.\r\n--in\r\nContent-Type: image/png; name=foto.png\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\n{png}\r\n--in--\r\n"
)


def wrapped(
    *, sender: str = MARIO, named: str = "", envelope: str = f"posta-certificata@{PROVIDER}", proof: str = "pass",
    kind: str = "X-Trasporto: posta-certificata", id_: str = "opec9", about: str = "inner@acme.example", more: str = "",
) -> bytes:  # fmt: skip
    """A mail in a provider's envelope, or a provider's receipt."""
    host = envelope.rpartition("@")[2]
    receipt = "Ricevuta" in kind
    parts = [
        "Content-Type: text/plain\r\n\r\nIl giorno 25/11/2026 alle ore 10:00:00 il messaggio è stato inviato.",
        f"Content-Type: application/xml; name=daticert.xml\r\n\r\n{FACTS.format(sender=named or sender, about=about)}",
    ]
    if not receipt:
        inside = INSIDE.format(sender=sender, png=b64encode(PNG).decode(), more=more)
        parts.append(f"Content-Type: message/rfc822; name=postacert.eml\r\n\r\n{inside}")
    body = "".join(f"--m\r\n{part}\r\n" for part in parts)
    return (
        f"Authentication-Results: {EDGE}; dmarc={proof} header.from={host}\r\n"
        f'From: "Per conto di: {sender}" <{envelope}>\r\nReply-To: {sender}\r\nTo: support@example.test\r\n'
        f"Subject: POSTA CERTIFICATA: Sala server\r\n{kind}\r\nX-Riferimento-Message-ID: <{about}>\r\n"
        f"Message-ID: <{id_}@{PROVIDER}>\r\nDate: Wed, 25 Nov 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: multipart/mixed; boundary=m\r\n\r\n{body}--m--\r\n"
    ).encode()
