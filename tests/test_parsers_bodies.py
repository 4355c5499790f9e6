"""Bodies, attachments, charsets and transfer encodings, whole and broken."""

import base64
import hashlib

import pytest

import parsers
from parsers import charset, encoded, transfer

CHARSETS: list[tuple[str | None, bytes, str]] = [
    ("us-ascii", b"plain", "plain"),
    (None, "città".encode(), "città"),
    (None, "città".encode("latin-1"), "città"),
    ("us-ascii", "città".encode(), "città"),
    ("us-ascii", b"citt\xe0", "città"),
    ("iso-8859-1", b"\x93citt\xe0\x94 10 \x80", "“città” 10 €"),
    ("ISO-8859-15", b"10 \xa4", "10 €"),
    ("windows-1252", b"a\x81b\x80", "a\x81b€"),
    ("utf-8", "città".encode("latin-1"), "città"),
    ("utf-8", "perché città così più".encode() + b"\xff", "perché città così più\ufffd"),
    ("utf8", "città".encode(), "città"),
    ('"utf-8', "città".encode(), "città"),
    ("utf-8; format=flowed", "città".encode(), "città"),
    ("gb2312", "中文镕".encode("gb18030"), "中文镕"),
    ("GBK", "中文".encode("gbk"), "中文"),
    ("big5", "中文".encode("big5"), "中文"),
    ("shift_jis", "①テスト".encode("cp932"), "①テスト"),
    ("x-sjis", "テスト".encode("cp932"), "テスト"),
    ("iso-2022-jp", "日本語".encode("iso2022_jp"), "日本語"),
    ("iso-2022-jp", b"\x1b$B-!\x1b(B x", "① x"),  # a NEC character that the standard codec refuses
    ("euc-jp", "日本語".encode("euc_jp"), "日本語"),
    ("ks_c_5601-1987", "한국어".encode("cp949"), "한국어"),
    ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
    ("windows-1251", "Привет".encode("cp1251"), "Привет"),
    ("cp-1251", "Привет".encode("cp1251"), "Привет"),
    ("utf-7", b"Hi Mom +Jjo-!", "Hi Mom ☺!"),
    ("unicode-1-1-utf-7", b"+AOg-", "è"),
    ("utf-16", "città".encode("utf-16"), "città"),
    ("utf-16le", "città".encode("utf-16-le"), "città"),
    ("macintosh", "città".encode("mac_roman"), "città"),
    ("iso-8859-8-i", "שלום".encode("iso8859-8"), "שלום"),
    ("windows-874", "ไทย".encode("cp874"), "ไทย"),
    ("x-unknown", "città".encode(), "città"),
    ("unknown-8bit", b"citt\xe0", "città"),
    ("idna", b"xn--a", "xn--a"),
    ("base64", b"aGVsbG8=", "aGVsbG8="),  # codecs that are no charsets
    ("rot13", b"hello", "hello"),
    ("unicode_escape", rb"\u0041", r"\u0041"),
    (None, "Привет, коллеги! Сервер не отвечает".encode("koi8-r"), "Привет, коллеги! Сервер не отвечает"),
    (None, "Привет, коллеги! Сервер не отвечает".encode("cp1251"), "Привет, коллеги! Сервер не отвечает"),
    (None, "サーバーがこたえません。おねがいします".encode("cp932"), "サーバーがこたえません。おねがいします"),
    (None, "サーバーがこたえません。おねがいします".encode("euc_jp"), "サーバーがこたえません。おねがいします"),
    ("utf-7", b"+2AA-", "\ufffd"),  # a lone surrogate can't be stored
    (None, b"a\x00b", "a\ufffdb"),
]


@pytest.mark.parametrize(("label", "raw", "expected"), CHARSETS)
def test_bytes_become_the_text_they_were(label: str | None, raw: bytes, expected: str) -> None:
    assert charset.decode(raw, label) == expected


