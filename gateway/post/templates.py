"""The templates of letters: ours, and those that a desk lays over them, file by file.

A desk's own `acknowledgement.txt` (or any other of NAMES) in the folder beside its YAML wins over ours. Rendering is
sandboxed and strict: a name that does not exist is an error, which `gateway.post.check` finds at start. Files are read
once: a change shows after a restart. Refuses to hold any words but a template's own; those come from the catalogue.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
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


@lru_cache(maxsize=64)
def _environment(directories: tuple[Path, ...], language: str) -> Environment:
    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([*directories, OURS]),
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
