"""Keeps the catalogues complete: `python -m gateway.locale.extract` merges every message of the shell's code and
templates into each language's presa.po. Refuses to translate: a new message arrives empty, and a test asks for its
Italian.
"""

import sys
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from jinja2 import TemplateSyntaxError

from gateway.locale import CONSOLE, HERE, LANGUAGES

SHELL = HERE.parent
LETTERS = ("post/", "locale/")
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("**/templates/**.*", "jinja2")]
# The same as the environments that render them; a template that does not parse is an error here, not an empty list.
OPTIONS = {"**/templates/**.*": {"silent": "false", "newstyle_gettext": "true", "trimmed": "true"}}

# Babel's own header carries the hour of each run and empty names; translators' programs need these lines only.
HEADER = r"""msgid ""
msgstr ""
"Language: {language}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: {plurals}\n"

"""


def extract(directory: Path = SHELL) -> Catalog:
    """Every message below a directory, with the files that it stands in. Raises ValueError naming a broken template."""
    catalogue = Catalog(project="Presa", charset="utf-8")
    read = [""]
    note = lambda file, *_: read.append(file)  # noqa: E731 - the extractor tells a broken template by its line alone
    try:
        found = sorted(extract_from_dir(directory, METHODS, OPTIONS, KEYWORDS, callback=note))
    except TemplateSyntaxError as trouble:
        raise ValueError(f"{directory / read[-1]}:{trouble.lineno}: {trouble.message}; mend it") from trouble
    for filename, _line, message, _comments, context in found:
        catalogue.add(message, locations=[(filename, 0)], context=context)
    return catalogue


def stored(language: str) -> Catalog:
    """One language's catalogue as it is on disk."""
    with _path(language).open("rb") as file:
        return read_po(file, locale=language)


def letters(catalogue: Catalog) -> Catalog:
    """Those messages that letters to customers are written with."""
    made = Catalog(project="Presa", charset="utf-8")
    for message in catalogue:
        places = [place for place in message.locations if place[0].startswith(LETTERS)]
        if message.id and places:
            made.add(message.id, locations=places, context=message.context)
    return made


def merge() -> tuple[str, ...]:
    """Brings every presa.po up to date; returns the messages that still have no Italian."""
    template = extract()
    for language in LANGUAGES:
        catalogue = stored(language)
        catalogue.update(template if language in CONSOLE else letters(template), no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        with _path(language).open("wb") as file:
            file.write(HEADER.format(language=language, plurals=catalogue.plural_forms).encode())
            write_po(file, catalogue, width=120, include_lineno=False, omit_header=True)
    return tuple(str(message.id) for message in stored("it") if message.id and not message.string)


def _path(language: str) -> Path:
    return HERE / language / "LC_MESSAGES" / "presa.po"


if __name__ == "__main__":
    missing = merge()
    sys.stdout.write("".join(f"no Italian: {message}\n" for message in missing))
    sys.exit(1 if missing else 0)
