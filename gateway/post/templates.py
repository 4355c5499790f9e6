"""The templates of letters: ours, and those that a desk lays over them, file by file.

A desk's own `acknowledgement.txt` (or any other of NAMES) in the folder beside its YAML wins over ours; before it goes
`acknowledgement.de.txt`, for letters in that language. A letter is of one language: where a desk has its own words for
a letter, a language that they lack is written in English, if they have that (`language_of`). Rendering is sandboxed and
strict: a name that does not exist is an error, which `gateway.post.check` finds at start. Files are read once: a change
shows after a restart. Refuses to hold any words but a template's own; those come from the catalogue.
"""

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateNotFound, meta, nodes
from jinja2.environment import Environment
from jinja2.filters import do_wordwrap
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from gateway import locale

OURS = Path(__file__).parent / "templates"
NAMES: tuple[str, ...] = tuple(sorted(path.name for path in OURS.iterdir()))
TEXT_WIDTH = 72


def render(directories: tuple[Path, ...], name: str, language: str, facts: Mapping[str, Any]) -> str:
    """One template with its facts, a desk's folders first. Raises what the template raises."""
    return _environment(directories, language).get_template(name).render(facts)


@lru_cache(maxsize=256)
def language_of(directories: tuple[Path, ...], kind: str, wanted: str) -> str:
    """In which language a letter of this kind is written to somebody who reads `wanted`, the first of all that exist."""
    parts = (f"{kind}.{language}.{part}" for language in locale.LANGUAGES for part in ("subject", "txt", "html"))
    own = {name.split(".")[1] for name in parts if any((folder / name).is_file() for folder in directories)}
    return locale.SOURCE if wanted not in own and locale.SOURCE in own else wanted


def known_name(name: str) -> str | None:
    """The letter's part that a desk's file stands for, without its language; None when no letter uses such a name."""
    stem, _, part = name.rpartition(".")
    bare, dot, language = stem.rpartition(".")
    plain = f"{bare}.{part}" if dot and language in locale.LANGUAGES else name
    return plain if plain in NAMES else None


class _Laid(FileSystemLoader):
    """A desk's file for the language, its file for all of them, ours."""

    def __init__(self, directories: tuple[Path, ...], language: str) -> None:
        super().__init__([*directories, OURS])
        self._language = language

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        stem, _, part = template.rpartition(".")
        try:
            return super().get_source(environment, f"{stem}.{self._language}.{part}")
        except TemplateNotFound:
            return super().get_source(environment, template)


def undeclared(
    directories: tuple[Path, ...], name: str, source: str, known: Collection[str]
) -> tuple[tuple[int, str], ...]:
    """(line, name) of whatever a template uses and no letter knows, also in a branch that no sample takes."""
    made = _environment(directories, locale.SOURCE)
    tree = made.parse(source, name)
    unknown = meta.find_undeclared_variables(tree) - set(known) - made.globals.keys()
    found = {one.name: one.lineno for one in reversed(list(tree.find_all(nodes.Name))) if one.name in unknown}
    return tuple(sorted((line, name) for name, line in found.items()))


@lru_cache(maxsize=64)
def _environment(directories: tuple[Path, ...], language: str) -> Environment:
    made = ImmutableSandboxedEnvironment(
        loader=_Laid(directories, language),
        undefined=StrictUndefined,
        autoescape=lambda name: bool(name and name.endswith(".html")),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(locale.translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters["fill"] = lambda text, indent="": _fill(made, str(text), indent)
    made.filters["lines"] = _lines
    return made


def _fill(made: Environment, text: str, indent: str) -> str:
    """Text wrapped to the width of a letter, later lines indented; addresses and long words stay whole."""
    width = TEXT_WIDTH - len(indent)
    wrapped = do_wordwrap(made, text, width, break_long_words=False, wrapstring="\n", break_on_hyphens=False)
    return wrapped.replace("\n", f"\n{indent}")


def _lines(text: str) -> Markup:
    """A person's text as escaped HTML that keeps its lines and indents, also in programs that ignore `white-space`."""
    kept = escape(text.expandtabs(4)).replace("  ", Markup("&nbsp; "))
    return Markup("<br>\n").join(kept.split("\n"))
