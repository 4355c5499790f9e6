"""The shapes of mail, one row each: parts and boundaries, file names, charsets, encoded words, addresses, ids."""

import base64
from collections.abc import Callable

import pytest

import parsers

ROWS: list[tuple[str, Callable[[], object], object]] = []


def eq(name: str, got: Callable[[], object], want: object) -> None:
    ROWS.append((name, got, want))


def p(raw: bytes | str) -> parsers.Message:
    return parsers.parse(raw if isinstance(raw, bytes) else raw.encode())


def text(name: str, raw: bytes | str, want: str | None) -> None:
    eq(name, lambda: None if p(raw).text is None else (p(raw).text or "").rstrip("\n"), want)


def atts(name: str, raw: bytes | str, want: list[tuple[str | None, str, bytes]]) -> None:
    eq(name, lambda: [(a.filename, a.content_type, a.content) for a in p(raw).attachments], want)


def names(name: str, raw: bytes | str, want: list[str | None]) -> None:
    eq(name, lambda: [a.filename for a in p(raw).attachments], want)


H = "From: a@b.example\nTo: c@d.example\nSubject: s\nMIME-Version: 1.0\n"


def mp(*parts: str, kind: str = "mixed", b: str = "B", head: str = H, close: bool = True) -> str:
    return (
        head
        + f'Content-Type: multipart/{kind}; boundary="{b}"\n\n'
        + "".join(f"--{b}\n{x}\n" for x in parts)
        + (f"--{b}--\n" if close else "")
    )


