"""A desk's own templates win over ours, and a broken one is found at start with its file and line."""

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from gateway.post.check import check_templates, sample
from gateway.post.compose import compose, subject
from gateway.post.letter import Answer, Receipt
from gateway.post.templates import NAMES


def test_our_own_templates_are_in_order() -> None:
    assert check_templates(()) == ()


def test_a_desks_own_template_is_used_and_the_rest_stays_ours(tmp_path: Path) -> None:
    (tmp_path / "acknowledgement.subject").write_text("Pratica {{ number }}\n")
    assert check_templates((tmp_path,)) == ()
    letter = sample(Receipt(), "it")
    assert subject(letter, (tmp_path,)) == "Pratica PR-1002-4137"
    plain = message_from_bytes(compose(letter, (tmp_path,)), policy=policy.default).get_body(("plain",))
    assert plain is not None
    assert "abbiamo ricevuto" in plain.get_content()


@pytest.mark.parametrize(
    ("name", "text", "line", "word"),
    [
        ("acknowledgement.txt", "{{ number }}\n\n{% if %}\n", 3, "Expected an expression"),
        ("acknowledgement.txt", "{{ number }}\n{{ nubmer }}\n", 2, "nubmer"),
        ("acknowledgement.txt", "{{ number }}\n{{ subject }}\n", 2, "subject"),
        ("notice.html", "{{ number }}\n\n{{ 1 / 0 }}\n", 3, "division by zero"),
        ("answer.txt", "{{ text }}\n{% include 'none.txt' %}\n", 2, "none.txt"),
        ("answer.html", "{{ ''.__class__.__mro__ }}{{ text }}\n", 1, "unsafe"),
        ("acknowledgement.html", "<p>Thank you</p>\n", 1, "does not say its number"),
        ("answer.txt", "Dear customer\n", 1, "does not say its text"),
        ("layout.html", "<p>{% block body %}{% endblock %}\n{{ colour }}</p>\n", 2, "colour"),
        ("_part.txt", "nothing", None, ""),
        ("acknowledgment.txt", "{{ number }}", 1, "no letter uses a file of this name"),
    ],
)
def test_a_broken_template_is_found_with_its_file_and_line(
    tmp_path: Path, name: str, text: str, line: int | None, word: str
) -> None:
    (tmp_path / name).write_text(text)
    faults = check_templates((tmp_path,))
    if line is None:
        assert faults == ()
        return
    assert len(faults) >= 1
    assert all(fault.startswith(f"{tmp_path / name}:{line}: ") for fault in faults)
    assert all(word in fault for fault in faults)


def test_a_template_that_is_not_utf8_and_a_folder_that_is_not_there_are_told(tmp_path: Path) -> None:
    (tmp_path / "answer.txt").write_bytes(b"\xff{{ text }}")
    faults = check_templates((tmp_path, tmp_path / "none"))
    assert any(fault.startswith(f"{tmp_path / 'answer.txt'}:1: the file is not UTF-8") for fault in faults)
    assert any(fault.startswith(f"{tmp_path / 'none'}:1: there is no such folder") for fault in faults)


def test_a_desk_cannot_reach_files_beside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "answer.txt").write_text("{{ text }}{% include '../secret.txt' %}")
    assert len(check_templates((folder,))) >= 1


def test_a_desks_html_escapes_what_a_person_wrote(tmp_path: Path) -> None:
    (tmp_path / "answer.html").write_text("<p>{{ text }}</p>")
    html = message_from_bytes(compose(sample(Answer("<b>&", "Anna"), "en"), (tmp_path,)), policy=policy.default)
    body = html.get_body(("html",))
    assert body is not None
    assert body.get_content().strip() == "<p>&lt;b&gt;&amp;</p>"


def test_each_letter_has_its_three_files() -> None:
    for kind in ("acknowledgement", "answer", "notice"):
        assert {f"{kind}.subject", f"{kind}.txt", f"{kind}.html"} <= set(NAMES)