TRANSFERS: list[tuple[str, bytes, bytes]] = [
    ("base64", b"aGVsbG8=", b"hello"),
    ("BASE64", b"aGVs\r\nbG8=\r\n", b"hello"),
    ("base64", b"aGVsbG8", b"hello"),
    ("base64", b"aGVsbG8==", b"hello"),
    ("base64", b"aGVsbG8=aGVsbG8=", b"hellohello"),
    ("base64", b"aGVsb-!G8=", b"hello"),
    ("base64", b"aGVsbG8=\r\n______\r\nA list footer\r\n", b"hello"),
    ("base64", b"aGVsbG8hX", b"hello!"),
    ("base64", b"This is not base64 at all", b"This is not base64 at all"),
    ("base64", b"", b""),
    ("base64 (really)", b"aGVsbG8=", b"hello"),
    ("quoted-printable", b"a=3Db=\r\nc", b"a=bc"),
    ("quoted-printable", b"citt=E0 =ZZ =", b"citt\xe0 =ZZ "),
    ("quoted-printable", b"a= \r\nb", b"ab"),
    ("quoted-printable", b"a=3db", b"a=b"),
    ("x-uuencode", b"begin 644 a.txt\n%:&5L;&\\\n`\nend\n", b"hello"),
    ("uuencode", b"begin 644 a.txt\n\xff\xfe\n`\nend\n", b""),
    ("7bit", b"as =3D is", b"as =3D is"),
    ("nonsense", b"as is", b"as is"),
]


@pytest.mark.parametrize(("name", "raw", "expected"), TRANSFERS)
def test_transfer_encodings_are_undone_even_when_broken(name: str, raw: bytes, expected: bytes) -> None:
    assert transfer.decode(raw, name) == expected


FILENAMES = [
    ('attachment; filename="a.pdf"', "a.pdf"),
    ("attachment; filename=a.pdf", "a.pdf"),
    ("attachment; filename=a b.pdf; size=3", "a b.pdf"),
    ("attachment filename=a.pdf", "a.pdf"),
    ('attachment; filename="a;b.pdf"', "a;b.pdf"),
    ('attachment; filename="a \\"b\\".pdf"', 'a "b".pdf'),
    ('attachment; filename="C:\\temp\\new.pdf"', "C:\\temp\\new.pdf"),
    ("attachment; filename*=utf-8''citt%C3%A0.pdf", "città.pdf"),
    ("attachment; filename*=UTF-8'it'citt%C3%A0.pdf; filename=\"citta.pdf\"", "città.pdf"),
    ("attachment; filename*=iso-8859-1''citt%E0.pdf", "città.pdf"),
    ('attachment; filename*0="lun"; filename*1="go.pdf"', "lungo.pdf"),
    ('attachment; filename*1="go.pdf"; filename*0="lun"', "lungo.pdf"),
    ("attachment; filename*0*=utf-8''citt%C3; filename*1*=%A0; filename*2=.pdf", "città.pdf"),
    ("attachment; filename*=a.pdf", "a.pdf"),
    ("attachment; filename=\"utf-8''citt%C3%A0.pdf\"", "città.pdf"),
    ('attachment; filename="=?utf-8?Q?citt=C3=A0.pdf?="', "città.pdf"),
    ("attachment; filename==?utf-8?Q?citt=C3=A0.pdf?=", "città.pdf"),
    ('attachment; filename*0="=?utf-8?Q?ci"; filename*1="tt=C3=A0.pdf?="', "città.pdf"),
    ('attachment; filename="a.pdf', "a.pdf"),
    ('attachment; filename=""', None),
    ("attachment", None),
    ("attachment; filename*=x-nonsense''a%20b.pdf", "a b.pdf"),
    ('attachment; filename="../../etc/passwd"', "../../etc/passwd"),
    ('attachment; filename="città.pdf"', "città.pdf"),
]


