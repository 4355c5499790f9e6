"""Everything that is configured, read and checked once at start; then frozen.

A directory of files and the environment in, one `Settings` out, or a `ConfigError` with every problem that could be
found, each with file, line and column. Nothing starts half: there are no settings with errors in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.settings import directory as directories
from gateway.settings import mail_door, presa, secrets
from gateway.settings.desk import load_desk
from gateway.settings.mail_door import Loops, MailDoor, Recipient
from gateway.settings.mailboxes import Mailbox
from gateway.settings.presa import Base, Carrier, Dkim, Limits, Paging, Retention, Transcription, Work
from gateway.settings.secrets import Secrets
from gateway.settings.source import ConfigError, Document, load_yaml
from identity import normal
from identity.directory import Directory, build
from identity.entitlement import Cover
from identity.results import Edge
from routing.desk import Desk

__all__ = [
    "Carrier",
    "ConfigError",
    "Limits",
    "Mailbox",
    "Recipient",
    "Retention",
    "Secrets",
    "Settings",
    "Work",
    "load",
    "load_directory",
]


@dataclass(frozen=True, slots=True)
class Settings:
    """One Presa's configuration. `home`: the directory it was read from.

    `recipients`: our addresses in normal form. `edge`: the relay whose authentication results count. `templates`: desk
    -> folders of letters that it lays over ours. `people`: the directory file, empty when there is none (then the
    database's directory is all there is). `form_senders`: web forms whose Reply-To names the author.
    `staff`: our own people's addresses, who may pass customers' mails on. `sealers`: domains whose ARC sets are believed.
    `pec_providers`: domains of certified mail (PEC) providers whose envelopes vouch for the sender inside.
    `demo`: loopback peers may send without proof; only a configuration that
    can't reach the world has it. `folders`: desk -> where its file lies, and what it names lies beside it.
    """

    home: Path
    public_url: str
    recipients: Mapping[str, Recipient]
    edge: Edge | None
    smarthost: str = field(repr=False)
    limits: Limits
    jobs: Work
    carrier: Carrier | None
    desks: Mapping[str, Desk]
    templates: Mapping[str, tuple[Path, ...]]
    covers: Mapping[tuple[str, str], Cover]
    people: Directory = field(repr=False)
    secrets: Secrets = field(repr=False)
    demo: bool = False
    retention: Retention = field(default_factory=Retention)
    held_alarm_hours: float = 24.0
    form_senders: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()
    sealers: frozenset[str] = frozenset()
    pec_providers: frozenset[str] = frozenset()
    dkim: Dkim | None = None
    door: MailDoor = field(default_factory=MailDoor)
    loops: Loops = field(default_factory=Loops)
    mailboxes: Mapping[str, Mailbox] = field(default_factory=dict)
    paging: Paging = field(default_factory=Paging)
    transcription: Transcription | None = None
    folders: Mapping[str, Path] = field(default_factory=dict)

    @property
    def own_addresses(self) -> frozenset[str]:
        return frozenset(self.recipients)


def load(home: Path, env: Mapping[str, str]) -> Settings:
    """Read `home`/presa.yaml, the desks it names and `home`/directory.yaml. Raises ConfigError."""
    kept = secrets.read(env)
    document = load_yaml(home / "presa.yaml")
    base = presa.read(document, env, kept)
    desks, templates, folders = _desks(home, document, base)
    found = list(mail_door.unknown_names(document, base.recipients, desks))
    if found:
        raise ConfigError(found)
    people = load_directory(home / "directory.yaml", desks) if (home / "directory.yaml").exists() else build(())
    if base.demo:
        _refuse_real_people(home / "directory.yaml", people)
    return Settings(
        home=home,
        public_url=base.public_url,
        recipients=base.recipients,
        edge=base.edge,
        smarthost=base.smarthost,
        limits=base.limits,
        jobs=base.jobs,
        carrier=base.carrier,
        desks=desks,
        templates=templates,
        covers=directories.covers(desks),
        people=people,
        secrets=kept,
        demo=base.demo,
        retention=base.retention,
        held_alarm_hours=base.held_alarm_hours,
        form_senders=base.form_senders,
        staff=base.staff,
        sealers=base.sealers,
        pec_providers=base.pec_providers,
        dkim=base.dkim,
        door=base.door,
        loops=base.loops,
        mailboxes=base.mailboxes,
        paging=base.paging,
        transcription=base.transcription,
        folders=folders,
    )


def load_directory(path: Path, desks: Mapping[str, Desk]) -> Directory:
    """A directory file whose desks and plans exist. Raises ConfigError."""
    document = load_yaml(path)
    people = directories.read(document)
    directories.check_names(document, people, desks)
    return people


def _desks(
    home: Path, document: Document, base: Base
) -> tuple[Mapping[str, Desk], Mapping[str, tuple[Path, ...]], Mapping[str, Path]]:
    """Every desk by its id, the ``templates`` folder beside its file where there is one, and the folder of the file."""
    desks: dict[str, Desk] = {}
    templates: dict[str, tuple[Path, ...]] = {}
    folders: dict[str, Path] = {}
    problems: list[str] = []
    for index, name in enumerate(base.desk_paths):
        try:
            desk = load_desk(home / name)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        if desk.id in desks:
            place = ("desks", index)
            problems.append(document.problem(place, f"desk {desk.id} again", "each desk once", "remove one of the two"))
        desks[desk.id] = desk
        folders[desk.id] = (home / name).parent
        folder = folders[desk.id] / "templates"
        templates[desk.id] = (folder,) if folder.is_dir() else ()
    if problems:
        raise ConfigError(problems)
    return desks, templates, folders


def _refuse_real_people(path: Path, people: Directory) -> None:
    names = (*people.domains, *(normal.host(address) for address in people.addresses))
    real = [name for name in names if not presa.is_reserved(name)]
    if real:
        found = f"{path}:1:1: {real[0]} in the demo's directory"
        raise ConfigError([f"{found}; names under .example, because of 'demo: true'; use one, or remove 'demo'"])
