"""A directory from a file: what changes is shown, what is wrong has its line, and nothing is ever half done."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import settings_of

from gateway import app
from gateway.people import importing
from gateway.settings.source import ConfigError
from gateway.store import directory
from gateway.store.database import Database, open_database
from gateway.store.directory import StoredFinder

SETTINGS = settings_of("test")
HEAD = "customer;name;desk;plan;code;domains;starts;ends;products;contact;emails;phones;authorised;grants\n"
TABLE = HEAD + (
    "DELTA;Delta S.r.l.;test;gold;100004;delta.example|*.delta-lab.example;2026-01-01;2026-12-31;Call=end-of-life;Ada;ada@delta.example;06/5551234;sì;incident\n"
    "DELTA;;;;;;;;;Bea;bea@delta.example;;no;\n"
    "EPSI;Epsilon;test;basic;;;;;;;;;;\n"
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("import") / "like.db"
    opened = open_database(f"sqlite:///{path}")
    app.prepare(SETTINGS, opened)
    opened.close()
    return path


@pytest.fixture
def database(tmp_path: Path, prepared: Path) -> Iterator[Database]:
    shutil.copy(prepared, tmp_path / "import.db")
    opened = open_database(f"sqlite:///{tmp_path}/import.db")
    yield opened
    opened.close()


def load(database: Database, text: str, kind: importing.Kind = "csv", **how: bool) -> importing.Imported:
    return importing.import_text(SETTINGS, database, text, kind, name=f"d.{kind}", **how)


def ids(database: Database) -> list[str]:
    return [one.id for one in database.read(directory.every)]


def test_a_table_becomes_customers_with_their_contacts_contract_and_products(database: Database) -> None:
    load(database, TABLE)
    delta = database.read(lambda c: directory.get(c, "DELTA"))
    assert delta is not None
    assert (delta.name, delta.code, delta.domains) == (
        "Delta S.r.l.",
        "100004",
        ("delta.example", "*.delta-lab.example"),
    )
    assert [(one.name, one.emails, one.phones, one.authorised) for one in delta.contacts] == [
        ("Ada", ("ada@delta.example",), ("+39065551234",), True),
        ("Bea", ("bea@delta.example",), (), False),
    ]
    assert delta.contacts[0].grants == {"incident"}
    assert str(delta.contract.ends) == "2026-12-31"
    assert [(one.name, one.state) for one in delta.contract.products] == [("Call", "end-of-life")]
    assert ids(database) == ["DELTA", "EPSI"]


def test_a_dry_run_shows_the_difference_and_does_nothing(database: Database) -> None:
    before = database.read(directory.every)
    done = load(database, TABLE, dry_run=True)
    assert list(importing.in_words(done)) == [
        "+ DELTA", "+ EPSI", "- ACME", "- BETA", "- GAMMA", "PINs: 0 added, 1 revoked",
        "2 added, 0 changed, 3 removed, 0 unchanged (dry run: nothing was done)",
    ]  # fmt: skip
    assert database.read(directory.every) == before


def test_the_same_again_changes_nothing(database: Database) -> None:
    load(database, TABLE)
    again = load(database, TABLE)
    assert not again.difference
    assert again.difference.same == 2


def test_a_change_is_told_field_by_field(database: Database) -> None:
    load(database, TABLE)
    changed = (
        TABLE.replace(";gold;", ";platinum;")
        .replace("delta.example|", "delta.example|delta.test|")
        .replace("bea@", "bice@")
    )
    (line,) = load(database, changed, dry_run=True).details.values()
    assert "plan: gold -> platinum" in line
    assert "domains: +delta.test" in line
    assert any("contact Bea" in one for one in line)


def test_with_keep_the_others_stay_and_lose_nothing(database: Database) -> None:
    done = load(database, TABLE, keep=True)
    assert (done.difference.added, done.difference.removed, done.pins_revoked) == (("DELTA", "EPSI"), (), 0)
    assert ids(database) == ["ACME", "BETA", "DELTA", "EPSI", "GAMMA"]
    assert database.read(lambda c: directory.pin_hashes(c, "ACME"))


def test_with_keep_nobody_may_claim_what_another_has(database: Database) -> None:
    with pytest.raises(ConfigError, match=r"d.csv:2:\d+: code 100001, which ACME has in the directory"):
        load(database, TABLE.replace("100004", "100001"), keep=True)
    with pytest.raises(ConfigError, match=r"d.csv:3:\d+: address mario@acme.example, which ACME has"):
        load(database, TABLE.replace("bea@delta", "mario@acme"), keep=True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (TABLE.replace(";plan;", ";piano;"), r"d.csv:1:4: unknown column 'piano'"),
        (TABLE.replace("customer;", "id;"), r"d.csv:1:1: no column 'customer'"),
        (TABLE.replace("ada@delta.example", "ada@delta"), r"d.csv:2:11: address 'ada@delta'"),
        (TABLE.replace("06/5551234", "boh"), r"d.csv:2:12: phone 'boh'"),
        (TABLE.replace(";no;", ";forse;"), r"d.csv:3:13: authorised 'forse'; yes or no"),
        (TABLE.replace(";test;basic;", ";test;silver;"), r"d.csv:4:4: plan silver; a plan of test"),
        (TABLE.replace("DELTA;;;;", "DELTA;Other;;;"), r"d.csv:3:2: name 'Other', which says otherwise than line 2"),
        (TABLE.replace("EPSI;Epsilon;test", ";Epsilon;test"), r"d.csv:4:1: no customer"),
        (TABLE.replace("EPSI;", "EPSI;;"), r"d.csv:4:1: 15 cells; 14, as in the first line"),
        (TABLE.replace("2026-12-31", "31/12/2026"), r"d.csv:2:8: ends"),
        (TABLE.replace("delta.example|", "gmail.com|"), r"d.csv:2:6: domain gmail.com, which many strangers share"),
        (TABLE.replace("*.delta-lab.example", "*.onmicrosoft.com"), r"d.csv:2:6: domain onmicrosoft.com, which many"),
        (TABLE.replace("Call=end-of-life", "Call=broken"), r"d.csv:2:9: state: 'broken'"),
        (TABLE + 'X;"Y;test;basic\n', r"d.csv:\d:1: "),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_line_and_nothing_is_loaded(text: str, problem: str, database: Database) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(database, text)
    assert ids(database) == ["ACME", "BETA", "GAMMA"]


def test_all_problems_are_named_at_once(database: Database) -> None:
    with pytest.raises(ConfigError) as told:
        load(database, TABLE.replace("06/5551234", "boh").replace("bea@delta.example", "bea"))
    assert len(told.value.problems) == 2


def test_commas_tabs_a_byte_order_mark_and_lists_in_cells_are_understood(database: Database) -> None:
    with_commas = '\ufeffCustomer,Name,Desk,Plan,Domains,Contact,Emails\r\nDELTA,"Delta, S.r.l.",test,gold,delta.example;delta.test,Ada,ada@delta.example|a@delta.test\r\n'
    load(database, with_commas)
    delta = database.read(lambda c: directory.get(c, "DELTA"))
    assert delta is not None
    assert (delta.name, delta.domains, delta.contacts[0].emails) == (
        "Delta, S.r.l.", ("delta.example", "delta.test"), ("ada@delta.example", "a@delta.test")
    )  # fmt: skip
    assert importing.decoded("ragione;sociétà".encode("cp1252"), "d.csv") == "ragione;sociétà"


def test_a_customer_and_a_contact_may_have_clocks_of_their_own(database: Database) -> None:
    load(
        database,
        "customer;desk;plan;zone;contact;contact_zone\nDELTA;test;gold;Asia/Tokyo;Ada;\nDELTA;;;;Bea;America/Lima\n",
    )
    delta = database.read(lambda c: directory.get(c, "DELTA"))
    assert delta is not None
    assert (delta.zone, [one.zone for one in delta.contacts]) == ("Asia/Tokyo", [None, "America/Lima"])


def test_yaml_says_the_same(database: Database) -> None:
    done = load(
        database,
        "customers:\n  - {id: DELTA, desk: test, plan: gold, partner: EPSI}\n  - {id: EPSI, desk: test, plan: basic}\n",
        "yaml",
    )
    assert done.difference.added == ("DELTA", "EPSI")
    with pytest.raises(ConfigError, match=r"d.yaml:2:\d+: partner NOBODY, which is no other customer"):
        load(database, "customers:\n  - {id: DELTA, desk: test, plan: gold, partner: NOBODY}\n", "yaml")


def test_thousands_of_customers_are_loaded_in_one_go_and_found_by_every_key(database: Database) -> None:
    rows = "".join(
        f"C{n};Ditta {n};test;gold;{200000 + n};d{n}.example;;;;P{n};p{n}@d{n}.example;;;\n" for n in range(6_000)
    )
    assert len(load(database, HEAD + rows).difference.added) == 6_000
    assert [f.customer.id for f in database.read(lambda c: StoredFinder(c).by_code("205999"))] == ["C5999"]
    assert not load(database, HEAD + rows).difference
    assert len(load(database, TABLE).difference.removed) == 6_000
