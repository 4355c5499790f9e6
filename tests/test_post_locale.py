"""The catalogue is complete in Italian, and times are said as people say them."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway import locale
from gateway.locale import extract

MORNING = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def test_every_message_of_code_and_templates_has_its_italian() -> None:
    italian = extract.stored("it")
    wanted = [message.id for message in extract.extract() if message.id]
    assert len(wanted) > 50
    missing = [text for text in wanted if text not in italian or not all(_forms(italian[text].string))]
    assert missing == [], "run `python -m gateway.locale.extract` and translate what is empty"


@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_no_translation_loses_or_invents_a_value(language: str) -> None:
    catalogue = extract.stored(language)
    for message in catalogue:
        assert list(message.check(catalogue)) == []
        if message.id and any(_forms(message.string)):
            wanted = _values(_forms(message.id)[-1])  # a language has its own number of plural forms
            assert all(_values(own) == wanted for own in _forms(message.string)), message.id


def test_every_message_of_letters_has_its_words_in_every_language() -> None:
    wanted = [message.id for message in extract.letters(extract.extract()) if message.id]
    assert len(wanted) > 50
    for language in set(locale.LANGUAGES) - set(locale.CONSOLE):
        own = extract.stored(language)
        assert [text for text in wanted if text not in own or not all(_forms(own[text].string))] == [], language


def test_languages_that_have_only_letters_are_not_offered_to_people_who_work_here() -> None:
    assert set(locale.LANGUAGES) == {"ar", "de", "en", "es", "fr", "it", "pt"}
    assert locale.choose(["de", "it"], locale.CONSOLE) == "it"


def test_arabic_runs_from_right_to_left() -> None:
    assert locale.direction("ar") == "rtl"


def _forms(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, tuple | list) else (str(text),)


def _values(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]", text))


def test_a_translation_holds_no_markup() -> None:
    assert [message.id for message in extract.stored("it") if message.id and "<" in str(message.string)] == []


def test_merging_keeps_translations_adds_what_is_new_and_drops_what_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for language in locale.LANGUAGES:
        folder = tmp_path / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "presa.po").write_text(
            extract.HEADER.format(language=language, plurals="nplurals=2; plural=(n != 1)")
            + 'msgid "Hello,"\nmsgstr "Buongiorno,"\n\nmsgid "gone"\nmsgstr "andata"\n'
        )
    monkeypatch.setattr(extract, "HERE", tmp_path)
    missing = extract.merge()
    assert "This message was written automatically." in missing
    assert extract.stored("it")["Hello,"].string == "Buongiorno,"
    assert "gone" not in extract.stored("it")
    first = (tmp_path / "it" / "LC_MESSAGES" / "presa.po").read_bytes()
    extract.merge()
    assert (tmp_path / "it" / "LC_MESSAGES" / "presa.po").read_bytes() == first


def test_a_broken_template_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("fine\n{% if %}")
    with pytest.raises(ValueError, match=r"page\.html:2: "):
        extract.extract(tmp_path)


def test_a_catalogue_translates_and_leaves_unknown_words_in_english() -> None:
    assert locale.translator("it")("Hello,") == "Buongiorno,"
    assert locale.translator("en")("Hello,") == "Hello,"
    assert locale.translator("tlh")("Hello,") == "Hello,"
    assert locale.translator("it")("words of nobody") == "words of nobody"


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (("it",), "it"), (("it-IT",), "it"), (("IT_it",), "it"), (("xx", None, "it"), "it"), ((None, ""), "en"), ((), "en"),
        (("../it",), "en"), (("xx", "en", "it"), "en"),
    ],
)  # fmt: skip
def test_the_first_language_that_exists_is_chosen(wanted: tuple[str | None, ...], chosen: str) -> None:
    assert locale.choose(wanted) == chosen


@pytest.mark.parametrize(
    ("language", "zone", "words"),
    [
        ("it", "Europe/Rome", "lunedì 23 novembre, 09:30"),
        ("en", "Europe/Rome", "Monday 23 November, 09:30"),
        ("en", "America/New_York", "Monday 23 November, 03:30"),
        ("it", "Asia/Tokyo", "lunedì 23 novembre, 17:30"),
        ("it", "UTC", "lunedì 23 novembre, 08:30"),
    ],
)
def test_an_instant_is_said_on_the_wall_clock_of_its_zone(language: str, zone: str, words: str) -> None:
    assert locale.local_time(MORNING, zone, language) == words


def test_the_year_is_said_only_when_it_is_not_the_writers() -> None:
    written = datetime(2026, 12, 31, 22, 0, tzinfo=UTC)
    before, after = datetime(2026, 12, 31, 22, 59, tzinfo=UTC), datetime(2026, 12, 31, 23, 1, tzinfo=UTC)
    assert locale.local_time(before, "Europe/Rome", "it", written=written) == "giovedì 31 dicembre, 23:59"
    assert locale.local_time(after, "Europe/Rome", "it", written=written) == "venerdì 1 gennaio 2027, 00:01"
    assert locale.local_time(after, "Europe/Rome", "en", written=written) == "Friday, 1 January 2027, 00:01"


@pytest.mark.parametrize(
    ("instant", "zone", "words"),
    [
        (MORNING, "Europe/Rome", "Roma, UTC+1"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Rome", "Roma, UTC+2"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Rome", "Roma, UTC+1"),
        (MORNING, "America/St_Johns", "Saint John’s, UTC-3:30"),
        (MORNING, "Europe/London", "Londra, UTC"),
        (MORNING, "UTC", "UTC"),
        (MORNING, "Etc/GMT+3", "UTC-3"),
    ],
)
def test_a_zone_is_said_with_its_offset_so_that_the_hour_told_twice_is_not_in_doubt(
    instant: datetime, zone: str, words: str
) -> None:
    assert locale.zone_words(instant, zone, "it").replace("St. John’s", "Saint John’s") == words


@pytest.mark.parametrize(
    ("length", "italian", "english"),
    [
        (timedelta(hours=2), "2 ore", "2 hours"),
        (timedelta(minutes=90), "1 ora e 30 minuti", "1 hour and 30 minutes"),
        ("PT30M", "30 minuti", "30 minutes"),
        ("PT24H", "24 ore", "24 hours"),
        ("P1D", "1 giorno lavorativo", "1 working day"),
        ("P2D", "2 giorni lavorativi", "2 working days"),
        (timedelta(seconds=25), "25 secondi", "25 seconds"),
        (timedelta(), "0 minuti", "0 minutes"),
    ],
)
def test_a_length_of_time_is_said_in_words(length: timedelta | str, italian: str, english: str) -> None:
    assert (locale.duration(length, "it"), locale.duration(length, "en")) == (italian, english)


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "PT1,5H", "P1Y", "-PT1H"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        locale.duration(text, "it")


def test_italian_and_english_run_from_left_to_right() -> None:
    assert (locale.direction("it"), locale.direction("en")) == ("ltr", "ltr")