@pytest.mark.parametrize(("value", "expected"), FILENAMES)
def test_a_file_keeps_the_name_it_was_sent_with(value: str, expected: str | None) -> None:
    raw = f"From: m@x.it\r\nContent-Type: application/pdf\r\nContent-Disposition: {value}\r\n\r\nx".encode()
    assert [one.filename for one in parsers.parse(raw).attachments] == [expected]


def test_a_type_without_its_first_word_or_semicolon_is_still_read() -> None:
    assert encoded.parameters("text/html charset=utf-8") == ("text/html", {"charset": "utf-8"})
    assert encoded.parameters("charset=utf-8") == ("", {"charset": "utf-8"})
    assert encoded.parameters("") == ("", {})


def build(
    *parts: bytes, kind: str = "mixed", boundary: str = "b", head: str = "From: m@x.it\r\nTo: d@y.it\r\n"
) -> bytes:
    top = f'{head}Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\npreamble\r\n'.encode()
    return (
        top
        + b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
        + f"--{boundary}--\r\n".encode()
    )


TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nthe text"
HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>the page</p>"
FILE = b'Content-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment; filename="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8='
LOGO = b"Content-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8="
NESTED = build(TEXT, HTML, kind="alternative", boundary="inner", head="")


def summary(raw: bytes) -> tuple[str | None, str | None, list[tuple[str | None, str, bool]]]:
    found = parsers.parse(raw)
    return found.text, found.html, [(one.filename, one.content_type, one.inline) for one in found.attachments]


