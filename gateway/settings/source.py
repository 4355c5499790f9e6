"""YAML in, checked values out: every complaint names file, line and column.

Reads one document with the place of every key and value kept beside it, and turns pydantic's errors into lines a person
can act on: ``file:line:col: what was found; what was expected; what to do next``.

It refuses duplicate keys, and it refuses YAML 1.1's guesses: ``18:00`` is not a number in base sixty, ``no`` is not
false, ``+390612345678`` and ``000123`` are not integers and a date is not yet a date. Such scalars stay text, and the
model that wants a time, a number or a date says so. It knows nothing of what the documents mean, and never shows a
secret's value.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

Loc = tuple[str | int, ...]
Place = tuple[int, int]
M = TypeVar("M", bound=BaseModel)

# Values under these keys are never repeated in a message: it ends in logs and terminals.
_HIDDEN = frozenset({"pin", "pins", "digits", "token", "auth_token", "password", "secret", "pepper", "api_key"})
_MAX_NODES = 5_000_000  # anchors let a small file name millions of values
_MAX_DEPTH = 60
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class ConfigError(Exception):
    """A configuration that can't be used. `problems`: one ready-to-print line each, never empty."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: `data` is plain dicts, lists and scalars; places are 1-based (line, column)."""

    path: str
    data: Any
    places: Mapping[Loc, Place]
    keys: Mapping[Loc, Place]

    def where(self, loc: Loc = (), *, key: bool = False) -> str:
        """ "file:line:col" of the value at `loc`, or of its key; of the nearest known parent when there is none.

        Parts of `loc` that are not in the file (pydantic adds union tags) are passed over.
        """
        known: Loc = ()
        for part in loc:
            if (*known, part) in self.places:
                known = (*known, part)
        place = self.keys.get(known) if key else None
        line, column = place or self.places.get(known, (1, 1))
        return f"{self.path}:{line}:{column}"

    def problem(self, loc: Loc, found: str, expected: str, next_step: str, *, key: bool = False) -> str:
        """One complaint about the value (or the key) at `loc`, ready for `ConfigError`."""
        return f"{self.where(loc, key=key)}: {found}; {expected}; {next_step}"


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """PyYAML's safe loader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


def _resolves(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))


_resolves("null", r"~|null|", "~n\0")
_Loader.yaml_implicit_resolvers.setdefault("", []).append(("tag:yaml.org,2002:null", re.compile(r"^$")))
_resolves("bool", r"true|false", "tf")
_resolves("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789")
_resolves("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+", "-0123456789")
_resolves("merge", r"<<", "<")


def load_yaml(path: Path | str) -> Document:
    """Read one YAML file. Raises ConfigError: file missing or unreadable, not UTF-8, not YAML, a key twice."""
    name = str(path)
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        what = "no such file" if isinstance(error, FileNotFoundError) else f"can't be read ({error.strerror})"
        raise ConfigError([f"{name}:1:1: {what}; a readable YAML file; create it or correct the path"]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = f"{name}:{line}:1: a byte that is not UTF-8; a text in UTF-8; save the file as UTF-8"
        raise ConfigError([problem]) from error
    return parse_yaml(text, name)


def parse_yaml(text: str, name: str) -> Document:
    """The same for a text that was read elsewhere; `name` stands for the file in messages."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        walk = _Walk(name, loader)
        data = walk.value(node, ()) if node is not None else None
    except yaml.YAMLError as error:
        raise ConfigError([_syntax(name, error)]) from error
    finally:
        loader.dispose()
    if walk.problems:
        raise ConfigError(walk.problems)
    return Document(name, data, walk.places, walk.keys)


