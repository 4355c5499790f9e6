"""Who gets into the console, how fast they may guess, and what their cookies look like."""

import asyncio
import re

import pytest
from console_backend import PASSWORDS, DemoBackend, application
from fastapi import FastAPI
from starlette.testclient import TestClient
from test_console_pages import signed_in

from gateway.web import console, sessions


@pytest.fixture
def backend() -> DemoBackend:
    return DemoBackend()


def form_of(client: TestClient, path: str = "/login") -> str:
    found = re.search(r'name="csrf" value="(\w+)"', client.get(path).text)
    assert found
    return found[1]


def test_without_a_session_every_page_leads_to_the_sign_in_and_back(backend: DemoBackend) -> None:
    client = TestClient(application(backend))
    answer = client.get("/tickets/PR-1002-4137?x=1", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Ftickets%2FPR-1002-4137%3Fx%3D1")
    data = {"csrf": form_of(client), "login": "giulia", "password": PASSWORDS["giulia"]}
    back = client.post(answer.headers["location"], data=data, follow_redirects=False)
    assert back.headers["location"] == "/tickets/PR-1002-4137?x=1"


@pytest.mark.parametrize(
    "next_", ["//evil.example", "/\\evil.example", "https://evil.example", "/\nx", "", "javascript:1"]
)
def test_the_sign_in_never_leads_to_another_site(backend: DemoBackend, next_: str) -> None:
    client = TestClient(application(backend))
    data = {"csrf": form_of(client), "login": "giulia", "password": PASSWORDS["giulia"]}
    answer = client.post("/login", params={"next": next_}, data=data, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(backend: DemoBackend) -> None:
    client = TestClient(application(backend, secure=True), base_url="https://testserver")
    data = {"csrf": form_of(client), "login": "Giulia", "password": PASSWORDS["giulia"]}
    cookies = client.post("/login", data=data, follow_redirects=False).headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("presa_session="))
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "Secure" in session
    token = session.partition("=")[2].partition(";")[0]
    assert len(token) == 43
    assert list(backend.sessions) == [sessions.fingerprint(token)]


def test_wrong_login_and_wrong_password_are_told_with_the_same_words(backend: DemoBackend) -> None:
    client = TestClient(application(backend))
    said = set()
    for login in ("giulia", "nobody"):
        answer = client.post("/login", data={"csrf": form_of(client), "login": login, "password": "wrong"})
        assert answer.status_code == 401
        found = re.search(r'role="alert">([^<]+)<', answer.text)
        assert found
        said.add(found[1])
    assert said == {"Login or password is not right."}


def test_a_user_without_a_password_can_not_sign_in_with_an_empty_one() -> None:
    assert not sessions.verify_password("", "")
    assert not sessions.verify_password("not a hash", "x")
    assert not sessions.verify_password(sessions.hash_password("x"), "x" * 5000)
    assert sessions.verify_password(sessions.hash_password("x"), "x")


def test_a_sign_in_form_of_another_site_is_refused(backend: DemoBackend) -> None:
    client = TestClient(application(backend))
    right = {"login": "giulia", "password": PASSWORDS["giulia"]}
    token = form_of(client)
    assert client.post("/login", data=right).status_code == 403
    assert client.post("/login", data={**right, "csrf": "0" * 64}).status_code == 403
    cross = client.post("/login", data={**right, "csrf": token}, headers={"sec-fetch-site": "cross-site"})
    assert cross.status_code == 403
    assert not backend.sessions


def test_the_sixth_wrong_try_in_a_minute_is_answered_slowly_and_the_right_password_still_opens(
    backend: DemoBackend,
) -> None:
    time, waited = [100.0], []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    web = FastAPI()
    web.include_router(console.router(backend, console.Settings(secure=False), clock=lambda: time[0], sleep=sleep))
    client = TestClient(web)
    data = {"csrf": form_of(client), "login": "giulia", "password": "wrong"}
    for _ in range(5):
        assert client.post("/login", data=data).status_code == 401
    assert waited == []
    assert client.post("/login", data=data).status_code == 401
    assert waited == [sessions.PACE_SECONDS]
    answer = client.post("/login", data={**data, "password": PASSWORDS["giulia"]}, follow_redirects=False)
    assert answer.status_code == 303
    assert waited == [2.0, 4.0]


def test_a_crowd_of_tries_is_turned_away_but_only_for_that_login() -> None:
    time = [0.0]
    pace = sessions.Pace(lambda: time[0])
    waits = [pace.wait("Giulia " if n % 2 else "giulia") for n in range(12)]
    assert waits == [0.0] * 5 + [2.0, 4.0, 6.0, 8.0, 10.0, None, None]
    assert pace.wait("marco") == 0.0
    time[0] += 75
    assert pace.wait("giulia") == 0.0


def test_logins_that_are_watched_do_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LOGINS_WATCHED", 3)
    pace = sessions.Pace(lambda: 0.0)
    for n in range(50):
        pace.wait(f"login{n}")
    for _ in range(4):
        pace.wait("login49")
    assert pace.wait("login49") == 2.0
    assert pace.wait("login0") == 0.0


def test_signing_out_ends_the_session_everywhere(backend: DemoBackend) -> None:
    client = signed_in(backend, "giulia")
    answer = client.post("/logout", data={"csrf": form_of(client, "/")}, follow_redirects=False)
    assert answer.headers["location"] == "/login"
    assert not backend.sessions
    assert client.get("/", follow_redirects=False).headers["location"] == "/login"


def test_a_fragment_without_a_session_makes_the_browser_load_the_page_again(backend: DemoBackend) -> None:
    answer = TestClient(application(backend)).get("/", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-refresh"]) == (401, "true")


def test_events_are_for_people_with_a_session(backend: DemoBackend) -> None:
    assert TestClient(application(backend)).get("/events/tickets").status_code == 401


def test_demo_logins_are_shown_in_the_demo_only(backend: DemoBackend) -> None:
    assert PASSWORDS["giulia"] in TestClient(application(backend)).get("/login").text
    assert PASSWORDS["giulia"] not in TestClient(application(backend, demo=False)).get("/login").text


def test_a_change_is_one_small_event_and_silence_is_a_comment(backend: DemoBackend) -> None:
    async def heard() -> list[str]:
        answers = iter([7, 9, 9, 9, -1])

        async def wait(after: int, timeout: float) -> int:
            return next(answers)

        async def at_once(seconds: float) -> None:
            assert seconds == console.GATHER_SECONDS

        backend.wait_for_change = wait  # type: ignore[method-assign]
        backend.open_session(sessions.fingerprint("t"), "giulia")
        desk = console.Console(backend, console.Settings(), None, {}, at_once)  # type: ignore[arg-type]
        return [part async for part in desk.stream("t", 5)]

    assert asyncio.run(heard()) == [
        "retry: 3000\n\n",
        "id: 7\nevent: tickets\ndata: 7\n\n",
        "id: 9\nevent: tickets\ndata: 9\n\n",
        ": still here\n\n",
        ": still here\n\n",
    ]


def test_a_stream_ends_with_its_session(backend: DemoBackend) -> None:
    async def heard() -> list[str]:
        async def wait(after: int, timeout: float) -> int:
            return after

        backend.wait_for_change = wait  # type: ignore[method-assign]
        desk = console.Console(backend, console.Settings(), None, {}, asyncio.sleep)  # type: ignore[arg-type]
        return [part async for part in desk.stream("closed long ago", None)]

    assert asyncio.run(heard()) == ["retry: 3000\n\n"]
