"""The doors for programs: whole mails and reports by HTTP, with tokens, signatures and limits."""

import asyncio
import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from databases import Stock, settings_of
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from world import World, instant, read_letter

from gateway.engine import Arrival
from gateway.rehearsal import Rehearsal
from gateway.store import api_tokens, reports
from gateway.store.database import open_database
from gateway.web.house import house_of
from gateway.web.intake import signature_of
from gateway.web.reports_in import FIELDS, OURS

KINDS = (
    "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data",
    "application/json; charset=utf-16", "text/plain", "",
)  # fmt: skip
START = "2026-11-25 10:00"
MAIL = (
    b"Message-ID: <one@acme.example>\r\nFrom: Mario <mario@acme.example>\r\nTo: support@example.test\r\n"
    b"Subject: Stampante\r\n\r\nLa stampante non stampa.\r\n"
)
TO = "/in/mail/raw?recipient=support@example.test&sender=mario@acme.example"


@pytest.fixture
def world(stock: Stock) -> Iterator[World]:
    with stock.fresh("sqlite", "test") as url:
        opened = World.open(url, "test", START)
        yield opened
        opened.close()


def issued(world: World, *scopes: str, **more: Any) -> tuple[str, str]:
    """A new token's id and its text."""
    token, text = world.database.write(
        lambda c: api_tokens.issue(c, "the portal", scopes, world.now, secret=world.engine.secret, **more)
    )
    return token.id, text


def bearer(text: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}", **more}


def client(world: World) -> TestClient:
    return world.rehearsal.client


# Whole mails ------------------------------------------------------------------------------------------------------


def test_a_mail_posted_with_a_token_is_a_ticket_and_the_same_again_a_duplicate(world: World) -> None:
    _, text = issued(world, "mail")
    first = client(world).post(TO, content=MAIL, headers=bearer(text))
    assert first.status_code == 200, first.text
    again = client(world).post(TO, content=MAIL, headers=bearer(text))
    assert (first.json()["outcome"], again.json()["outcome"]) == ("new", "duplicate")
    assert first.json()["ticket"] == again.json()["ticket"] == world.ticket().number
    (row, _) = world.ledger()
    assert (row.door, row.envelope_from, row.rcpt) == ("http", "mario@acme.example", ("support@example.test",))
    assert world.read(reports.raw, row.sha256) == MAIL