T = "Content-Type: text/plain\n\nhello"
A = 'Content-Type: application/pdf; name="a.pdf"\nContent-Disposition: attachment; filename="a.pdf"\nContent-Transfer-Encoding: base64\n\naGVsbG8='
atts("plain att", mp(T, A), [("a.pdf", "application/pdf", b"hello")])
text(
    "preamble", H + "Content-Type: multipart/mixed; boundary=B\n\npreamble\n--B\n" + T + "\n--B--\nepilogue\n", "hello"
)
text("no close", mp(T, A, close=False), "hello")
atts("no close att", mp(T, A, close=False), [("a.pdf", "application/pdf", b"hello")])
text(
    "boundary with spaces trailing",
    H + "Content-Type: multipart/mixed; boundary=B\n\n--B  \n" + T + "\n--B--  \n",
    "hello",
)
text("boundary missing param", H + "Content-Type: multipart/mixed\n\n--XX\n" + T + "\n--XX--\n", "hello")
text("boundary wrong param", H + "Content-Type: multipart/mixed; boundary=YY\n\n--XX\n" + T + "\n--XX--\n", "hello")
text(
    "nested same prefix boundary",
    H
    + "Content-Type: multipart/mixed; boundary=foo\n\n--foo\nContent-Type: multipart/alternative; boundary=foo-bar\n\n--foo-bar\n"
    + T
    + "\n--foo-bar\nContent-Type: text/html\n\n<p>x</p>\n--foo-bar--\n--foo\n"
    + A
    + "\n--foo--\n",
    "hello",
)
atts(
    "nested same prefix boundary att",
    H
    + "Content-Type: multipart/mixed; boundary=foo\n\n--foo\nContent-Type: multipart/alternative; boundary=foo-bar\n\n--foo-bar\n"
    + T
    + "\n--foo-bar\nContent-Type: text/html\n\n<p>x</p>\n--foo-bar--\n--foo\n"
    + A
    + "\n--foo--\n",
    [("a.pdf", "application/pdf", b"hello")],
)
text(
    "boundary missing param inside",
    mp("Content-Type: multipart/alternative\n\n--C\n" + T + "\n--C\nContent-Type: text/html\n\n<p>x</p>\n--C--", A),
    "hello",
)
text("two texts", mp(T, "Content-Type: text/plain\n\nworld"), "hello\nworld")
text("text att between", mp(T, A, "Content-Type: text/plain\n\nfooter"), "hello\nfooter")
text(
    "text attachment disp",
    mp(T, "Content-Type: text/plain; name=x.txt\nContent-Disposition: attachment; filename=x.txt\n\nworld"),
    "hello",
)
names(
    "text inline named",
    mp(T, "Content-Type: text/plain; name=x.txt\nContent-Disposition: inline; filename=x.txt\n\nworld"),
    ["x.txt"],
)
text("no content type part", mp("\nhello", A), "hello")
text("empty header part no blank", H + "Content-Type: multipart/mixed; boundary=B\n\n--B\n\nhello\n--B--\n", "hello")
names(
    "rfc2231",
    mp(
        T, "Content-Type: application/pdf\nContent-Disposition: attachment; filename*=utf-8''na%C3%AFve%20file.pdf\n\nx"
    ),
    ["naïve file.pdf"],
)
names(
    "rfc2231 cont",
    mp(
        T,
        "Content-Type: application/pdf\nContent-Disposition: attachment;\n filename*0*=utf-8''na%C3%AF;\n filename*1*=ve%20;\n filename*2=file.pdf\n\nx",
    ),
    ["naïve file.pdf"],
)
names(
    "rfc2231 cont no star charset",
    mp(
        T,
        'Content-Type: application/pdf\nContent-Disposition: attachment;\n filename*0="long ";\n filename*1="name.pdf"\n\nx',
    ),
    ["long name.pdf"],
)
names(
    "rfc2231 split multibyte",
    mp(
        T,
        "Content-Type: application/pdf\nContent-Disposition: attachment;\n filename*0*=utf-8''a%C3;\n filename*1*=%A8.pdf\n\nx",
    ),
    ["aè.pdf"],
)
names(
    "rfc2231 out of order",
    mp(T, "Content-Type: application/pdf\nContent-Disposition: attachment;\n filename*1=b.pdf;\n filename*0=a\n\nx"),
    ["ab.pdf"],
)
names(
    "rfc2231 quoted value",
    mp(T, "Content-Type: application/pdf\nContent-Disposition: attachment; filename*=\"utf-8''a%20b.pdf\"\n\nx"),
    ["a b.pdf"],
)
names(
    "rfc2231 no charset",
    mp(T, "Content-Type: application/pdf\nContent-Disposition: attachment; filename*=''a%20b.pdf\n\nx"),
    ["a b.pdf"],
)
names(
    "rfc2231 latin1",
    mp(T, "Content-Type: application/pdf\nContent-Disposition: attachment; filename*=ISO-8859-1'de'%E4.pdf\n\nx"),
    ["ä.pdf"],
)
names("rfc2047 filename", mp(T, 'Content-Type: application/pdf; name="=?UTF-8?B?w6gucGRm?="\n\nx'), ["è.pdf"])
names(
    "rfc2047 filename split",
    mp(T, 'Content-Type: application/pdf;\n name="=?UTF-8?Q?lungo_?=\n =?UTF-8?Q?nome.pdf?="\n\nx'),
    ["lungo nome.pdf"],
)
names("rfc2047 unquoted", mp(T, "Content-Type: application/pdf; name==?UTF-8?Q?a_b.pdf?=\n\nx"), ["a b.pdf"])
names("unquoted spaces", mp(T, "Content-Type: application/pdf; name=my file.pdf\n\nx"), ["my file.pdf"])
names("raw 8bit name", mp(T, 'Content-Type: application/pdf; name="caffè.pdf"\n\nx'), ["caffè.pdf"])
names("semicolon in quoted", mp(T, 'Content-Type: application/pdf; name="a;b.pdf"\n\nx'), ["a;b.pdf"])
names("single quotes", mp(T, "Content-Type: application/pdf; name='a b.pdf'\n\nx"), ["'a b.pdf'"])
names("windows path", mp(T, 'Content-Type: application/pdf; name="C:\\\\dir\\\\a.pdf"\n\nx'), ["C:\\dir\\a.pdf"])
names("name only in disposition", mp(T, "Content-Disposition: attachment; filename=a.bin\n\nx"), ["a.bin"])
names(
    "forwarded rfc822 name",
    mp(
        T,
        'Content-Type: message/rfc822; name="fwd.eml"\nContent-Disposition: attachment; filename=fwd.eml\n\nFrom: a@b\n\nx',
    ),
    ["fwd.eml"],
)
atts(
    "rfc822 bytes",
    mp(T, "Content-Type: message/rfc822\n\nFrom: a@b\nSubject: in\n\nx\n"),
    [(None, "message/rfc822", b"From: a@b\nSubject: in\n\nx\n")],
)
atts(
    "rfc822 b64",
    mp(
        T,
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        + base64.b64encode(b"From: a@b\n\nx").decode(),
    ),
    [(None, "message/rfc822", b"From: a@b\n\nx")],
)
text("base64 text no padding", H + "Content-Transfer-Encoding: base64\n\naGVsbG8", "hello")
text("base64 with garbage lines", H + "Content-Transfer-Encoding: base64\n\naGVs\n\n bG8=\n", "hello")
text("qp invalid", H + "Content-Transfer-Encoding: quoted-printable\n\na = b =XY =3D", "a = b =XY =")
text("cte upper", H + "Content-Transfer-Encoding: BASE64\n\naGVsbG8=", "hello")
text("cte unknown", H + "Content-Transfer-Encoding: foo\n\nhello", "hello")
text("cte with comment", H + "Content-Transfer-Encoding: 7bit (yes)\n\nhello", "hello")
text("text/html only gives none", H + "Content-Type: text/html\n\n<p>x</p>", None)
text("text enriched", H + "Content-Type: text/enriched\n\nx", None)
text("bare text type", H + "Content-Type: text\n\nhello", "hello")
text("invalid type", H + "Content-Type: foo\n\nhello", "hello")
text(
    "text/plain; charset quoted weird", H + 'Content-Type: text/plain; charset="utf-8";;format=flowed\n\nhellò', "hellò"
)
text(
    "iso2022",
    (H + "Content-Type: text/plain; charset=ISO-2022-JP\n\n").encode() + "こんにちは".encode("iso2022_jp"),
    "こんにちは",
)
text("gb", (H + "Content-Type: text/plain; charset=gb2312\n\n").encode() + "你好".encode("gb18030"), "你好")
text("unknown charset utf8", H + "Content-Type: text/plain; charset=foo\n\nhellò", "hellò")
text(
    "x-unknown latin",
    (H + "Content-Type: text/plain; charset=x-unknown\n\n").encode() + "perché".encode("latin-1"),
    "perché",
)
text("koi8", (H + "Content-Type: text/plain; charset=koi8-r\n\n").encode() + "привет".encode("koi8-r"), "привет")
text(
    "utf16",
    (H + "Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n\n").encode()
    + base64.b64encode("hello".encode("utf-16")),
    "hello",
)
text("mac", (H + "Content-Type: text/plain; charset=macintosh\n\n").encode() + "è".encode("mac_roman"), "è")
text("cp850", (H + "Content-Type: text/plain; charset=cp850\n\n").encode() + "è".encode("cp850"), "è")
text(
    "win-1251 default",
    (H + "Content-Type: text/plain; charset=windows-1251\n\n").encode() + "привет".encode("cp1251"),
    "привет",
)