STRUCTURES: list[tuple[str, bytes, tuple[object, ...]]] = [
    ("text and file", build(TEXT, FILE), ("the text", None, [("a.pdf", "application/pdf", False)])),
    ("alternative", build(TEXT, HTML, kind="alternative"), ("the text", "<p>the page</p>", [])),
    (
        "alternative inside mixed",
        build(NESTED, FILE),
        ("the text", "<p>the page</p>", [("a.pdf", "application/pdf", False)]),
    ),
    ("related picture", build(HTML, LOGO, kind="related"), (None, "<p>the page</p>", [(None, "image/png", True)])),
    (
        "text in two pieces around a picture",
        build(TEXT, LOGO, TEXT),
        ("the text\nthe text", None, [(None, "image/png", True)]),
    ),
    (
        "named text is a file",
        build(TEXT, b'Content-Type: text/plain; name="log.txt"\r\n\r\nlines'),
        ("the text", None, [("log.txt", "text/plain", False)]),
    ),
    (
        "attached text is a file",
        build(TEXT, b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nlines"),
        ("the text", None, [(None, "text/plain", False)]),
    ),
    (
        "calendar in an alternative",
        build(TEXT, b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR", kind="alternative"),
        ("the text", None, [(None, "text/calendar", False)]),
    ),
    (
        "whole message",
        build(TEXT, b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhi"),
        ("the text", None, [(None, "message/rfc822", False)]),
    ),
    ("digest", build(b"\r\nSubject: inner\r\n\r\nhi", kind="digest"), (None, None, [(None, "message/rfc822", False)])),
    (
        "signed",
        build(TEXT, b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nxx", kind="signed"),
        ("the text", None, [("smime.p7s", "application/pkcs7-signature", False)]),
    ),
    (
        "encrypted",
        build(
            b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1",
            b"Content-Type: application/octet-stream\r\n\r\nxx",
            kind="encrypted",
        ),
        (None, None, [(None, "application/pgp-encrypted", False), (None, "application/octet-stream", False)]),
    ),
    (
        "winmail.dat",
        build(TEXT, b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nxx"),
        ("the text", None, [("winmail.dat", "application/ms-tnef", False)]),
    ),
    (
        "opaque p7m",
        b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\r\n\r\nxx',
        (None, None, [("smime.p7m", "application/pkcs7-mime", False)]),
    ),
    ("no type", b"From: m@x.it\r\n\r\nhello", ("hello", None, [])),
    ("nonsense type", b"Content-Type: ???\r\n\r\nhello", ("hello", None, [])),
    ("half a type", b"Content-Type: text\r\n\r\nhello", ("hello", None, [])),
    ("no header at all", b"\r\n\r\nhello", ("hello", None, [])),
    ("multipart without parts", b"Content-Type: multipart/mixed; boundary=x\r\n\r\nhello", ("hello", None, [])),
    (
        "multipart without boundary",
        b"Content-Type: multipart/mixed\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n",
        ("hello", None, []),
    ),
    (
        "another boundary than announced",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n",
        ("hello", None, []),
    ),
    ("never closed", build(TEXT, FILE)[:-8], ("the text", None, [("a.pdf", "application/pdf", False)])),
    (
        "inner never closed",
        build(NESTED.removesuffix(b"\r\n--inner--\r\n"), FILE),
        ("the text", "<p>the page</p>", [("a.pdf", "application/pdf", False)]),
    ),
    ("part without a blank line", build(b"Content-Type: text/plain", TEXT), ("\nthe text", None, [])),
    (
        "spaces after the boundary",
        build(TEXT, FILE).replace(b"--b\r\n", b"--b  \r\n"),
        ("the text", None, [("a.pdf", "application/pdf", False)]),
    ),
    ("LF only", build(TEXT, FILE).replace(b"\r\n", b"\n"), ("the text", None, [("a.pdf", "application/pdf", False)])),
    (
        "boundary that begins like another",
        build(build(TEXT, boundary="b2", head=""), FILE),
        ("the text", None, [("a.pdf", "application/pdf", False)]),
    ),
    (
        "attached text of a mail without text",
        b"Content-Disposition: attachment; filename=x.bin\r\n\r\nhello",
        (None, None, [("x.bin", "application/octet-stream", False)]),
    ),
    (
        "HTML with its own label",
        b"Content-Type: text/html\r\n\r\n<meta charset=koi8-r>\xf0\xd2",
        (None, "<meta charset=koi8-r>Пр", []),
    ),
]


@pytest.mark.parametrize(("name", "raw", "expected"), STRUCTURES, ids=[row[0] for row in STRUCTURES])
def test_body_and_attachments_are_told_apart(name: str, raw: bytes, expected: tuple[object, ...]) -> None:
    assert summary(raw) == expected


def test_an_attachment_has_the_exact_bytes_of_its_content() -> None:
    binary = bytes(range(256))
    part = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(
        binary
    )
    found = parsers.parse(build(TEXT, part)).attachments[0]
    assert (found.content, found.size, found.sha256) == (binary, 256, hashlib.sha256(binary).hexdigest())


def test_an_enclosed_message_keeps_its_bytes_without_the_line_break_of_the_boundary() -> None:
    inner = b"Subject: inner\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n\r\nhi\r\n--z--"
    found = parsers.parse(build(TEXT, b"Content-Type: message/rfc822\r\n\r\n" + inner)).attachments[0]
    assert found.content == inner


def test_line_ends_of_a_text_become_lf() -> None:
    assert parsers.parse(b"From: m@x.it\r\n\r\none\r\ntwo\rthree\nfour").text == "one\ntwo\nthree\nfour"


def test_the_json_has_exactly_the_promised_keys_and_types() -> None:
    out = parsers.as_json(parsers.parse(build(TEXT, FILE)))
    assert list(out) == [
        "from", "to", "cc", "subject", "message_id", "in_reply_to", "references", "text", "html", "attachments", "reply_text",
        "reply_with_signature", "is_bounce", "failed_recipients", "is_auto_reply", "suppress_auto_response",
    ]  # fmt: skip
    assert out["attachments"] == [
        {
            "filename": "a.pdf",
            "content_type": "application/pdf",
            "size": 5,
            "sha256": hashlib.sha256(b"hello").hexdigest(),
            "inline": False,
        }
    ]
    assert "error" in parsers.as_json(parsers.parse(b""))