def test_the_envelope_may_come_in_headers_and_basic_carries_a_token_too(world: World) -> None:
    _, text = issued(world, "mail")
    basic = base64.b64encode(f"anybody:{text}".encode()).decode()
    headers = {
        "Authorization": f"Basic {basic}",
        "X-Envelope-From": "<>",
        "X-Envelope-To": "<support@example.test>, x@y.example",
    }
    assert client(world).post("/in/mail/raw", content=MAIL, headers=headers).json()["outcome"] == "new"
    (row,) = world.ledger()
    assert (row.envelope_from, row.rcpt, row.acknowledge) == ("", ("support@example.test",), False)


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "word"),
    [
        (TO, {}, MAIL, 401, "no token"),
        (TO, {"Authorization": "Bearer presa_aaaaaaaaaa_" + "x" * 43}, MAIL, 401, "not right"),
        (TO, {"Authorization": "Bearer ' OR 1=1"}, MAIL, 401, "not right"),
        ("/in/mail/raw", None, MAIL, 422, "no recipient"),
        ("/in/mail/raw?recipient=x@elsewhere.example", None, MAIL, 422, "none of the recipients is ours"),
        (TO, None, b" \r\n ", 422, "empty"),
        (TO + "&client=abc", None, MAIL, 422, "not an IP address"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_stored(
    world: World, path: str, headers: dict[str, str] | None, body: bytes, status: int, word: str
) -> None:
    given = bearer(issued(world, "mail")[1]) if headers is None else headers
    answer = client(world).post(path, content=body, headers=given)
    assert answer.status_code == status
    assert word in answer.json()["error"]
    assert world.ledger() == []


def test_a_token_of_another_scope_an_ended_and_a_revoked_one_open_nothing(world: World) -> None:
    _, other = issued(world, "report")
    assert client(world).post(TO, content=MAIL, headers=bearer(other)).status_code == 403
    _, ended = issued(world, "mail", expires_at=world.now)
    assert client(world).post(TO, content=MAIL, headers=bearer(ended)).status_code == 401
    token_id, revoked = issued(world, "mail")
    assert world.database.write(lambda c: api_tokens.revoke(c, token_id, world.now))
    assert client(world).post(TO, content=MAIL, headers=bearer(revoked)).status_code == 401
    assert world.ledger() == []


def test_no_token_is_stored_in_a_form_that_opens_a_door(world: World) -> None:
    texts = [issued(world, scope)[1] for scope in api_tokens.SCOPES]
    dump = world.everything_stored()
    assert [text for text in texts if text in dump or text.split("_", 2)[2] in dump] == []


@pytest.fixture
def tight(stock: Stock) -> Iterator[World]:
    """A door that takes 100,000 bytes at once."""
    ours = settings_of("test")
    with stock.fresh("sqlite", "test") as url:
        opened = World(
            Rehearsal(replace(ours, limits=replace(ours.limits, size=100_000)), open_database(url), instant(START))
        )
        yield opened
        opened.close()


def test_a_body_larger_than_the_limit_is_refused_whether_it_says_so_or_not(tight: World) -> None:
    _, text = issued(tight, "mail")
    endless = client(tight).post(TO, content=(b"x" * 10_000 for _ in range(100)), headers=bearer(text))
    told = client(tight).post(TO, content=b"x" * 400_001, headers=bearer(text))
    whole = client(tight).post(TO, content=MAIL + b"x" * 50_000, headers=bearer(text))
    assert (endless.status_code, told.status_code, whole.status_code) == (413, 413, 200)
    assert len(tight.ledger()) == 1


@pytest.mark.parametrize(("scope", "path", "most"), [("mail", "mail/raw", 420_000), ("report", "report", 120_000)])
def test_of_a_body_without_end_no_more_is_asked_for_than_the_limit(
    tight: World, scope: str, path: str, most: int
) -> None:
    _, text = issued(tight, scope)
    asked, said = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 10_000
        return {"type": "http.request", "body": b"x" * 10_000, "more_body": True}

    async def send(message: Any) -> None:
        said.append(message)

    headers = {"content-type": "application/json", **bearer(text)}
    request = {
        "type": "http", "method": "POST", "path": f"/in/{path}", "raw_path": f"/in/{path}".encode(), "root_path": "",
        "query_string": b"recipient=support@example.test", "scheme": "http", "http_version": "1.1",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    asyncio.run(client(tight).app(request, receive, send))  # type: ignore[arg-type]
    assert said[0]["status"] == 413
    assert asked <= most
    assert client(tight).post(TO, content=MAIL, headers=bearer(issued(tight, "mail")[1])).status_code == 200


def test_a_mail_that_is_somewhat_too_large_is_taken_from_its_beginning_and_its_sender_is_told(tight: World) -> None:
    """CASES mail 28: a provider has accepted it from its sender already; nobody would hear of a refusal."""
    _, text = issued(tight, "mail", edge=True)
    raw = (
        b"Authentication-Results: mx.example.test; dmarc=pass header.from=acme.example\r\n"
        + MAIL
        + b"riga\r\n" * 30_000
    )
    answers = [client(tight).post(TO, content=raw, headers=bearer(text)).json() for _ in range(2)]
    assert [one["outcome"] for one in answers] == ["new", "duplicate"]
    assert tight.read(reports.raw, tight.ledger()[0].sha256) == raw[:100_000]
    ticket = tight.ticket()
    assert "mark: too-big" in ticket.evidence
    assert f"the mail was too big: of {len(raw)} bytes the first 100000 are here" in tight.story(ticket)
    tight.advance(60)
    assert "troppo grande per riceverla per intero" in " ".join((read_letter(tight.letter()).text or "").split())


def test_trouble_inside_is_503_with_a_time_and_without_a_trace(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = issued(world, "mail")

    def broken(*_: object) -> object:
        raise RuntimeError("SELECT secret FROM /var/presa")

    monkeypatch.setattr(world.database, "submit", broken)
    answer = client(world).post(TO, content=MAIL, headers=bearer(text))
    assert answer.status_code == 503
    assert answer.headers["retry-after"].isdecimal()
    assert "SELECT" not in answer.text
    assert "Runtime" not in answer.text


def test_what_is_promised_is_noted_for_the_balance_under_its_key_in_the_ledger(world: World) -> None:
    noted: list[tuple[str, str]] = []
    house = house_of(world.engine, lambda door, key: noted.append((door, key)))
    done = house.take(Arrival("http", "", None, ("support@example.test",), MAIL, world.now))
    ((door, key),) = noted
    assert (door, done.outcome) == ("http", "new")
    assert world.read(reports.twin, key).ticket_id == world.ticket().id


def test_results_of_an_edge_count_only_with_a_token_of_the_edge(world: World) -> None:
    proven = b"Authentication-Results: mx.example.test; dmarc=pass header.from=acme.example\r\n" + MAIL
    _, provider = issued(world, "mail")
    _, edge = issued(world, "mail", edge=True)
    client(world).post(TO, content=proven, headers=bearer(provider))
    client(world).post(TO, content=proven.replace(b"one@", b"two@"), headers=bearer(edge))
    assert [ticket.verified for ticket in sorted(world.tickets(), key=lambda one: one.id)] == [False, True]


# Reports ----------------------------------------------------------------------------------------------------------

TYPED = {
    "email": "mario@acme.example", "name": "Mario Rossi", "subject": "Siamo fermi", "severity": "1",
    "text": "Non funziona nulla.\n> nemmeno questo\n-- \nMario",
}  # fmt: skip


def test_a_portal_that_vouches_opens_a_verified_ticket_with_the_priority_that_was_chosen(world: World) -> None:
    _, text = issued(world, "report", vouches=True)
    answer = client(world).post("/in/report", json=TYPED, headers=bearer(text))
    assert answer.status_code == 200, answer.text
    ticket = world.ticket()
    assert (ticket.channel, ticket.customer, ticket.verified, ticket.priority) == ("portal", "ACME", True, "P1")
    assert answer.json() == {"outcome": "new", "ticket": ticket.number, "reason": None}
    assert "the portal «the portal» vouches for mario@acme.example" in ticket.evidence
    assert world.story(ticket, "mail-in") == [TYPED["text"]]
    world.advance()
    assert world.letter().recipient == "mario@acme.example"


def test_a_portal_that_does_not_vouch_makes_a_claim(world: World) -> None:
    _, text = issued(world, "report")
    client(world).post("/in/report", json=TYPED, headers=bearer(text))
    ticket = world.ticket()
    assert (ticket.customer, ticket.verified, ticket.plan) == ("ACME", False, "platinum")
    assert not {"page", "acknowledge"} & set(world.jobs(ticket))
    world.advance(60)
    assert (world.orders(), world.letters()) == (0, [])


def test_a_code_that_is_typed_names_the_customer_and_proves_nothing(world: World) -> None:
    _, text = issued(world, "report")
    client(world).post("/in/report", json={"code": "100001", "text": "Aiuto"}, headers=bearer(text))
    _, vouching = issued(world, "report", vouches=True)
    client(world).post("/in/report", json={"code": "100001", "text": "Aiuto ancora"}, headers=bearer(vouching))
    claimed, vouched = sorted(world.tickets(), key=lambda one: one.id)
    assert (claimed.customer, claimed.verified, vouched.customer, vouched.verified) == ("ACME", False, "ACME", True)


def test_files_come_with_a_form_and_are_kept_byte_for_byte(world: World) -> None:
    _, text = issued(world, "report")
    content = bytes(range(256)) * 50
    files = [
        ("file", ("nota è.pdf", content, "application/pdf")),
        ("file", ("x.eml", b"From: a@b.example\r\n\r\nx", "message/rfc822")),
    ]
    fields = {"email": "someone@unknown.example", "text": "Con allegati"}
    answer = client(world).post("/in/report", data=fields, files=files, headers=bearer(text))
    assert answer.status_code == 200, answer.text
    (row,) = world.ledger()
    import parsers

    read = parsers.parse(world.read(reports.raw, row.sha256))
    assert [(one.filename, one.content_type, one.content) for one in read.attachments] == [
        ("nota è.pdf", "application/pdf", content),
        ("x.eml", "application/octet-stream", b"From: a@b.example\r\n\r\nx"),
    ]


def test_json_may_carry_files_in_base64(world: World) -> None:
    _, text = issued(world, "report")
    one = {"filename": "a.txt", "content_type": "text/plain", "content": base64.b64encode(b"hello").decode()}
    assert (
        client(world).post("/in/report", json={**TYPED, "attachments": [one]}, headers=bearer(text)).status_code == 200
    )
    wrong = client(world).post("/in/report", json={**TYPED, "attachments": [{"content": "%"}]}, headers=bearer(text))
    assert (wrong.status_code, "base64" in wrong.json()["error"]) == (422, True)


def test_an_idempotency_key_makes_one_ticket_of_one_report_and_refuses_another(world: World) -> None:
    _, text = issued(world, "report")
    headers = bearer(text, **{"Idempotency-Key": "order-7"})
    first, again = (client(world).post("/in/report", json=TYPED, headers=headers).json() for _ in range(2))
    world.advance(days=2)
    later = client(world).post("/in/report", json=TYPED, headers=headers).json()
    assert (first["outcome"], again["outcome"], later["outcome"]) == ("new", "duplicate", "duplicate")
    other = client(world).post("/in/report", json={**TYPED, "text": "Altro"}, headers=headers)
    assert (other.status_code, "Idempotency-Key" in other.json()["error"]) == (422, True)
    assert len(world.tickets()) == 1
    _, second = issued(world, "report")
    mine = client(world).post(
        "/in/report", json={**TYPED, "text": "Altro"}, headers=bearer(second, **{"Idempotency-Key": "order-7"})
    )
    assert mine.json()["outcome"] == "new"


def test_without_a_key_the_same_report_within_a_day_is_the_same(world: World) -> None:
    _, text = issued(world, "report")
    outcomes = [client(world).post("/in/report", json=TYPED, headers=bearer(text)).json()["outcome"] for _ in range(2)]
    world.advance(days=1)
    outcomes.append(client(world).post("/in/report", json=TYPED, headers=bearer(text)).json()["outcome"])
    assert outcomes == ["new", "duplicate", "new"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"text": ""}, "text: missing"), ({"email": ""}, "email, phone and code"), ({"email": "no"}, "email: not an address"),
        ({"phone": "abc"}, "phone: not a number"), ({"severity": "9"}, "severity: 9"), ({"kind": "nonsense"}, "kind: nonsense"),
        ({"colour": "red"}, "colour: no field"), ({"text": "x" * 200_001}, "text: longer"), ({"severity": "", "impact": "high"}, "impact and urgency"),
        ({"recipient": "x@elsewhere.example"}, "recipient: x@elsewhere.example is no address of ours"),
        ({"email": ["a", "b"]}, "email: not a text"),
    ],
)  # fmt: skip
def test_a_field_that_is_wrong_is_named(world: World, change: dict[str, Any], word: str) -> None:
    _, text = issued(world, "report")
    answer = client(world).post("/in/report", json={**TYPED, **change}, headers=bearer(text))
    assert (answer.status_code, word in answer.json()["error"]) == (422, True), answer.text
    assert world.ledger() == []


@pytest.mark.parametrize(
    ("severity", "priority"), [("P2", "P2"), ("2", "P2"), ("high", "P2"), ("alta", "P2"), ("CRITICAL", "P1")]
)
def test_a_severity_is_the_desks_own_word_or_a_number(world: World, severity: str, priority: str) -> None:
    _, text = issued(world, "report")
    client(world).post("/in/report", json={**TYPED, "severity": severity}, headers=bearer(text))
    assert world.ticket().priority == priority


@pytest.mark.parametrize(
    ("impact", "urgency", "priority"),
    [("high", "high", "P1"), ("high", "low", "P3"), ("low", "low", "P4"), ("medium", "high", "P2")],
)
def test_impact_and_urgency_make_a_priority(world: World, impact: str, urgency: str, priority: str) -> None:
    _, text = issued(world, "report")
    typed = {**TYPED, "severity": "", "impact": impact, "urgency": urgency}
    assert client(world).post("/in/report", json=typed, headers=bearer(text)).status_code == 200
    assert world.ticket().priority == priority


HOSTILE = (
    "x\r\nBcc: v@e.example",
    "=?utf-8?q?x=0D=0ABcc:_v@e.example?=",
    'a" <v@e.example>, "',
    "\u202eltr",
    "é" * 400,
    "\ud83d\ude00",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_typed_stays_what_it_is_and_adds_no_header(world: World, text: str) -> None:
    """CASES attacks C5"""
    _, token = issued(world, "report", vouches=True)
    typed = {
        "email": "mario@acme.example",
        "name": text,
        "subject": text,
        "text": f"{text}\r\n\r\nFrom: boss@example.test\r\n.\r\n",
    }
    assert (
        client(world)
        .post("/in/report", content=json.dumps(typed), headers=bearer(token, **{"Content-Type": "application/json"}))
        .status_code
        == 200
    )
    (row,) = world.ledger()
    import parsers

    read = parsers.parse(world.read(reports.raw, row.sha256))
    assert {name for name, _ in read.headers} <= {
        "x-presa-given", "from", "to", "subject", "mime-version", "content-type", "content-transfer-encoding",
    }  # fmt: skip
    assert ([one.addr for one in read.froms], read.cc) == (["mario@acme.example"], ())
    assert world.ticket().customer == "ACME"


def test_our_own_address_typed_into_a_form_is_held(world: World) -> None:
    _, text = issued(world, "report")
    answer = client(world).post("/in/report", json={**TYPED, "email": "support@example.test"}, headers=bearer(text))
    assert answer.json()["outcome"] == "held"


def test_a_bounce_typed_into_a_form_is_a_report(world: World) -> None:
    _, text = issued(world, "report")
    typed = {
        **TYPED,
        "subject": "Undelivered Mail Returned to Sender",
        "text": "This is the mail system at host mx.example.",
    }
    assert client(world).post("/in/report", json=typed, headers=bearer(text)).json()["outcome"] == "new"


VALUE = st.none() | st.booleans() | st.integers() | st.text(max_size=60) | st.lists(st.text(max_size=5), max_size=2)
FIELD = st.sampled_from([*FIELDS, *OURS, "attachments", "colour"])


def test_whatever_comes_the_answer_is_one_clear_line_and_never_a_fault_of_ours(world: World) -> None:
    _, text = issued(world, "report")
    page = client(world)

    @settings(max_examples=80, deadline=None, database=None)
    @given(
        body=st.dictionaries(FIELD, VALUE, max_size=8) | VALUE, kind=st.sampled_from(KINDS), raw=st.binary(max_size=300)
    )
    def knock(body: Any, kind: str, raw: bytes) -> None:
        content = json.dumps(body).encode() if kind == KINDS[0] else raw
        answer = page.post("/in/report", content=content, headers=bearer(text, **{"Content-Type": kind}))
        assert answer.status_code in (200, 400, 413, 415, 422), (content, answer.text)
        assert list(answer.json()) in (["error"], ["outcome", "ticket", "reason"])

    knock()


# Signed forms -----------------------------------------------------------------------------------------------------


def signed(world: World, **more: Any) -> dict[str, str]:
    """What a site puts into its page: the form's id, until when, and the signature."""
    vouches = more.pop("vouches", False)
    ahead = more.pop("seconds", 3600)
    form, text = issued(world, "form", vouches=vouches)
    expires = str(int(world.now.timestamp()) + ahead)
    vouched = (more.get("email", ""), more.get("code", "")) if vouches else ()
    key = text.rpartition("_")[2]
    return {
        **more,
        "form": form,
        "expires": expires,
        "signature": signature_of(key, form, expires, more.get("recipient", ""), vouched),
    }


def test_a_signed_form_from_a_browser_is_a_ticket_and_says_its_number_in_their_language(world: World) -> None:
    fields = {**TYPED, **signed(world)}
    answer = client(world).post("/in/report", data=fields, headers={"Accept": "text/html", "Accept-Language": "it"})
    assert answer.status_code == 200, answer.text
    ticket = world.ticket()
    assert (ticket.channel, ticket.verified, world.ledger()[0].door) == ("portal", False, "form")
    assert ticket.number in answer.text
    assert "Abbiamo ricevuto" in answer.text
    assert "fermi" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("change", "seconds", "word"),
    [
        ({"expires": "99999999999"}, 60, "not right"), ({"signature": "0" * 64}, 60, "not right"), ({"form": "aaaaaaaaaa"}, 60, "not right"),
        ({"recipient": "support@example.test"}, 60, "not right"), ({}, -1, "out of date"), ({}, 8 * 86_400, "more than 7 days"),
    ],
)  # fmt: skip
def test_a_form_whose_signature_is_wrong_or_over_is_refused(
    world: World, change: dict[str, str], seconds: int, word: str
) -> None:
    fields = {**TYPED, **signed(world, seconds=seconds), **change}
    answer = client(world).post("/in/report", data=fields)
    assert (answer.status_code, word in answer.json()["error"]) == (403, True), answer.text
    assert world.ledger() == []


def test_a_form_that_vouches_signs_whom_it_vouches_for(world: World) -> None:
    fields = {**TYPED, **signed(world, vouches=True, email="mario@acme.example")}
    wrong = client(world).post("/in/report", data={**fields, "email": "luigi.beta@gmail.com"})
    assert wrong.status_code == 403
    assert client(world).post("/in/report", data=fields).status_code == 200
    assert world.ticket().verified


def test_a_form_open_to_everybody_is_paced(world: World) -> None:
    fields = signed(world)
    codes = [
        client(world).post("/in/report", data={**TYPED, **fields, "text": f"Nr {n}", "colour": "no"}).status_code
        for n in range(3)
    ]
    assert codes == [422] * 3
    codes = [client(world).post("/in/report", data={**TYPED, **fields}).status_code for n in range(121)]
    assert (codes[:120], codes[120]) == ([200] * 120, 429)


# The description --------------------------------------------------------------------------------------------------


def test_the_doors_describe_themselves_without_a_session(world: World) -> None:
    described = client(world).get("/in/openapi.json")
    assert described.status_code == 200
    paths = described.json()["paths"]
    assert {"/mail/raw", "/report"} <= set(paths)
    assert set(paths["/report"]["post"]["requestBody"]["content"]) == {
        "application/json", "application/x-www-form-urlencoded", "multipart/form-data",
    }  # fmt: skip
    assert {"200", "401", "413", "422", "503"} <= set(paths["/mail/raw"]["post"]["responses"])


# A web form that sends mail ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "proof", "requester"),
    [(True, "pass", "anna@unknown.example"), (True, "fail", "form@site.example"), (False, "pass", "form@site.example")],
)
def test_reply_to_names_the_author_only_in_mails_of_a_listed_form(
    stock: Stock, listed: bool, proof: str, requester: str
) -> None:
    """CASES mail 21"""
    with stock.fresh("sqlite", "test") as url:
        ours = replace(settings_of("test"), form_senders=frozenset(("form@site.example",) if listed else ()))
        world = World(Rehearsal(ours, open_database(url), World.open(url, "test", START).now))
        headers = {"Reply-To": "Anna <anna@unknown.example>", "Auto-Submitted": "auto-generated"}
        done = world.mail(
            "form@site.example", "Modulo", "Ho un problema con la stampante", proof=proof, headers=headers
        )
        assert world.ticket().requester == requester
        assert done.acknowledge is (requester == "anna@unknown.example")
        world.close()
