"""Hold the names of the package against docs/NAMES.md: `python tools/check_names.py`, exit code 1 with one line a name.

What can be held: functions and methods begin with a verb, `is_`, `has_`, `can_`, `to_`, `from_` or `as_`; properties
and modules are no participles of the lists; the same public name stands in two modules only where a protocol says so.
The lists are in tools/names.toml. Names of the public interface, of rules, probes and faults, and what libraries call
(`connection_made`, `on_body`) are exempt there.
"""

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "byok_bench"
LISTS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "names.toml").read_text("utf-8"))
PREFIXES = ("is", "has", "can", "to", "from", "as")


@dataclass(frozen=True)
class Definition:
    """A function, method or property, and where it stands."""

    name: str
    kind: str
    owner: str
    path: Path
    line: int

    @property
    def place(self) -> str:
        """File and line, for the message."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    @property
    def is_public(self) -> bool:
        """Whether others may use it."""
        return not self.name.startswith("_") and not self.owner.startswith("_")


def main() -> int:
    """Print what is against the grammar; 1 if anything is."""
    paths = sorted(PACKAGE.rglob("*.py"))
    definitions = [one for path in paths for one in list_definitions(path)]
    problems = [*find_odd_functions(definitions), *find_odd_modules(paths), *find_twins(definitions)]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def list_definitions(path: Path) -> Iterator[Definition]:
    """Functions of a module and methods and properties of its classes; nested functions are its own business."""
    for node in ast.parse(path.read_text("utf-8")).body:
        yield from _list_in(node, path, "")


def _list_in(node: ast.stmt, path: Path, owner: str) -> Iterator[Definition]:
    if isinstance(node, ast.ClassDef):
        for inner in node.body:
            yield from _list_in(inner, path, node.name)
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        decorators = [ast.unparse(one) for one in node.decorator_list]
        yield Definition(node.name, find_kind(decorators, owner), owner, path, node.lineno)
    elif isinstance(node, ast.If):
        for inner in (*node.body, *node.orelse):
            yield from _list_in(inner, path, owner)


def find_kind(decorators: list[str], owner: str) -> str:
    """`rule`, `property`, `method` or `function`."""
    names = [one.partition("(")[0].rpartition(".")[2] for one in decorators]
    if any(name in LISTS["declarations"] for name in names):
        return "rule"
    if any(name in ("property", "cached_property", "setter") for name in names):
        return "property"
    return "method" if owner else "function"


def find_odd_functions(definitions: list[Definition]) -> Iterator[str]:
    """Functions that are no verb phrases, properties that are verb phrases or bare participles."""
    exempt = set(LISTS["contract"]) | set(LISTS["callbacks"])
    for one in definitions:
        bare = one.name.strip("_")
        if one.kind == "rule" or one.name.startswith("__") or bare in exempt or f"{one.owner}.{bare}" in exempt:
            continue
        first = bare.partition("_")[0]
        if one.kind == "property":
            if bare in LISTS["participles"]:
                yield f"{one.place}: property {one.name} is a participle: is_{bare}, or a noun"
        elif first not in LISTS["verbs"] and first not in PREFIXES:
            yield f"{one.place}: {one.kind} {one.name} does not begin with a verb"


def find_odd_modules(paths: list[Path]) -> Iterator[str]:
    """Modules whose name tells nothing."""
    for path in paths:
        if path.stem in LISTS["banned_modules"]:
            yield f"{path.relative_to(ROOT)}: the module's name says nothing of what it holds"


def find_twins(definitions: list[Definition]) -> Iterator[str]:
    """Public functions of one name in two modules that fill no protocol together."""
    places: dict[str, list[Definition]] = defaultdict(list)
    for one in definitions:
        if one.kind == "function" and one.is_public:
            places[one.name].append(one)
    for name, found in sorted(places.items()):
        if len({one.path for one in found}) > 1 and name not in LISTS["protocols"]:
            yield f"{name} stands in {', '.join(one.place for one in found)}: one name means one thing"


if __name__ == "__main__":
    sys.exit(main())