def subj(name: str, s: str | bytes, want: str) -> None:
    raw = b"From: a@b\nSubject: " + (s if isinstance(s, bytes) else s.encode()) + b"\n\nx"
    eq(name, lambda: p(raw).subject, want)


subj("q", "=?iso-8859-1?Q?a=E8b?=", "aèb")
subj("adjacent", "=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab")
subj("adjacent fold", "=?utf-8?Q?a?=\n =?utf-8?Q?b?=", "ab")
subj("mixed text", "=?utf-8?Q?a?= c =?utf-8?Q?b?=", "a c b")
subj("glued", "x=?utf-8?Q?a?=y", "xay")
subj("space in q", "=?utf-8?Q?a b c?=", "a b c")
subj("unknown cs", "=?foo?Q?abc?=", "abc")
subj("b pad", "=?utf-8?B?w6g?=", "è")
subj("split char", "=?utf-8?B?w6jDqA==?= =?utf-8?B?w6g=?=", "èèè")
subj("split char 2", "=?utf-8?Q?=C3?= =?utf-8?Q?=A8?=", "è")
subj("lower", "=?UTF-8?b?w6g=?=", "è")
subj("quoted enc", '"=?utf-8?Q?a?="', '"a"')
subj("8bit utf8", "caffè", "caffè")
subj("8bit latin", "caffè".encode("latin-1"), "caffè")
subj("empty", "", "")
subj("tab fold", "a\n\tb", "a b")
subj("multi space fold", "a\n   b", "a   b")
subj("lang tag", "=?utf-8*en?Q?a?=", "a")
subj("broken no end", "=?utf-8?Q?abc", "abc")
subj("iso2022", "=?ISO-2022-JP?B?" + base64.b64encode("こんにちは".encode("iso2022_jp")).decode() + "?=", "こんにちは")
subj("gb", "=?gb2312?B?" + base64.b64encode("你好".encode("gb2312")).decode() + "?=", "你好")
subj("underscore", "=?utf-8?q?a_b?=", "a b")
subj("newline encoded", "=?utf-8?q?a=0D=0AB?=", "a B")