def _syntax(name: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
    found = getattr(error, "problem", None) or "text that is not YAML"
    return f"{name}:{place}: {found}; valid YAML; check indentation, quotes and colons on this line and the one above"


class _Walk:
    """Builds plain data from YAML nodes and notes where each key and value stood."""

    def __init__(self, name: str, loader: Any) -> None:
        self._name = name
        self._loader = loader
        self._count = 0
        self.places: dict[Loc, Place] = {}
        self.keys: dict[Loc, Place] = {}
        self.problems: list[str] = []

    def value(self, node: yaml.Node, loc: Loc) -> Any:
        self._count += 1
        if self._count > _MAX_NODES or len(loc) > _MAX_DEPTH:
            mark = node.start_mark
            raise yaml.MarkedYAMLError(problem="a document too large or too deep", problem_mark=mark)
        self.places[loc] = _place(node)
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
            raise yaml.MarkedYAMLError(problem=f"the tag {node.tag}", problem_mark=node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*loc, index)) for index, item in enumerate(node.value)]
        return self._loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[Any, Any]:
        data: dict[Any, Any] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged.extend(value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node])
                continue
            key = self._key(key_node)
            here = (*loc, key)
            if key in data:
                self._twice(key_node, here)
                continue
            self.keys[here] = _place(key_node)
            data[key] = self.value(value_node, here)
        for other in merged:
            if not isinstance(other, yaml.MappingNode):
                raise yaml.MarkedYAMLError(problem="'<<' without a mapping", problem_mark=other.start_mark)
            self._merge(other, loc, data)
        return data

    def _merge(self, node: yaml.MappingNode, loc: Loc, data: dict[Any, Any]) -> None:
        """`<<: *anchor`: keys written here win over merged ones."""
        for key, value in self._mapping(_without(node, data, self._key), loc).items():
            data.setdefault(key, value)

    def _key(self, node: yaml.Node) -> str | int:
        if not isinstance(node, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(problem="a key that is not a plain word", problem_mark=node.start_mark)
        key = self._loader.construct_object(node)
        return key if isinstance(key, int) and not isinstance(key, bool) else str(node.value)

    def _twice(self, node: yaml.Node, here: Loc) -> None:
        line, column = _place(node)
        first = self.keys[here][0]
        self.problems.append(
            f"{self._name}:{line}:{column}: the key '{here[-1]}' for the second time (first on line {first}); "
            "each key once; remove or rename one of the two"
        )


def _without(node: yaml.MappingNode, data: Mapping[Any, Any], key_of: Any) -> yaml.MappingNode:
    """The same mapping node less the keys that `data` already has, so that their places are not overwritten."""
    pairs = [(k, v) for k, v in node.value if k.tag.endswith(":merge") or key_of(k) not in data]
    return yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark)


def _place(node: yaml.Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def validate(model: type[M], document: Document) -> M:
    """`document` as an instance of `model`. Raises ConfigError with one line for each of pydantic's errors.

    A validator of ours raises ``ValueError("what was expected; what to do next")``; what was found is put before it.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise ConfigError([_line(model, document, item) for item in details]) from error


def _line(model: type[BaseModel], document: Document, detail: Mapping[str, Any]) -> str:
    loc: Loc = detail["loc"]
    last = str(loc[-1]) if loc else "the document"
    match detail["type"]:
        case "missing":
            return document.problem(loc, f"'{last}' is missing", "a value for it", f"add '{last}:' here")
        case "extra_forbidden":
            known = sorted(_fields_at(model, loc[:-1]))
            near = get_close_matches(last, known, n=1)
            next_step = f"did you mean '{near[0]}'?" if near else "remove it"
            return document.problem(loc, f"unknown key '{last}'", f"one of {', '.join(known)}", next_step, key=True)
        case "value_error" | "assertion_error":
            expected = str(detail["ctx"]["error"])
        case _:
            detail_words = detail["msg"].replace("dictionary or instance of", "mapping:")
            expected = re.sub(r"^(?:Input|Value) should be (?:a |an )?(?:valid )?", "", detail_words)
    found = f"{_label(loc)}{_shown(loc, detail['input'])}"
    expected, _, next_step = expected.partition("; ")
    return document.problem(loc, found, f"expected {expected}", next_step or "correct the value", key=last == "[key]")


def _label(loc: Loc) -> str:
    """What the value is called: ``size: ``, ``peers 1: `` for the first of a list, ``key `` for a key itself."""
    if not loc:
        return ""
    if loc[-1] == "[key]":
        return "key "
    if isinstance(loc[-1], int) and len(loc) > 1:
        return f"{loc[-2]} {loc[-1] + 1}: "
    return f"{loc[-1]}: "


def _shown(loc: Loc, value: object) -> str:
    if _HIDDEN.intersection(str(part).lower() for part in loc):
        return "a value that is not shown"
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _fields_at(model: type[BaseModel], loc: Loc) -> set[str]:
    """The keys that are known at `loc`, by walking the annotations; list indexes and free keys stay on a model."""
    models = {model}
    for part in loc:
        inner = {found for m in models for found in _models_in(_annotation(m, part))}
        models = inner or models
    return {field.alias or name for m in models for name, field in m.model_fields.items()}


def _annotation(model: type[BaseModel], part: str | int) -> Any:
    for name, field in model.model_fields.items():
        if part in (name, field.alias):
            return field.annotation
    return None


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {found for inner in get_args(annotation) for found in _models_in(inner)}
