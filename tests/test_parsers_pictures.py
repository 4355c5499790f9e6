"""Which pictures of a mail stand in its text: CASES mail 32."""

import time

import pytest

import parsers
from parsers import pictures


def picture(name: str, headers: str) -> str:
    return (
        f"--r\r\nContent-Type: image/png; name={name}\r\n{headers}Content-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n"
    )


def mail(html: str, *parts: str) -> parsers.Message:
    return parsers.parse(
        (
            "From: m@acme.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=r\r\n\r\n"
            f"--r\r\nContent-Type: text/html\r\n\r\n{html}\r\n{''.join(parts)}--r--\r\n"
        ).encode()
    )


@pytest.mark.parametrize(
    ("html", "headers", "name"),
    [
        ("<img src='cid:a@x'>", "Content-ID: <a@x>\r\n", "a@x"),  # no disposition at all
        ("<img src='cid:a@x'>", "Content-ID: <a@x>\r\nContent-Disposition: attachment\r\n", "a@x"),
        ("<IMG alt=x SRC=cid:a%40x>", "Content-ID: <a@x>\r\n", "a@x"),
        ("<img src='foto.png'>", "Content-Disposition: inline\r\n", "foto.png"),  # by its name, without cid:
        ('<img src="foto_file/foto.png?x=1">', "", "foto.png"),
        ("<img src='cid:foto.png'>", "", "foto.png"),
        (
            "<img src='cid:other@x'>",
            "Content-ID: <a@x>\r\nContent-Disposition: inline\r\n",
            None,
        ),  # inline, shown nowhere
        ("<img src='https://evil.example/foto.png'>", "", None),
        ("<img src='//evil.example/foto.png'>", "", None),
        ("<p>foto.png</p>", "", None),
    ],
)
def test_a_picture_stands_in_the_text_where_the_html_names_it(html: str, headers: str, name: str | None) -> None:
    found = mail(html, picture("foto.png", headers))
    assert pictures.named(found.html, found.attachments) == (name,)


def test_what_is_no_picture_is_a_file_whatever_names_it() -> None:
    part = "--r\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-ID: <a@x>\r\n\r\nx\r\n"
    found = mail("<img src='cid:a@x'>", part)
    assert pictures.named(found.html, found.attachments) == (None,)


@pytest.mark.parametrize("unit", ["src=", "src = ", "<img ", "src='", 'src="a', "src" + " " * 30])
def test_a_page_of_nothing_but_beginnings_takes_no_time(unit: str) -> None:
    found = mail("<img src='cid:a@x'>", picture("foto.png", ""))
    began = time.process_time()
    pictures.named(unit * (2_000_000 // len(unit)), found.attachments)
    assert time.process_time() - began < 1.5
