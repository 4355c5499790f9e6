"""Finds a desk's broken templates at start: every letter is rendered with sample facts in every language.

Refuses to judge style: a fault is a template that raises, a file that no letter uses, or a letter without its ticket
number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from traceback import walk_tb
from typing import Any, get_args

from jinja2 import TemplateError, TemplateSyntaxError

from gateway import locale
from gateway.post.compose import facts, kind_of
from gateway.post.letter import Answer, Content, Escalation, Event, Letter, Missing, Note, Notice, Receipt
from gateway.post.templates import NAMES, OURS, known_name, language_of, render, undeclared

PARTS = ("adding", "foot", "layout", "promises")  # of several letters


@dataclass(frozen=True, slots=True)
class _Clock:
    target: str
    due: datetime | None
    best_effort: bool = False


_DUE = datetime(2027, 1, 4, 8, 30, tzinfo=UTC)
_CLOCKS = (_Clock("take_charge", _DUE), _Clock("triage", None), _Clock("resolution", None, best_effort=True))

SAMPLE_CONTENTS: tuple[Content, ...] = (
    Receipt(),
    Receipt(
        _CLOCKS,
        "P1",
        "PT1H",
        get_args(Note),
        ("phone", "portal"),
        get_args(Missing),
        "https://desk.example.test/callback/1",
    ),
    Answer("The disk is full.", "Anna Verdi", "Backup"),
    *(Notice(event) for event in get_args(Event)),
    Notice("priority", "P1", _CLOCKS, "The disk is full."),
    Escalation(
        "Team Leader", _DUE, "ACME", "Gold", "P1", "The disk is full", "https://desk.example.test/tickets/PR-1002-4137"
    ),
)


def sample(content: Content, language: str) -> Letter:
    """A letter with made-up facts, for the check at start and for previews."""
    return Letter(
        to="mario@acme.example",
        language=language,
        zone="Europe/Rome",
        number="PR-1002-4137",
        desk_name="Example support",
        desk_address="support@example.test",
        reply_address="support+10024137.abcdefghijklmnop@example.test",
        message_id="10024137.1.abcdefghijklmnop@example.test",
        date=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
        content=content,
    )


def check_templates(directories: tuple[Path, ...]) -> tuple[str, ...]:
    """What is wrong with a desk's own templates, each as "file:line: what; what to do"; empty when all is well."""
    present = tuple(directory for directory in directories if directory.is_dir())
    faults = [fault for directory in directories for fault in _files(directory, present)]
    faults += [
        fault
        for content in SAMPLE_CONTENTS
        for language in locale.LANGUAGES
        for fault in _letter(present, content, language)
    ]
    return tuple(dict.fromkeys(faults))


def _files(directory: Path, present: tuple[Path, ...]) -> Iterator[str]:
    if not directory.is_dir():
        yield f"{directory}:1: there is no such folder; create it or take it out of the configuration"
        return
    for path in sorted(directory.iterdir()):
        # A name that starts with _ is a part that a desk's own templates include.
        if path.name.startswith((".", "_")):
            continue
        plain = known_name(path.name)
        if plain is None:
            languages = ", ".join(locale.LANGUAGES)
            yield (
                f"{path}:1: no letter uses a file of this name; name it one of {', '.join(NAMES)}, with a language before "
                f"the last dot if it is for that one only ({languages})"
            )
        else:
            yield from _strangers(path, plain, present)


def _strangers(path: Path, plain: str, present: tuple[Path, ...]) -> Iterator[str]:
    """Names that no letter knows, also where no sample leads. A part of several letters may use what any of them has."""
    known = {
        name
        for content in SAMPLE_CONTENTS
        if plain.partition(".")[0] in (kind_of(content), *PARTS)
        for name in facts(sample(content, "en"))
    } | {"promise"}
    try:
        found = undeclared(present, plain, path.read_text(encoding="utf-8"), known)
    except (UnicodeDecodeError, TemplateError):
        return  # rendering it says where and why
    for line, name in found:
        yield f"{path}:{line}: no letter has {name!r}; use one of {', '.join(sorted(known))}"


def _letter(directories: tuple[Path, ...], content: Content, language: str) -> Iterator[str]:
    kind = kind_of(content)
    language = language_of(directories, kind, language)
    known = facts(sample(content, language))
    for name in (f"{kind}.{part}" for part in ("subject", "txt", "html")):
        stem, _, part = name.rpartition(".")
        places = [d / one for one in (f"{stem}.{language}.{part}", name) for d in (*directories, OURS)]
        file = next((place for place in places if place.is_file()), OURS / name)
        try:
            text = render(directories, name, language, known)
        except Exception as trouble:  # a template may raise anything, and all of it is the desk's to mend
            yield _explain(file, (*directories, OURS), trouble)
        else:
            yield from _lacks(file, kind, known, text)


def _lacks(file: Path, kind: str, known: Mapping[str, Any], text: str) -> Iterator[str]:
    """What a letter must hold to be of use: its number or, in the body of an answer, what the agent wrote."""
    needed = "text" if kind == "answer" and file.suffix != ".subject" else "number"
    if known[needed] not in text:
        yield f"{file}:1: the letter does not say its {needed}; put {{{{ {needed} }}}} into it"


def _explain(file: Path, folders: tuple[Path, ...], trouble: Exception) -> str:
    """Where in a template something went wrong: Jinja2 puts the template's own lines into the traceback."""
    if isinstance(trouble, UnicodeDecodeError):
        return f"{file}:1: the file is not UTF-8; save it as UTF-8"
    if isinstance(trouble, TemplateSyntaxError):
        return f"{trouble.filename or file}:{trouble.lineno}: {trouble.message}; mend the template"
    places = [(frame.f_code.co_filename, line) for frame, line in walk_tb(trouble.__traceback__)]
    where, line = next((place for place in reversed(places) if Path(place[0]).parent in folders), (str(file), 1))
    what = trouble.message if isinstance(trouble, TemplateError) else str(trouble)
    return f"{where}:{line}: {what}; mend the template"
