"""The documents are true: diagrams equal their tables, commands and options exist, links lead somewhere.

python tests/test_docs.py        writes the diagrams again
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import ivr
from gateway.calls.callers import WHY
from gateway.cli.commands import app
from gateway.web import phrases
from ivr import events
from routing import numbers, paging, tickets

ROOT = Path(__file__).resolve().parents[1]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
DIAGRAMS: Mapping[str, str] = {
    "ticket": tickets.diagram(),
    "attempt": paging.diagram(),
    "caller": ivr.mermaid("caller"),
    "page": ivr.mermaid("page"),
    "callback": ivr.mermaid("callback"),
    "agent": ivr.mermaid("agent"),
}
_PLACE = re.compile(r"<!-- diagram: (\w+) -->\n(?:\n```mermaid\n(.*?)```\n)?", re.DOTALL)
# What a password, a token or a place of somebody's own machine looks like when it slips into a page.
_PRIVATE = re.compile(r"/(?:home|root|work|tmp)/|\blocalhost:\d")


def _commands() -> Mapping[str, Any]:
    return typer.main.get_command(app).commands  # type: ignore[attr-defined,no-any-return]


def _options(command: Any) -> set[str]:
    """Every option of a command, or of the commands of a group."""
    inner = getattr(command, "commands", {}).values()
    return {name for one in command.params for name in one.opts}.union(*map(_options, inner))


def _examples() -> list[str]:
    """Every indented line of the pages that calls presa."""
    lines = [line.strip() for page in PAGES for line in page.read_text().splitlines() if line.startswith("    ")]
    found = [line.partition("| ")[2] if "| presa" in line else line for line in lines]
    return [line for line in found if re.match(r"(?:\.venv/bin/)?presa ", line)]


@pytest.mark.parametrize("name", DIAGRAMS)
def test_a_diagram_says_what_its_table_says(name: str) -> None:
    shown = {found[1]: found[2] for found in _PLACE.finditer(ARCHITECTURE.read_text())}
    assert shown[name] == DIAGRAMS[name], "run `python tests/test_docs.py`"


def test_every_command_is_described_and_every_described_command_exists() -> None:
    described = re.findall(r"^## presa (\w+)$", (ROOT / "docs" / "commands.md").read_text(), re.MULTILINE)
    assert sorted(described) == sorted(_commands())


def test_examples_use_only_commands_and_options_that_exist() -> None:
    wrong = []
    for line in _examples():
        _, command, *rest = shlex.split(line)
        options = _options(_commands()[command])
        wrong += [f"{line}: {word}" for word in rest if word.startswith("--") and word not in options]
    assert len(_examples()) > 20
    assert wrong == []


def test_options_named_in_a_sentence_exist() -> None:
    known = set().union(*map(_options, _commands().values()))
    named = re.findall(r"`(?:presa \w+ )?(--[a-z-]+)", "\n".join(page.read_text() for page in PAGES))
    assert sorted(set(named) - known) == []


def test_the_json_in_the_examples_is_json() -> None:
    lines = [line.strip() for line in (ROOT / "docs" / "commands.md").read_text().splitlines()]
    samples = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(samples) == 10
    assert all(isinstance(sample, dict) for sample in samples)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_named_in_the_text_are_there(page: Path) -> None:
    named = re.findall(r"`((?:gateway|routing|ivr|identity|parsers|tests|desks|docs)/[\w./-]+)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_place_on_somebodys_machine(page: Path) -> None:
    assert _PRIVATE.findall(page.read_text()) == []


def test_the_ticket_numbers_in_the_adr_have_their_right_check_digit() -> None:
    shown = re.findall(r"PR-\d{4}-\d{4}", (ROOT / "docs" / "adr" / "0004-ticket-numbers.md").read_text())
    assert shown
    assert all(numbers.ticket_id(number) is not None for number in shown)


def test_decision_records_are_numbered_and_say_what_was_rejected() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [record.name[:4] for record in records] == [f"{n:04}" for n in range(1, len(records) + 1)]
    for record in records:
        for part in ("**Context.**", "**Decision.**", "**Rejected.**", "**Consequences.**"):
            assert part in record.read_text(), (record.name, part)


def test_every_environment_variable_of_the_secrets_is_documented() -> None:
    code = (ROOT / "gateway" / "settings" / "secrets.py").read_text() + (
        ROOT / "gateway" / "settings" / "presa.py"
    ).read_text()
    named = set(re.findall(r"PRESA_[A-Z_]*[A-Z]", code)) - {"PRESA_X", "PRESA_X_FILE"}
    documented = (ROOT / "docs" / "configuration.md").read_text()
    assert sorted(name for name in named if name not in documented) == []


def test_every_code_of_a_call_has_words_for_the_console() -> None:
    audited = {name for names in events.AUDITED.values() for name in names} | {"pin_ok", "pin_wrong", "pin_locked"}
    assert sorted(audited - phrases.EVENTS.keys()) == []
    assert sorted(WHY.keys() - phrases.REASONS.keys()) == []


# docker-compose.yml: no engine runs it here, so it is held against the published schema and against itself. ----------


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())  # type: ignore[no-any-return]


def test_compose_is_valid_by_the_published_schema() -> None:
    arguments = ["--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.yml")]
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *arguments], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_every_name_in_compose_is_defined(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert set(service.get("secrets", ())) <= compose["secrets"].keys()
        assert set(service.get("depends_on", {})) <= compose["services"].keys()
        mounted = {volume.partition(":")[0] for volume in service.get("volumes", ()) if volume[0] not in "./$"}
        assert mounted <= (compose["volumes"] or {}).keys()


def test_compose_services_are_healthy_before_others_need_them_and_have_few_rights(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
        assert service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["cap_drop"] == ["ALL"]
        assert str(service["user"]) not in ("0", "root")
    assert compose["services"]["presa"]["depends_on"]["database"]["condition"] == "service_healthy"


def test_no_secret_stands_in_the_compose_file(compose: dict[str, Any]) -> None:
    for secret in compose["secrets"].values():
        assert secret.keys() == {"file"}
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|PEPPER|TOKEN", name):
                assert name.endswith("_FILE"), name
                assert str(value).startswith("/run/secrets/"), name


def test_the_dockerfile_copies_only_what_is_there_and_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [
        word for line in lines if line.startswith("COPY") for word in line.split()[1:-1] if not word.startswith("--")
    ]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    users = [line.split()[1] for line in lines if line.startswith("USER")]
    assert users
    assert users[-1].partition(":")[0] not in ("0", "root")


def _write() -> None:
    text = ARCHITECTURE.read_text()
    ARCHITECTURE.write_text(
        _PLACE.sub(lambda found: f"<!-- diagram: {found[1]} -->\n\n```mermaid\n{DIAGRAMS[found[1]]}```\n", text)
    )


if __name__ == "__main__":
    _write()
