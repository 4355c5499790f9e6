"""The console shows every letter in every language, and only to people who are signed in."""

import re

import pytest
from world import World

from gateway import locale
from gateway.post.check import SAMPLE_CONTENTS


def test_every_letter_is_listed_and_shown_in_every_language(world: World) -> None:
    agent = world.agent()
    listed = agent.client.get("/letters").text
    links = re.findall(r'href="(/letters/test/\d+/\w+)"', listed)
    assert len(links) == len(SAMPLE_CONTENTS) * len(locale.LANGUAGES)
    for link in links[:7] + links[-7:]:
        page, frame = agent.client.get(link), agent.client.get(f"{link}/html")
        assert (page.status_code, frame.status_code) == (200, 200), link
        assert f'src="{link}/html"' in page.text
        assert "sandbox" in frame.headers["content-security-policy"]
        assert "default-src 'none'" in frame.headers["content-security-policy"]
        assert "PR-1002-4137" in frame.text


def test_every_letter_of_the_list_has_a_name_of_its_own(world: World) -> None:
    page = world.agent().client.get("/letters").text
    names = re.findall(r"<li><span>([^<]+)</span>", page)
    assert len(names) == len(SAMPLE_CONTENTS) == len(set(names)), names


@pytest.mark.parametrize(
    "path",
    [
        "/letters/none/0/it",
        "/letters/test/99/it",
        "/letters/test/x/it",
        "/letters/test/0/xx",
        "/letters/test/0/xx/html",
    ],
)
def test_a_letter_that_does_not_exist_is_not_found(world: World, path: str) -> None:
    assert world.agent().client.get(path).status_code == 404


def test_a_stranger_is_shown_the_door(world: World) -> None:
    answer = world.rehearsal.client.get("/letters/test/0/it/html", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login")
