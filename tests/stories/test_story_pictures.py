"""Pictures in a mail's text are shown there and are no files: CASES mail 32."""

import re
from base64 import b64encode

from world import World

LOGO, SHOT = b"\x89PNG-logo", b"\x89PNG-shot"


def with_pictures(number: int, *shown: bytes, more: str = "") -> bytes:
    """A mail whose HTML shows these pictures, each by another way of naming it, with one file beside."""
    named = [f"<img src='{('cid:' if n % 2 else '')}p{n}.png'>" for n in range(len(shown))]
    parts = [
        f"--r\r\nContent-Type: image/png; name=p{n}.png\r\nContent-ID: <p{n}.png>\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{b64encode(one).decode()}\r\n"
        for n, one in enumerate(shown)
    ]
    parts.append(
        "--r\r\nContent-Type: application/pdf; name=ordine.pdf\r\nContent-Disposition: attachment\r\n\r\nx\r\n"
    )
    return (
        "Authentication-Results: mx.example.test; dmarc=pass header.from=acme.example\r\n"
        f"From: mario@acme.example\r\nTo: support@example.test\r\nSubject: Schermata\r\nMessage-ID: <{number}@acme.example>\r\n"
        f"{more}MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=r\r\n\r\n"
        f"--r\r\nContent-Type: text/html\r\n\r\n<p>Ecco la schermata {number}.</p>{''.join(named)}"
        f"<img src='https://evil.example/pixel.gif'>\r\n{''.join(parts)}--r--\r\n"
    ).encode()


def test_pictures_are_shown_in_their_place_and_a_logo_is_not_said_twice(world: World) -> None:
    world.deliver(with_pictures(1, LOGO, SHOT))
    ticket = world.ticket()
    world.deliver(with_pictures(2, LOGO, more="References: <1@acme.example>\r\n"))
    giulia = world.agent()
    page = giulia.client.get(f"/tickets/{ticket.number}").text
    frames = re.findall(r'src="(/tickets/[^"]+/html)"', page)
    assert len(frames) == 2
    first = giulia.client.get(frames[0])
    assert [b64encode(one).decode() in first.text for one in (LOGO, SHOT)] == [True, True]
    assert "img-src data:" in first.headers["content-security-policy"]  # nothing is fetched from anywhere
    assert "evil.example" not in first.text
    assert b64encode(LOGO).decode() in giulia.client.get(frames[1]).text
    assert page.count("ordine.pdf") == 2  # files are files
    assert (page.count("p0.png"), page.count("p1.png")) == (1, 1)
    assert page.count("Pictures in the text") == 1
