"""What somebody sees in a browser after a web form was sent: one small page in their language. Holds no script, no
picture and nothing of what they wrote.
"""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway import locale
from gateway.web.rendering import secured

POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def wanted(request: Request) -> bool:
    """Did a browser send a form, rather than a program?"""
    form = not request.headers.get("content-type", "").lower().startswith("application/json")
    return form and "text/html" in request.headers.get("accept", "")


def thanks(request: Request, number: str | None) -> Response:
    """The number, and that an answer comes."""
    spoken = (part.partition(";")[0].strip() for part in request.headers.get("accept-language", "").split(","))
    language = locale.choose(spoken)
    say = locale.translator(language)
    title = escape(say("We have received your report"))
    words = f"{escape(say('Hello,'))} {escape(say('we have received your report. Its number is'))}"
    shown = f'<p>{words}</p><p><b dir="ltr">{escape(number)}</b></p>' if number else ""
    page = (
        f'<!DOCTYPE html><html lang="{language}" dir="{locale.direction(language)}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><h1>{title}</h1>{shown}</html>'
    )
    return secured(HTMLResponse(page), POLICY)