def frm(name: str, s: str | bytes, *want: tuple[str, str]) -> None:
    raw = b"From: " + (s if isinstance(s, bytes) else s.encode()) + b"\n\nx"
    eq(name, lambda: [(a.name, a.addr) for a in p(raw).froms], list(want))


frm("plain", "a@b.c", ("", "a@b.c"))
frm("name", "Joe <a@b.c>", ("Joe", "a@b.c"))
frm("quoted", '"Doe, Joe" <a@b.c>', ("Doe, Joe", "a@b.c"))
frm("esc", '"Joe \\"X\\" Doe" <a@b.c>', ('Joe "X" Doe', "a@b.c"))
frm("comment", "a@b.c (Joe Doe)", ("Joe Doe", "a@b.c"))
frm("nested comment", "a@b.c (Joe (X) Doe)", ("Joe (X) Doe", "a@b.c"))
frm("enc", "=?utf-8?Q?J=C3=B6?= <a@b.c>", ("Jö", "a@b.c"))
frm("enc quoted", '"=?utf-8?Q?J=C3=B6?=" <a@b.c>', ("Jö", "a@b.c"))
frm("enc comma", "=?utf-8?Q?Doe=2C_Joe?= <a@b.c>", ("Doe, Joe", "a@b.c"))
frm("no space", "Joe<a@b.c>", ("Joe", "a@b.c"))
frm("name is addr", "a@b.c <a@b.c>", ("a@b.c", "a@b.c"))
frm("quoted local", '"a b"@c.d', ("", '"a b"@c.d'))
frm("spaces in angle", "Joe < a@b.c >", ("Joe", "a@b.c"))
frm("two", "a@b.c, d@e.f", ("", "a@b.c"), ("", "d@e.f"))
frm("semicolon", "a@b.c; d@e.f", ("", "a@b.c"), ("", "d@e.f"))
frm("group", "G: a@b.c, Joe <d@e.f>;", ("", "a@b.c"), ("Joe", "d@e.f"))
frm("8bit", "Jö <a@b.c>", ("Jö", "a@b.c"))
frm("latin", "Jö <a@b.c>".encode("latin-1"), ("Jö", "a@b.c"))
frm("single quotes", "'Joe' <a@b.c>", ("'Joe'", "a@b.c"))
frm("dots", "Joe D. Doe <a@b.c>", ("Joe D. Doe", "a@b.c"))
frm("domain literal", "Joe <a@[1.2.3.4]>", ("Joe", "a@[1.2.3.4]"))
frm("route", "<@x,@y:a@b.c>", ("", "a@b.c"))
frm("comment and name", "Joe (work) <a@b.c>", ("Joe", "a@b.c"))
frm("fold", '"Joe\n Doe" <a@b.c>', ("Joe Doe", "a@b.c"))
frm("undisclosed", "undisclosed-recipients:;")
frm("double angle", "Joe <<a@b.c>>", ("Joe", "a@b.c"))
frm("missing close", "Joe <a@b.c", ("Joe", "a@b.c"))
frm("brackets", "[Joe] <a@b.c>", ("[Joe]", "a@b.c"))
frm("mailto", "<mailto:a@b.c>", ("", "a@b.c"))
frm("idn", "Joe <a@bücher.example>", ("Joe", "a@bücher.example"))
frm("enc whole", "=?utf-8?Q?Joe_=3Ca=40b.c=3E?=", ("Joe <a@b.c>", ""))


def mid(name: str, h: str, want: str | None) -> None:
    eq(name, lambda: p(h + "\n\nx").message_id, want)


