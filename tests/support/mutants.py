"""Mutants of the egress rules: each weakens or changes one thing in the source of one module.

`mutants(module)` yields them by reading the module's syntax tree; `judge_of(mutant)` builds the judge that has the
change. Nothing is written, and the modules in use are untouched.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import byok_bench.wire.egress.verdicts

PACKAGE = "byok_bench.wire.egress"
MODULES = ("addresses", "hosts", "base_urls", "policy_lists", "verdicts")
"""In the order of their imports."""
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
UNWRAPPED = {"lower", "rstrip", "removesuffix"}
"""Methods on text whose call is left out."""
SEPARATORS = {"_ROWS": " ", "_EDGES": "", "_UNSAFE": "", "_NUMERIC_LABEL": "|", "_BAD_ESCAPE": "|"}
"""Constant whose text is a list → what stands between its entries."""
NOT_RULES = {"URL_REASONS", "NEARBY", "is_judged_address", "look_up_host"}
"""Definitions that no verdict depends on but for its words."""

Edit = Callable[[Any], None]


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    module: str
    what: str
    code: CodeType

    def __str__(self) -> str:
        return f"{self.module}: {self.what}"


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    source = _path(module).read_text(encoding="utf-8")
    tree = ast.parse(source)
    skipped = {id(node) for part in tree.body if _name(part) in NOT_RULES for node in ast.walk(part)}
    for place, node in enumerate(ast.walk(tree)):
        for what, edit in _edits(node) if id(node) not in skipped else ():
            changed = ast.parse(source)
            edit(next(other for at, other in enumerate(ast.walk(changed)) if at == place))
            yield Mutant(module, what, compile(ast.fix_missing_locations(changed), what, "exec"))


def rewritten(module: str, old: str, new: str) -> Mutant:
    """The mutant that has another text in place of one that stands in the module once."""
    source = _path(module).read_text(encoding="utf-8")
    if source.count(old) != 1:
        raise LookupError(f"{old!r} stands {source.count(old)} times in {module}, not once")
    return Mutant(module, f"{old!r} as {new!r}", compile(source.replace(old, new), module, "exec"))


def judge_of(mutant: Mutant) -> Callable[..., Any]:
    """The judge of the modules with this one changed."""
    names = MODULES[MODULES.index(mutant.module) :]
    before = {name: sys.modules[f"{PACKAGE}.{name}"] for name in names}
    try:
        for name in names:
            module = ModuleType(f"{PACKAGE}.{name}")
            sys.modules[module.__name__] = module
            exec(mutant.code if name == mutant.module else _code(name), module.__dict__)
        return sys.modules[f"{PACKAGE}.verdicts"].judge  # type: ignore[no-any-return]
    finally:
        sys.modules.update({f"{PACKAGE}.{name}": module for name, module in before.items()})


def _path(module: str) -> Path:
    return Path(byok_bench.wire.egress.__path__[0]) / f"{module}.py"


@cache
def _code(module: str) -> CodeType:
    return compile(_path(module).read_text(encoding="utf-8"), module, "exec")


def _edits(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    match node:
        case ast.AnnAssign(value=ast.expr()):
            yield from _table_edits(node)
        case ast.If() | ast.IfExp():
            shown = ast.unparse(node.test)
            yield f"`if {shown}` never", lambda it: setattr(it, "test", ast.Constant(False))
            yield f"`if {shown}` always", lambda it: setattr(it, "test", ast.Constant(True))
        case ast.BoolOp():
            neutral = ast.Constant(isinstance(node.op, ast.And))
            for at, operand in enumerate(node.values):
                yield (
                    f"without `{ast.unparse(operand)}`",
                    lambda it, at=at: it.values.__setitem__(at, neutral),
                )
        case ast.Compare() if not isinstance(node.left, ast.Constant) or len(node.ops) > 1:
            for at, operator in enumerate(node.ops):
                other = COMPARISONS[type(operator)]()
                what = f"`{ast.unparse(node)}` with {type(other).__name__}"
                yield what, lambda it, at=at, other=other: it.ops.__setitem__(at, other)
        case ast.Call(func=ast.Attribute(attr=name)) if name in UNWRAPPED:
            yield f"`{ast.unparse(node)}` without {name}", _unwrap
        case ast.For(iter=ast.Tuple(elts=steps)):
            for at, step in enumerate(steps):
                yield f"step {ast.unparse(step)} left out", lambda it, at=at: it.iter.elts.pop(at)
            for at in range(len(steps) - 1):
                yield f"step {ast.unparse(steps[at])} later", lambda it, at=at: _swap(it.iter.elts, at)
        case ast.FunctionDef() | ast.ExceptHandler():
            yield from _body_edits(node)


def _body_edits(node: ast.FunctionDef | ast.ExceptHandler) -> Iterator[tuple[str, Edit]]:
    """Leave out statements that only have an effect, and refusals that no `if` guards."""
    for at, statement in enumerate(node.body):
        effect = isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Constant)
        if effect or isinstance(statement, ast.Raise):
            yield f"without `{ast.unparse(statement)}`", lambda it, at=at: it.body.__setitem__(at, ast.Pass())


def _table_edits(table: ast.AnnAssign) -> Iterator[tuple[str, Edit]]:
    """Leave out each entry of a constant: elements, words and characters of text, alternatives of a pattern."""
    name = ast.unparse(table.target)
    for at, node in enumerate(ast.walk(table)):
        for what, edit in _entry_edits(node, name, is_whole=node is table.value):
            yield f"{name} {what}", lambda it, at=at, edit=edit: edit(_nth(it, at))


def _entry_edits(node: ast.AST, name: str, *, is_whole: bool) -> Iterator[tuple[str, Edit]]:
    match node:
        case ast.Tuple(elts=elements) if is_whole:
            for at, element in enumerate(elements):
                yield f"without {ast.unparse(element)}", lambda it, at=at: it.elts.pop(at)
                if name == "_ROWS":
                    yield (
                        f"with {ast.unparse(element)} last",
                        lambda it, at=at: it.elts.append(it.elts.pop(at)),
                    )
        case ast.Set(elts=elements):
            for at, element in enumerate(elements):
                yield f"without {ast.unparse(element)}", lambda it, at=at: it.elts.pop(at)
        case ast.Dict(keys=keys):
            for at, key in enumerate(keys):
                if key is not None:
                    yield (
                        f"without {ast.unparse(key)}",
                        lambda it, at=at: (it.keys.pop(at), it.values.pop(at)),
                    )
        case ast.Constant(value=str() as text) if name in SEPARATORS:
            separator = SEPARATORS[name]
            parts = text.split(separator) if separator else list(text)
            for at, part in enumerate(parts if len(parts) > 1 else []):
                rest = separator.join(parts[:at] + parts[at + 1 :])
                yield f"without {part!a}", lambda it, rest=rest: setattr(it, "value", rest)
        case ast.Constant(value=int() as number):
            for other in (number - 1, number + 1):
                yield f"{number} as {other}", lambda it, other=other: setattr(it, "value", other)


def _nth(tree: ast.AST, place: int) -> ast.AST:
    return next(node for at, node in enumerate(ast.walk(tree)) if at == place)


def _name(part: ast.stmt) -> str:
    return ast.unparse(part.target) if isinstance(part, ast.AnnAssign) else getattr(part, "name", "")


def _unwrap(call: Any) -> None:
    """Turn `text.method(…)` into `str(text)`."""
    call.func, call.args, call.keywords = ast.Name("str", ast.Load()), [call.func.value], []


def _swap(elements: list[Any], at: int) -> None:
    elements[at], elements[at + 1] = elements[at + 1], elements[at]
