"""Rules as TOML: a file, the name of a preset, or tables within a plan. What is unknown is refused by name and line."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from byok_bench.errors import PlanError
from byok_bench.report.gates.rules import Rule, Where
from byok_bench.runs.planning.toml_lines import Place, find_line

FILE_VERSION: Final = 1
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "a rules file": ("version", "presets", "rule"),
    "[[rule]]": tuple(name for name in Rule.__struct_fields__ if name != "presets"),
    "where": Where.__struct_fields__,
}
RuleSource = str | Path | Rule | Mapping[str, Any] | Sequence[Rule | Mapping[str, Any]]
"""A path, the name of a preset, one rule or several, each as a table or a Rule, or what a rules file would say."""


class _Document(msgspec.Struct, frozen=True):
    """A text that rules stand in, to tell the line of what is wrong."""

    where: str
    text: str = ""
    place: Place = ()
    """Of the rules within it."""

    def refuse(self, problem: str, place: Place = ()) -> PlanError:
        """The error for a problem at that place."""
        line = f", line {find_line(self.text, (*self.place, *place))}" if self.text else ""
        return PlanError(f"{self.where}{line}: {problem}", code="bad_rules")


def resolve_rules(source: RuleSource) -> tuple[Rule, ...]:
    """The rules that are meant. Raises PlanError, with the line, for what cannot be one."""
    if isinstance(source, Rule):
        return (source,)
    if isinstance(source, Mapping):
        return parse_rules({"version": FILE_VERSION} | dict(source), "rules")
    if isinstance(source, (str, Path)):
        return _find_preset(str(source)) or read_rules(Path(source))
    given: tuple[Any, ...] = tuple(source) if isinstance(source, Sequence) else ()
    if not given or not all(isinstance(one, Rule | Mapping) for one in given):
        raise PlanError("rules are a path, the name of a preset, a table, or a list of rules", code="bad_rules")
    place = _Document("rules")
    return tuple(one if isinstance(one, Rule) else _read_rule(one, place, number) for number, one in enumerate(given))


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file. Raises PlanError with file, line and nearest name."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        document = tomllib.loads(text)
    except FileNotFoundError:
        near = get_close_matches(str(path), list_presets(), n=1)
        meant = f"did you mean the preset {near[0]!r}?" if near else f"presets are {', '.join(list_presets())}"
        raise PlanError(f"there is no rules file {path}; {meant}", code="unreadable") from None
    except OSError as error:
        raise PlanError(f"cannot read rules {path}: {error.strerror}", code="unreadable") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise PlanError(f"{path}: this is not TOML: {error}", code="bad_rules") from None
    return parse_rules(document, str(path), text)


def parse_rules(document: Mapping[str, Any], where: str, text: str = "", place: Place = ()) -> tuple[Rule, ...]:
    """The rules of a TOML document, or of a table within one. Raises PlanError."""
    source = _Document(where, text, place)
    _check_names(document, "a rules file", source, ())
    version = document.get("version", None if not place else FILE_VERSION)
    if version != FILE_VERSION:
        raise source.refuse(f"version of a rules file is {FILE_VERSION}, not {version!r}", ("version",))
    rules = [rule for name in _list_presets_of(document, source) for rule in _find_preset(name)]
    entries = document.get("rule", [])
    if not isinstance(entries, list):
        raise source.refuse("rules are a list: write [[rule]]", ("rule",))
    rules += [_read_rule(entry, source, number) for number, entry in enumerate(entries)]
    if not rules:
        raise source.refuse("there is no [[rule]] in it")
    return tuple(rules)


def _list_presets_of(document: Mapping[str, Any], source: _Document) -> list[str]:
    named = document.get("presets", [])
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, list):
        raise source.refuse("presets are a list of names", ("presets",))
    for name in names:
        if name not in list_presets():
            raise source.refuse(describe_unknown(str(name), "preset", list_presets()), ("presets",))
    return names


def _read_rule(entry: Any, source: _Document, number: int) -> Rule:
    place: Place = ("rule", number)
    if not isinstance(entry, Mapping):
        raise source.refuse("a rule is a table: write [[rule]]", place)
    _check_names(entry, "[[rule]]", source, place)
    if isinstance(where := entry.get("where"), Mapping):
        _check_names(where, "where", source, (*place, "where"))
    try:
        return msgspec.convert(dict(entry), Rule)
    except msgspec.ValidationError as error:
        named = re.search(r"`\$\.([a-z_]+)", str(error))
        raise source.refuse(str(error), (*place, *((named[1],) if named else ()))) from None
    except PlanError as error:
        at = next((name for name in ("metric", "margin", "max", "min") if name in str(error) and name in entry), "")
        raise source.refuse(str(error), (*place, *((at,) if at else ()))) from None


def _check_names(table: Mapping[str, Any], kind: str, source: _Document, place: Place) -> None:
    for name in table:
        if name not in _FIELDS[kind]:
            near = get_close_matches(name, _FIELDS[kind], n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(_FIELDS[kind])}"
            raise source.refuse(f"{kind} has no field {name!r}; {meant}", (*place, name))


def describe_unknown(name: str, thing: str, known: Sequence[str]) -> str:
    """That there is no such thing, and what may have been meant."""
    near = get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known) or 'none'}"
    return f"no {thing} is called {name!r}; {meant}"


@cache
def _load_presets() -> tuple[Rule, ...]:
    text = (files("byok_bench.report.gates") / "presets.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["rule"], tuple[Rule, ...])


@cache
def list_presets() -> tuple[str, ...]:
    """The names of all presets."""
    return tuple(dict.fromkeys(name for rule in _load_presets() for name in rule.presets))


def _find_preset(name: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in _load_presets() if name in rule.presets)
