"""What is packed inside parts: winmail.dat, opaque S/MIME, PGP in the text, uuencoded files; whole, damaged and hostile."""

import base64
import struct
import time
import zlib

import pytest

import parsers
from parsers import cms, opened, tnef

HEAD = b"From: m@x.it\r\nTo: desk@y.it\r\nSubject: s\r\nMIME-Version: 1.0\r\n"


def mixed(*parts: bytes, head: bytes = HEAD) -> bytes:
    joined = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + joined + b"--b--\r\n"


def packed(content: bytes, kind: bytes, name: bytes) -> bytes:
    return (
        b"Content-Type: " + kind + b"; name=" + name + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(content).replace(b"\n", b"\r\n")
    )  # fmt: skip


# ---- TNEF ----------------------------------------------------------------------------------------------------------
def attribute(level: int, name: int, data: bytes, kind: int = 6) -> bytes:
    return struct.pack("<BHHI", level, name, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def text_property(name: int, text: str) -> bytes:
    raw = text.encode("utf-16-le") + b"\0\0"
    return struct.pack("<HHII", 0x1F, name, 1, len(raw)) + raw + b"\0" * (-len(raw) % 4)


def bytes_property(name: int, raw: bytes, kind: int = 0x102) -> bytes:
    return struct.pack("<HHII", kind, name, 1, len(raw)) + raw + b"\0" * (-len(raw) % 4)


def number_property(name: int, value: int) -> bytes:
    return struct.pack("<HHI", 0x3, name, value)


def properties(*several: bytes) -> bytes:
    return struct.pack("<I", len(several)) + b"".join(several)


def winmail(*attributes: bytes) -> bytes:
    return tnef.SIGNATURE + b"\x01\x00" + b"".join(attributes)


def attached(name: str, content: bytes) -> bytes:
    return (
        attribute(2, 0x9002, b"\0" * 14) + attribute(2, 0x8010, b"SHORT~1.TXT\0") + attribute(2, 0x800F, content)
        + attribute(2, 0x9005, properties(text_property(0x3707, name), text_property(0x370E, "text/csv")))
    )  # fmt: skip


PAGE = "<p>città</p>"
BOTH = winmail(
    attribute(1, 0x9007, struct.pack("<II", 1252, 0)),
    attribute(1, 0x9003, properties(number_property(0x3FDE, 65001), bytes_property(0x1013, PAGE.encode()), text_property(0x1000, "Il corpo: è qui"))),
    attached("relazione è.csv", b"a;b\r\n"),
    attached("due.csv", b"2"),
)  # fmt: skip


def test_the_files_and_the_body_of_a_winmail_dat_come_out() -> None:
    """CASES mail 26."""
    found = parsers.parse(HEAD + packed(BOTH, b"application/ms-tnef", b"winmail.dat"))
    assert [(one.filename, one.content_type, one.content, one.inside) for one in found.attachments[1:]] == [
        ("relazione è.csv", "text/csv", b"a;b\r\n", "winmail.dat"),
        ("due.csv", "text/csv", b"2", "winmail.dat"),
    ]
    assert found.attachments[0].filename == "winmail.dat"
    assert (found.text, found.html) == ("Il corpo: è qui", PAGE)
    assert found.reply_text == "Il corpo: è qui"


def test_a_readable_body_beside_a_winmail_dat_is_kept() -> None:
    """CASES mail 26."""
    found = parsers.parse(
        mixed(b"Content-Type: text/plain\r\n\r\nouter", packed(BOTH, b"application/octet-stream", b"WINMAIL.DAT"))
    )
    assert (found.text, found.html) == ("outer", None)
    assert [one.filename for one in found.attachments] == ["WINMAIL.DAT", "relazione è.csv", "due.csv"]


def test_a_rich_text_body_is_read_as_words() -> None:
    words = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\pard Caff\'e8 \u8364?10\par seconda {\*\x nascosto}riga}"
    raw = struct.pack("<II4sI", len(words) + 12, len(words), b"MELA", 0) + words
    mail = winmail(attribute(1, 0x9003, properties(bytes_property(0x1009, raw))))
    assert tnef.unpack(mail).text == "Caffè €10\nseconda riga"


def test_compressed_rich_text_is_unpacked_with_its_references() -> None:
    """The example of MS-OXRTFCP 3.1.2, repeated text written as one reference."""
    body = "03000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    raw = struct.pack("<II4sI", len(body) // 2 + 12, 43, b"LZFu", 0) + bytes.fromhex(body)
    mail = winmail(attribute(1, 0x9003, properties(bytes_property(0x1009, raw))))
    assert tnef.unpack(mail).text == "hello world"


def test_a_mail_inside_gives_its_files_too() -> None:
    message = b"\x07\x03\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46" + winmail(
        attached("dentro.csv", b"x")
    )
    outer = winmail(
        attribute(2, 0x9002, b"\0" * 14), attribute(2, 0x9005, properties(bytes_property(0x3701, message, 0xD)))
    )
    assert [(one.name, one.content) for one in tnef.unpack(outer).files] == [("dentro.csv", b"x")]


@pytest.mark.parametrize(
    "hostile",
    [
        winmail(attribute(1, 0x9003, struct.pack("<I", 0xFFFFFFFF))),
        winmail(attribute(1, 0x9003, struct.pack("<IHHI", 1, 0x1002, 0x1000, 0xFFFFFFFF))),
        winmail(attribute(1, 0x9003, struct.pack("<IHHI", 1, 0x101E, 0x1000, 0xFFFFFFFF) + b"\0" * 400_000)),
        winmail(struct.pack("<BHHI", 1, 0x800C, 6, 0xFFFFFFFF) + b"x"),
        winmail(attribute(2, 0x9002, b"") * 200_000),
        winmail(attribute(2, 0x9005, properties(text_property(0x3707, "a")))) * 3,
        tnef.SIGNATURE,
        BOTH[: len(BOTH) // 2],
    ],
)  # fmt: skip
def test_a_hostile_winmail_dat_costs_no_time_and_raises_nothing(hostile: bytes) -> None:
    started = time.process_time()
    found = parsers.parse(HEAD + packed(hostile, b"application/ms-tnef", b"winmail.dat"))
    assert time.process_time() - started < 1.0
    assert found.error is None
    assert found.attachments[0].content == hostile


def test_what_only_calls_itself_winmail_dat_stays_as_it_is() -> None:
    found = parsers.parse(
        mixed(b"Content-Type: text/plain\r\n\r\nhi", packed(b"PK\x03\x04", b"application/ms-tnef", b"winmail.dat"))
    )
    assert [one.content for one in found.attachments] == [b"PK\x03\x04"]


# ---- S/MIME --------------------------------------------------------------------------------------------------------
def der(tag: int, *content: bytes) -> bytes:
    body = b"".join(content)
    size = len(body)
    length = bytes((size,)) if size < 0x80 else b"\x84" + size.to_bytes(4, "big")
    return bytes((tag,)) + length + body


def endless(tag: int, *content: bytes) -> bytes:
    return bytes((tag, 0x80)) + b"".join(content) + b"\0\0"


SIGNED, ENVELOPED, DATA = (der(6, bytes.fromhex("2a864886f70d0107" + last)) for last in ("02", "03", "01"))
COMPRESSED = der(6, bytes.fromhex("2a864886f70d0109100109"))
ENTITY = (
    b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Type: text/plain\r\n\r\nfirmato\r\n"
    b"--i\r\nContent-Type: text/csv; name=a.csv\r\n\r\n1;2\r\n--i--\r\n"
)  # fmt: skip


def signed(content: bytes, wrap: object = der) -> bytes:
    inside = der(
        0x30, der(2, b"\1"), der(0x31, der(0x30, DATA)), der(0x30, DATA, der(0xA0, der(4, content))), der(0x31)
    )
    if wrap is endless:
        pieces = [der(4, content[i : i + 10]) for i in range(0, len(content), 10)]
        held = endless(0x30, DATA, endless(0xA0, endless(0x24, *pieces)))
        return endless(
            0x30, SIGNED, endless(0xA0, endless(0x30, der(2, b"\1"), endless(0x31, der(0x30, DATA)), held, der(0x31)))
        )
    return der(0x30, SIGNED, der(0xA0, inside))


ENCRYPTED = der(0x30, ENVELOPED, der(0xA0, der(0x30, der(2, b"\0"))))


@pytest.mark.parametrize("wrap", [der, endless], ids=["definite", "indefinite"])
def test_the_content_of_an_opaque_signed_mail_is_shown(wrap: object) -> None:
    """CASES mail 25."""
    found = parsers.parse(
        HEAD + packed(signed(ENTITY, wrap), b"application/pkcs7-mime; smime-type=signed-data", b"smime.p7m")
    )
    assert (found.text, found.reply_text, found.protection) == ("firmato", "firmato", "smime-signed")
    assert [(one.filename, one.inside) for one in found.attachments] == [("smime.p7m", None), ("a.csv", "smime.p7m")]


def test_an_encrypted_mail_is_told_and_still_a_message() -> None:
    """CASES mail 25."""
    found = parsers.parse(
        HEAD + packed(ENCRYPTED, b"application/x-pkcs7-mime; smime-type=enveloped-data", b"smime.p7m")
    )
    assert (found.text, found.protection, found.error) == (None, "smime-encrypted", None)
    assert parsers.as_json(found)["protection"] == "smime-encrypted"


def test_a_compressed_mail_is_read_and_a_bomb_is_bounded() -> None:
    content = der(4, zlib.compress(ENTITY))
    body = der(0x30, der(2, b"\0"), der(0x30, DATA), der(0x30, DATA, der(0xA0, content)))
    assert cms.unwrap(der(0x30, COMPRESSED, der(0xA0, body))) == cms.Envelope("compressed", ENTITY)


def test_a_signed_document_is_no_mail() -> None:
    """CAdES signed documents (.pdf.p7m) are what Italian offices attach."""
    part = packed(signed(b"%PDF-1.4"), b"application/pkcs7-mime", b"contratto.pdf.p7m")
    found = parsers.parse(mixed(b"Content-Type: text/plain\r\n\r\nin allegato", part))
    assert [one.filename for one in found.attachments] == ["contratto.pdf.p7m"]
    assert (found.text, found.protection) == ("in allegato", None)


def test_a_clear_signed_mail_is_told() -> None:
    found = parsers.parse(
        mixed(
            b"Content-Type: text/plain\r\n\r\nchiaro", packed(b"\x30\x80", b"application/pkcs7-signature", b"smime.p7s")
        )
    )
    assert (found.text, found.protection) == ("chiaro", "smime-signed")


@pytest.mark.parametrize("raw", [b"", b"\x30", b"\x30\x80" * 50_000, b"\x24\x80" * 50_000, b"\x30\x88" + b"\xff" * 9, ENCRYPTED[:12], signed(ENTITY)[:60]])  # fmt: skip
def test_damaged_envelopes_raise_nothing(raw: bytes) -> None:
    started = time.process_time()
    assert cms.unwrap(raw).content in (None, b"") or raw == signed(ENTITY)[:60]
    assert time.process_time() - started < 0.5


def test_envelopes_in_envelopes_end() -> None:
    raw = ENTITY
    for _ in range(30):
        raw = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(
            signed(raw)
        )
    assert len(parsers.parse(HEAD + raw).attachments) == opened.DEPTH + 1


# ---- PGP and uuencode in the text ----------------------------------------------------------------------------------
SIGNATURE = "-----BEGIN PGP SIGNATURE-----\nVersion: GnuPG v2\n\niQEcBAEB\n=AbCd\n-----END PGP SIGNATURE-----\n"


def plain(text: str) -> parsers.Message:
    return parsers.parse(HEAD + b"\r\n" + text.encode())


def test_an_inline_signed_text_is_read_without_its_armour() -> None:
    """CASES mail 25."""
    text = f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- -- inizio\nla stampante brucia\n{SIGNATURE}"
    found = plain(text)
    assert (found.text, found.reply_text, found.protection) == (text, "-- inizio\nla stampante brucia", "pgp-signed")


def test_an_encrypted_pgp_mail_is_told() -> None:
    """CASES mail 25."""
    assert (
        plain("-----BEGIN PGP MESSAGE-----\n\nhQEMA\n=AbCd\n-----END PGP MESSAGE-----\n").protection == "pgp-encrypted"
    )
    parts = (
        b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1",
        b"Content-Type: application/octet-stream\r\n\r\nx",
    )
    assert (
        parsers.parse(mixed(*parts).replace(b"multipart/mixed", b"multipart/encrypted")).protection == "pgp-encrypted"
    )


def test_a_uuencoded_file_is_taken_out_of_the_words_and_the_text_stays() -> None:
    text = "ecco il file\n\nbegin 644 x.txt\n#0V%T\n`\nend\n\na presto"
    found = plain(text)
    assert [(one.filename, one.content, one.inside) for one in found.attachments] == [("x.txt", b"Cat", "text")]
    assert found.text == text
    assert found.reply_text == "ecco il file\n\n\n\na presto"
    assert parsers.as_json(found)["attachments"] == []


def test_words_that_begin_something_are_no_file() -> None:
    assert plain("please\nbegin 100 times\nover and\nend").attachments == ()