mid("id", "From: a@b\nMessage-ID: <a@b>", "a@b")
mid("id fold", "From: a@b\nMessage-ID:\n <a@b>", "a@b")
mid("id no brackets", "From: a@b\nMessage-Id: a@b", "a@b")
mid("id comment", "From: a@b\nMessage-Id: <a@b> (x)", "a@b")
mid("id no at", "From: a@b\nMessage-Id: <abc>", "abc")
mid("id spaces in brackets", "From: a@b\nMessage-Id: < a@b >", "a@b")
eq("irt with words", lambda: p('From: a@b\nIn-Reply-To: Your message of "Mon" <a@b>\n\nx').in_reply_to, "a@b")
eq("refs", lambda: p("From: a@b\nReferences: <a@b>\n <c@d>\t<e@f>\n\nx").references, ("a@b", "c@d", "e@f"))
eq("refs glued", lambda: p("From: a@b\nReferences: <a@b><c@d>\n\nx").references, ("a@b", "c@d"))
eq("refs comma", lambda: p("From: a@b\nReferences: <a@b>,<c@d>\n\nx").references, ("a@b", "c@d"))
eq("mbox from", lambda: p("From x@y Mon Nov 16\nFrom: a@b\nSubject: s\n\nx").subject, "s")
eq("no blank", lambda: p("From: a@b\nSubject: s").subject, "s")
eq("cr only", lambda: p(b"From: a@b\rSubject: s\r\rx").subject, "s")
eq("space before colon", lambda: p("From : a@b\nSubject : s\n\nx").subject, "s")
eq("html part", lambda: p(mp(T, "Content-Type: text/html\n\n<p>x</p>", kind="alternative")).html, "<p>x</p>")
eq(
    "related img inline",
    lambda: [
        (a.filename, a.inline, a.content_id)
        for a in p(
            mp(
                "Content-Type: text/html\n\n<img src=cid:x>",
                "Content-Type: image/png\nContent-ID: <x>\n\npng",
                kind="related",
            )
        ).attachments
    ],
    [(None, True, "x")],
)
text("digest", mp("\nFrom: q@r\nSubject: one\n\nbody one", kind="digest"), None)
text(
    "alternative nested mixed",
    mp(
        "Content-Type: multipart/mixed; boundary=C\n\n--C\n" + T + "\n--C--\n",
        "Content-Type: text/html\n\n<p>x</p>",
        kind="alternative",
    ),
    "hello",
)
text("flowed kept", H + "Content-Type: text/plain; format=flowed\n\nhello \nworld", "hello \nworld")
text("crlf", (H + "\nhello\nworld").replace("\n", "\r\n"), "hello\nworld")
eq(
    "to group name",
    lambda: [(a.name, a.addr) for a in p("From: a@b\nTo: A Group:Ed <e@f.g>,h@i.j;, k@l.m\n\nx").to],
    [("Ed", "e@f.g"), ("", "h@i.j"), ("", "k@l.m")],
)
eq("two tos", lambda: [a.addr for a in p("From: a@b\nTo: c@d.e\nTo: f@g.h\n\nx").to], ["c@d.e", "f@g.h"])
eq("two subjects", lambda: p("From: a@b\nSubject: one\nSubject: two\n\nx").subject, "one")
names(
    "apple double",
    mp(
        T,
        "Content-Type: multipart/appledouble; boundary=C\n\n--C\nContent-Type: application/applefile; name=x\n\nres\n--C\nContent-Type: image/jpeg; name=x.jpg\n\njpg\n--C--\n",
    ),
    ["x", "x.jpg"],
)
names(
    "external body",
    mp(T, "Content-Type: message/external-body; access-type=anon-ftp; name=x\n\nContent-Type: image/png\n\n"),
    ["x"],
)
names("partial", H + "Content-Type: message/partial; number=1; total=2; id=x\n\nFrom: a@b\n\nx", [None])
text("body starts with dashes", mp("Content-Type: text/plain\n\n-- \nsig\n--Bx\nmore"), "-- \nsig\n--Bx\nmore")
atts(
    "att exact bytes trailing newline",
    mp(T, "Content-Type: application/octet-stream\n\nline\n\n"),
    [(None, "application/octet-stream", b"line\n\n")],
)
eq("nul", lambda: p(b"From: a@b\nSubject: a\0b\n\nx\0y").text, "x\ufffdy")
text("uu in text", H + "\nhi\n\nbegin 644 x.txt\n#0V%T\n`\nend\n", "hi\n\nbegin 644 x.txt\n#0V%T\n`\nend")
eq(
    "uu file",
    lambda: [(a.filename, a.content) for a in p(H + "\nhi\n\nbegin 644 x.txt\n#0V%T\n`\nend\n").attachments],
    [("x.txt", b"Cat")],
)
eq("uu reply", lambda: p(H + "\nhi\n\nbegin 644 x.txt\n#0V%T\n`\nend\n").reply_text, "hi")


@pytest.mark.parametrize(("name", "got", "want"), ROWS, ids=[row[0] for row in ROWS])
def test_a_mail_of_any_shape_says_what_its_author_meant(name: str, got: Callable[[], object], want: object) -> None:
    """CASES mail 24 and 33."""
    assert got() == want
