"""The words of mail and pages in the reader's language: one gettext catalogue, and times as people say them.

English is the source language: its catalogue is empty and lists what there is to translate. The .po files are the only
form kept; they are compiled in memory when first used (some milliseconds a language), so no binary can be out of date.
A language is a folder beside this file. Refuses to guess: `choose` takes the first language that exists, else English.
"""

import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_location
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from babel.units import format_unit

HERE = Path(__file__).parent
SOURCE = "en"
LANGUAGES: tuple[str, ...] = tuple(sorted(path.parent.parent.name for path in HERE.glob("*/LC_MESSAGES/presa.po")))
CONSOLE = ("en", "it")  # the languages of everything; the others have the words of letters alone

# Plain "en" is American in CLDR (month before day, 12 hours); our desks are European.
REGIONAL = {"en": "en_GB"}

_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII)


def choose(wanted: Iterable[str | None], among: Collection[str] = LANGUAGES) -> str:
    """The first of the wanted languages ("it", "it-IT", None) that has a catalogue, else English. `among`: CONSOLE for
    pages of people who work here."""
    for language in wanted:
        base = (language or "").replace("_", "-").partition("-")[0].lower()
        if base in among:
            return base
    return SOURCE


@lru_cache(maxsize=32)
def translations(language: str) -> Translations:
    """The compiled catalogue of one language, for Jinja2's `install_gettext_translations`."""
    language = choose([language])
    with (HERE / language / "LC_MESSAGES" / "presa.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled, domain="presa")


def translator(language: str) -> Callable[[str], str]:
    """`_` for one language: English words in, the reader's words out; words without a translation stay English."""
    return translations(language).gettext


def plural(language: str) -> Callable[[str, str, int], str]:
    """`ngettext` for one language: (one, many, count) -> the form that this language uses for the count."""
    return translations(language).ngettext


def direction(language: str) -> str:
    """Which way the language runs, for the `dir` of a page or a letter: "ltr" or "rtl"."""
    return str(_locale(language).text_direction)


def local_date(instant: datetime, zone: str, language: str, *, written: datetime | None = None) -> str:
    """The day on a zone's wall clock: "lunedì 23 novembre"; with the year when `written` is in another year."""
    local = instant.astimezone(ZoneInfo(zone))
    locale = _locale(language)
    if written is not None and written.astimezone(ZoneInfo(zone)).year != local.year:
        return str(format_date(local, "full", locale=locale))
    # CLDR gives every language the short form without a year; the long one is the same order with whole words.
    forms = locale.datetime_skeletons
    pattern = str((forms.get("MMMMEd") or forms["MMMEd"]).pattern)
    pattern = re.sub("M+", "MMMM", re.sub("[Ec]+", "EEEE", pattern))
    return str(format_date(local, pattern, locale=locale))


def local_time(instant: datetime, zone: str, language: str, *, written: datetime | None = None) -> str:
    """An instant on a zone's wall clock: "lunedì 23 novembre, 09:30". `written` as for `local_date`."""
    local = instant.astimezone(ZoneInfo(zone))
    clock = format_time(local, "HH:mm", tzinfo=local.tzinfo, locale=_locale(language))
    return f"{local_date(instant, zone, language, written=written)}{_comma(language)}{clock}"


def zone_words(instant: datetime, zone: str, language: str) -> str:
    """Whose wall clock it is, and its offset at that instant: "Roma, UTC+1".

    The offset tells the two 02:30 apart in the night on which clocks are set back."""
    offset = instant.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    sign = "-" if offset < timedelta() else "+"
    utc = f"UTC{sign}{hours}" + (f":{minutes:02}" if minutes else "") if offset else "UTC"
    if "/" not in zone or zone.startswith("Etc/"):
        return utc
    return f"{get_timezone_location(ZoneInfo(zone), locale=_locale(language), return_city=True)}{_comma(language)}{utc}"


def duration(length: timedelta | str, language: str) -> str:
    """A length of time in words: "1 ora e 30 minuti". ISO 8601 (`PT1H30M`) too; its days (`P1D`) are working days, as
    all day counts of a plan are. Raises ValueError for any other text."""
    days = 0
    if isinstance(length, str):
        match = _ISO.fullmatch(length)
        if match is None or not any(match.groups()):
            raise ValueError(f"not a duration: {length!r}")
        days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
        length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    total = length // timedelta(seconds=1)
    counts = {"hour": total // 3600, "minute": total // 60 % 60, "second": total % 60}
    locale = _locale(language)
    parts = [format_unit(count, f"duration-{unit}", locale=locale) for unit, count in counts.items() if count]
    if days:
        ngettext = plural(language)
        parts.insert(0, ngettext("%(num)d working day", "%(num)d working days", days) % {"num": days})
    return str(format_list(parts or [format_unit(0, "duration-minute", locale=locale)], locale=locale))


def _comma(language: str) -> str:
    return "\N{ARABIC COMMA} " if direction(language) == "rtl" else ", "


@lru_cache(maxsize=32)
def _locale(language: str) -> Locale:
    language = choose([language])
    return Locale.parse(REGIONAL.get(language, language))
