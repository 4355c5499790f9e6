"""What an agent can do to a ticket, and who can not."""

import re

import pytest
from console_backend import DemoBackend
from starlette.testclient import TestClient
from test_console_pages import signed_in, text_of

from gateway.errors import Temporary
from gateway.web import forms

PATH = "/tickets/PR-1002-4137"
ACTIONS = [
    ("take", {}, "Taken in charge."),
    ("answer", {"text": "Buongiorno,\r\nci siamo.", "then": "wait"}, "The answer is on its way."),
    ("note", {"text": "seen before"}, "Note kept."),
    ("pause", {"reason": "the customer tries it"}, "The clock is paused."),
    ("resume", {"text": ""}, "The clock runs again."),
    ("priority", {"priority": "P2", "text": "one printer only"}, "Priority changed"),
    ("escalate", {"to": "l2", "text": "needs the vendor"}, "Escalated."),
    ("resolve", {"text": "Driver rolled back."}, "Resolved."),
    ("verify", {}, "The sender is verified"),
    ("assign", {"customer": "ACME"}, "The report has its customer"),
]


@pytest.fixture
def backend() -> DemoBackend:
    return DemoBackend()


@pytest.fixture
def browser(backend: DemoBackend) -> TestClient:
    return signed_in(backend, "giulia")


def hidden(client: TestClient, path: str = PATH) -> dict[str, str]:
    html = client.get(path).text
    return {name: re.findall(rf'name="{name}" value="([\w-]+)"', html)[-1] for name in ("csrf", "once")}


@pytest.mark.parametrize(("action", "fields", "said"), ACTIONS, ids=[action for action, _, _ in ACTIONS])
def test_each_action_reaches_the_desk_and_the_page_says_so(
    backend: DemoBackend, browser: TestClient, action: str, fields: dict[str, str], said: str
) -> None:
    answer = browser.post(f"{PATH}/{action}", data={**hidden(browser), **fields}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?done={action}")
    kept = {name: value.replace("\r\n", "\n") for name, value in fields.items()}
    assert backend.acted == [("PR-1002-4137", action, "giulia", kept)]
    assert said in text_of(browser.get(answer.headers["location"]).text)


@pytest.mark.parametrize(
    ("path", "offered"),
    [
        (PATH, {"take", "answer", "note", "pause", "priority", "escalate", "resolve", "plan", "assign", "correct"}),
        (
            "/tickets/PR-1002-4071",
            {"answer", "note", "pause", "resume", "priority", "escalate", "resolve", "plan", "assign", "correct"},
        ),
    ],
)
def test_a_page_offers_what_makes_sense_in_its_state(browser: TestClient, path: str, offered: set[str]) -> None:
    assert set(re.findall(rf'action="{path}/(\w+)"', browser.get(path).text)) == offered


def test_the_same_form_sent_twice_acts_once(backend: DemoBackend, browser: TestClient) -> None:
    form = {**hidden(browser), "text": "only once"}
    for _ in range(2):
        assert browser.post(f"{PATH}/note", data=form, follow_redirects=False).status_code == 303
    assert len(backend.acted) == 1


def test_another_text_in_a_page_from_the_browsers_history_is_not_taken_for_the_same(
    backend: DemoBackend, browser: TestClient
) -> None:
    form = hidden(browser)
    for text in ("first", "second"):
        browser.post(f"{PATH}/note", data={**form, "text": text})
    assert [fields["text"] for _, _, _, fields in backend.acted] == ["first", "second"]


@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "é", "\0"])
def test_a_form_that_is_not_ours_changes_nothing(backend: DemoBackend, browser: TestClient, csrf: str | None) -> None:
    form = {"text": "x"} if csrf is None else {"text": "x", "csrf": csrf}
    assert browser.post(f"{PATH}/note", data=form).status_code == 403
    assert browser.post("/logout", data=form).status_code == 403
    assert backend.acted == []
    assert backend.sessions


def test_a_form_token_of_another_session_is_refused(backend: DemoBackend, browser: TestClient) -> None:
    other = hidden(signed_in(backend, "elena"))
    assert browser.post(f"{PATH}/note", data={**other, "text": "x"}).status_code == 403
    assert backend.acted == []


def test_a_right_token_from_another_site_is_refused(backend: DemoBackend, browser: TestClient) -> None:
    form = {**hidden(browser), "text": "x"}
    assert browser.post(f"{PATH}/note", data=form, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert backend.acted == []


@pytest.mark.parametrize(("action", "fields"), [(action, fields) for action, fields, _ in ACTIONS])
def test_a_read_only_role_sees_no_form_and_can_not_act(
    backend: DemoBackend, action: str, fields: dict[str, str]
) -> None:
    reader = signed_in(backend, "ada")
    html = reader.get(PATH).text
    assert f'action="{PATH}/' not in html
    assert "Your role may look" in html
    token = re.findall(r'name="csrf" value="(\w+)"', html)[0]
    assert reader.post(f"{PATH}/{action}", data={"csrf": token, **fields}).status_code == 403
    assert backend.acted == []


@pytest.mark.parametrize("login", ["marco", "elena"])
def test_on_call_engineers_and_supervisors_act_too(backend: DemoBackend, login: str) -> None:
    client = signed_in(backend, login)
    assert client.post(f"{PATH}/take", data=hidden(client), follow_redirects=False).status_code == 303
    assert backend.acted == [("PR-1002-4137", "take", login, {})]


@pytest.mark.parametrize("action", sorted(forms.REQUIRED))
def test_an_action_that_lacks_its_words_says_which(backend: DemoBackend, browser: TestClient, action: str) -> None:
    answer = browser.post(f"{PATH}/{action}", data={**hidden(browser), "text": "  ", "reason": " "})
    assert answer.status_code == 409
    assert forms.REQUIRED[action][1].partition(":")[0] in text_of(answer.text)
    assert backend.acted == []


def test_a_refused_answer_comes_back_with_every_word_that_was_typed(backend: DemoBackend, browser: TestClient) -> None:
    backend.refusal = "The ticket was closed by Marco Bassi a minute ago."
    answer = browser.post(f"{PATH}/answer", data={**hidden(browser), "text": "Twenty lines & <more>", "then": "wait"})
    assert answer.status_code == 409
    assert "closed by Marco Bassi" in answer.text
    assert "Twenty lines &amp; &lt;more&gt;</textarea>" in answer.text
    assert '<option value="wait" selected>' in answer.text


def test_trouble_inside_is_told_as_temporary(
    backend: DemoBackend, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = hidden(browser)

    def down(*_: object) -> None:
        raise Temporary("The database does not answer; try again in a moment.")

    monkeypatch.setattr(backend, "act", down)
    answer = browser.post(f"{PATH}/take", data=form)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "The database does not answer" in answer.text


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"text=" + b"x" * forms.FORM_BYTES, 413),
        ({"content-type": "application/x-www-form-urlencoded"}, b"&".join(b"a=%d" % n for n in range(200)), 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"text=\xff\xfe", 400),
    ],
)
def test_what_is_no_form_is_refused(
    backend: DemoBackend, browser: TestClient, headers: dict[str, str], body: bytes, status: int
) -> None:
    assert browser.post(f"{PATH}/note", content=body, headers=headers).status_code == status
    assert backend.acted == []


def test_unknown_actions_and_tickets_are_told_apart_from_trouble(backend: DemoBackend, browser: TestClient) -> None:
    form = hidden(browser)
    assert browser.post(f"{PATH}/delete", data=form).status_code == 404
    assert browser.post("/tickets/PR-0000-0000/take", data=form).status_code == 404
    assert backend.acted == []
