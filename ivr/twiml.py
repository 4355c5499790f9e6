"""Verbs to TwiML, the XML that Twilio, SignalWire and Telnyx speak. Refuses to choose what is said, and to know where
links lead.

Whatever a text holds, the XML is well-formed and has the same elements: what XML 1.0 does not allow becomes a space.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from xml.sax.saxutils import quoteattr

from twilio.twiml.voice_response import Gather, VoiceResponse

from ivr import prompts, verbs

Url = Callable[[int], str]

REGION = "ie1"  # of conferences, where none is configured: Ireland

LONGEST_SAY = 3_900  # Twilio speaks at most 4,096 characters a Say
# https://www.w3.org/TR/xml/#charsets
UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Text as XML 1.0 allows it and as one Say takes it."""
    return UNSPEAKABLE.sub(" ", text)[:LONGEST_SAY]


def render(document: verbs.Document, url: Url, region: str = REGION) -> str:
    """The document as XML. `url(step)` is the address of a step of this call, `url(WAIT)` what waiting callers hear;
    `region`: of conferences."""
    return _LINK.sub(
        lambda link: region if link[1] == "region" else quoteattr(url(int(link[1])))[1:-1], _with_links(document)
    )


# Most callers hear the same documents; only the links differ. No text holds a NUL: `clean` has seen every one.
_LINK = re.compile("\0(-?[0-9]+|region)\0")


@lru_cache(maxsize=512)
def _with_links(document: verbs.Document) -> str:
    response = VoiceResponse()
    for verb in document:
        _add(response, verb, "\0{}\0".format)
    return str(response)


def apology(languages: tuple[str, ...]) -> str:
    """A document that needs nothing but the languages, for the day when nothing else is left."""
    return render((*prompts.apology(languages), verbs.Hangup()), str)


def waiting(languages: tuple[str, ...], seconds: int = 20, music: str = "") -> str:
    """What a caller in a queue hears, over and over. `music`: the address of a sound, "" for silence."""
    then = verbs.Play(music) if music else verbs.Pause(seconds)
    return render((*prompts.apology(languages, "wait"), then), str)


def moment(languages: tuple[str, ...], url: str) -> str:
    """ "One moment": then `url` is asked again."""
    return render((*prompts.apology(languages, "moment"), verbs.Pause(2), verbs.Redirect(0)), lambda _: url)


def meeting(languages: tuple[str, ...], room: str, url: Url, region: str = REGION) -> str:
    """What a caller hears whom an engineer joins: one sentence, then the room; `url(0)` is where the call goes on."""
    said = prompts.apology(languages, "caller_joined")
    return render((*said, verbs.Conference(0, room), verbs.Hangup()), url, region)


def _add(to: VoiceResponse | Gather, verb: verbs.Verb, url: Url) -> None:
    match verb:
        case verbs.Say(text=text, language=language):
            to.say(clean(text), language=language)
        case verbs.Play(url=audio):
            to.play(clean(audio))
        case verbs.Pause(seconds=seconds):
            to.pause(length=seconds)
        case verbs.Gather():
            _gather(to, verb, url)
        case verbs.Record(step=step, seconds=seconds, silence=silence, transcribe=transcribe):
            to.record(
                action=url(step),
                method="POST",
                max_length=seconds,
                timeout=silence,
                finish_on_key="#",
                play_beep=True,
                trim="trim-silence",
                recording_status_callback=url(verbs.RECORDING),
                transcribe=transcribe or None,
                transcribe_callback=url(verbs.RECORDING) if transcribe else None,
            )
        case verbs.Redirect(step=step):
            to.redirect(url(step), method="POST")
        case verbs.Dial(step=step, number=number, caller_id=caller_id, seconds=seconds):
            dial = to.dial(
                action=url(step), method="POST", timeout=seconds, caller_id=caller_id or None, answer_on_bridge=True
            )
            dial.number(clean(number), url=url(verbs.AGENT), method="POST")
        case verbs.Enqueue(step=step, queue=queue):
            to.enqueue(clean(queue), action=url(step), method="POST", wait_url=url(verbs.WAIT), wait_url_method="POST")
        case verbs.Conference(step=step, room=room):
            _conference(to, step, room, url)
        case verbs.Hangup():
            to.hangup()


def _conference(to: VoiceResponse | Gather, step: int, room: str, url: Url) -> None:
    """One region for both, or each might wait in a room of its own; the events say who is in, for lists lag behind."""
    dial = to.dial(action=url(step), method="POST")
    dial.conference(
        clean(room),
        start_conference_on_enter=True,
        end_conference_on_exit=True,
        beep=False,
        max_participants=2,
        region="\0region\0",
        status_callback=url(verbs.ROOM),
        status_callback_event="join leave",
        status_callback_method="POST",
        wait_url=url(verbs.WAIT),
        wait_method="POST",
    )


def _gather(to: VoiceResponse | Gather, verb: verbs.Gather, url: Url) -> None:
    speech = verb.takes != "dtmf"
    gather = to.gather(
        input=verb.takes,
        action=url(verb.step),
        method="POST",
        timeout=verb.seconds,
        num_digits=verb.digits or None,
        finish_on_key=verb.finish,
        action_on_empty_result=True,
        language=verb.language if speech else None,
        speech_timeout=3 if speech else None,
    )
    for part in verb.prompt:
        _add(gather, part, url)
