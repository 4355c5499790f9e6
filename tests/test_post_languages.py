"""Every letter in every language: what it says, which way it runs, and a desk's own words for one language alone."""

import re
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import locale
from gateway.post.check import SAMPLE_CONTENTS, check_templates, sample
from gateway.post.compose import bodies, compose, subject
from gateway.post.letter import Answer, Notice, Receipt
from routing.decide import WRITTEN

SAID = {
    "ar": "لقد استلمنا بلاغكم", "de": "Wir haben Ihre Meldung erhalten", "en": "We have received your report", "es": "Hemos recibido su aviso",
    "fr": "Nous avons reçu votre signalement", "it": "Abbiamo ricevuto la sua segnalazione", "pt": "Recebemos o seu pedido",
}  # fmt: skip
DAY = {
    "ar": "الاثنين، 4 يناير", "de": "Montag, 4. Januar", "en": "Monday, 4 January", "es": "lunes, 4 de enero", "fr": "lundi 4 janvier",
    "it": "lunedì 4 gennaio", "pt": "segunda-feira, 4 de janeiro",
}  # fmt: skip


def test_the_languages_that_are_decided_for_are_those_that_letters_exist_in() -> None:
    assert set(locale.LANGUAGES) == WRITTEN == set(SAID)


@pytest.mark.parametrize("language", sorted(SAID))
def test_an_acknowledgement_is_of_one_language_and_says_by_when_on_the_desks_wall_clock(language: str) -> None:
    letter = sample(SAMPLE_CONTENTS[1], language)
    plain, html = (" ".join(text.split()) for text in bodies(letter))
    assert subject(letter) == f"{SAID[language]} [PR-1002-4137]"
    for text in (plain, html):
        assert DAY[language] in text
        assert "09:30" in text
        if language != "en":
            assert re.search(r"\b(?:your|report|engineer|please)\b", re.sub(r"<style>.*?</style>", "", text)) is None
    assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in html
    assert message_from_bytes(compose(letter), policy=policy.default)["Content-Language"] == language


@pytest.mark.parametrize("content", SAMPLE_CONTENTS)
@pytest.mark.parametrize("language", sorted(SAID))
def test_no_letter_fetches_or_runs_anything_or_links_but_to_our_own_call_back(
    content: Receipt | Answer | Notice, language: str
) -> None:
    _, html = bodies(sample(content, language))
    if isinstance(content, Receipt) and content.callback:
        html = html.replace(f'<a href="{content.callback}">{content.callback}</a>', "")
    assert (
        re.search(r"<(?:script|img|link|iframe|object|form|svg|a)\b|url\(|https?:|\bon\w+=", html, re.IGNORECASE)
        is None
    )
    for style in re.findall(
        r'style="([^"]*)"', html
    ):  # a background of its own without its own colour is unreadable in the dark
        assert "background:" not in style or re.search(r"(?:^|;)color:", style), style


def test_numbers_and_addresses_run_from_left_to_right_in_arabic() -> None:
    _, html = bodies(sample(SAMPLE_CONTENTS[1], "ar"))
    assert re.search(r'<span dir="ltr">PR-1002-4137</span>', html)
    assert re.search(r'<span dir="ltr">support\+10024137\.', html)


def test_a_desks_words_for_one_language_are_for_that_language(tmp_path: Path) -> None:
    (tmp_path / "acknowledgement.en.subject").write_text("Case {{ number }}\n")
    (tmp_path / "acknowledgement.it.subject").write_text("Pratica {{ number }}\n")
    assert check_templates((tmp_path,)) == ()
    told = {language: subject(sample(Receipt(), language), (tmp_path,)) for language in ("it", "en", "de")}
    assert told == {"it": "Pratica PR-1002-4137", "en": "Case PR-1002-4137", "de": "Case PR-1002-4137"}
    german = message_from_bytes(compose(sample(Receipt(), "de"), (tmp_path,)), policy=policy.default)
    assert german["Content-Language"] == "en"  # a letter is of one language
    assert "We have received" not in german.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "we have received your report" in german.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_language_that_a_desk_has_no_words_for_stays_ours_when_it_has_none_in_english(tmp_path: Path) -> None:
    (tmp_path / "acknowledgement.it.subject").write_text("Pratica {{ number }}\n")
    assert subject(sample(Receipt(), "de"), (tmp_path,)) == f"{SAID['de']} [PR-1002-4137]"


@pytest.mark.parametrize(
    ("name", "text", "line", "word"),
    [
        ("acknowledgement.de.txt", "{{ number }}\n{{ nummer }}\n", 2, "nummer"),
        ("acknowledgement.txt", "{{ number }}\n\n{% if notes and false %}\n{{ hidden }}{% endif %}\n", 4, "hidden"),
        ("notice.html", "{{ number }}{% if priority == 'never' %}\n{{ missing }}{% endif %}", 2, "missing"),
        ("acknowledgement.xx.txt", "{{ number }}", 1, "no letter uses a file of this name"),
        ("foot.it.txt", "{{ desk }}\n{{ telefono }}", 2, "telefono"),
    ],
)
def test_a_name_that_no_letter_has_is_found_where_no_sample_leads(
    tmp_path: Path, name: str, text: str, line: int, word: str
) -> None:
    (tmp_path / name).write_text(text)
    faults = check_templates((tmp_path,))
    assert faults
    assert all(fault.startswith(f"{tmp_path / name}:{line}: ") for fault in faults), faults
    assert all(word in fault for fault in faults)


TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=200)


@settings(max_examples=60, deadline=None)
@given(desk=TEXT, about=TEXT, text=TEXT, language=st.sampled_from(sorted(SAID)))
def test_whatever_names_and_texts_hold_no_header_and_no_tag_is_added(
    desk: str, about: str, text: str, language: str
) -> None:
    """CASES attacks C5"""
    from dataclasses import replace

    plain = compose(replace(sample(Answer("x", "Anna"), language)))
    raw = compose(replace(sample(Answer(text, desk, about), language), desk_name=desk))
    names = [line.partition(b":")[0] for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] not in b" \t"]
    wanted = [
        line.partition(b":")[0] for line in plain.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] not in b" \t"
    ]
    assert names == wanted
    _, html = bodies(replace(sample(Answer(text, desk, about), language), desk_name=desk))
    _, bare = bodies(sample(Answer("x", "Anna"), language))
    count = lambda page: len(re.findall(r"<(?!br>)", page))  # noqa: E731
    assert count(html) == count(bare)


EVERY = {
    "PT1H": {
        "ar": "كل ساعة على", "de": "jede Stunde", "en": "every hour", "es": "cada hora", "fr": "toutes les heures", "it": "ogni ora",
        "pt": "a cada hora",
    },
    "P1D": {
        "ar": "كل يوم عمل", "de": "jeden Arbeitstag", "en": "every working day", "es": "cada día laborable", "fr": "chaque jour ouvré",
        "it": "ogni giorno lavorativo", "pt": "a cada dia útil",
    },
    "PT4H": {
        "ar": "كل 4 ساعات", "de": "alle 4 Stunden", "en": "every 4 hours", "es": "cada 4 horas", "fr": "toutes les 4 heures",
        "it": "ogni 4 ore", "pt": "a cada 4 horas",
    },
}  # fmt: skip


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_how_often_there_is_news_reads_naturally_also_for_one_hour_or_day(language: str, every: str) -> None:
    for text in bodies(sample(Receipt(updates_every=every), language)):
        assert EVERY[every][language] in " ".join(text.split())
