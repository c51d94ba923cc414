"""docs/reference.md: what `import byok_bench as bb` promises, from signatures and docstrings."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import msgspec

import byok_bench as bb

HEAD = """# Python reference

`import byok_bench as bb`. Only `bb.*` is promised.
What stands on this page changes with CHANGELOG.md and a deprecation.
Everything deeper in the package may move or change at any time.
"""


def write_reference_page() -> str:
    """One section for each public name."""
    lines = [HEAD]
    for name in bb.__all__:
        value = getattr(bb, name)
        lines += [f"## bb.{name}", "", *describe(name, value)]
    return "\n".join(lines).rstrip() + "\n"


def describe(name: str, value: Any) -> Iterator[str]:
    """A function with its docstring; a class with what it is made from and what it has; a module with all of these."""
    if isinstance(value, ModuleType):
        yield from (inspect.getdoc(value) or "", "")
        for member in value.__all__:
            yield from (f"### bb.{name}.{member}", "", *describe(member, getattr(value, member)))
        return
    if not isinstance(value, type):
        yield from ("```python", write_signature(name, value), "```", "", inspect.getdoc(value) or "", "")
        return
    yield from (inspect.getdoc(value) or "", "")
    if issubclass(value, Exception):
        bases = ", ".join(f"`{base.__name__}`" for base in value.__bases__)
        yield from (f"An exception: {bases}.", "")
        return
    if issubclass(value, msgspec.Struct):
        yield from describe_fields(value)
    elif isinstance(value.__init__, FunctionType):
        yield from ("```python", write_signature(name, value.__init__), "```", "")
    members = list(describe_members(value))
    if members:
        yield from (*members, "")


def describe_fields(struct: type) -> Iterator[str]:
    """A table of the fields that a struct is made from, with the sentence below each in the source."""
    yield from ("| field | type | default | |", "|---|---|---|---|")
    for owner in reversed(struct.__mro__):
        if not owner.__module__.startswith("byok_bench"):
            continue
        body = parse(owner).body
        for statement, following in zip(body, [*body[1:], None], strict=True):
            if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
                continue
            kind = ast.unparse(statement.annotation)
            if statement.target.id.startswith("_") or kind.startswith("ClassVar"):
                continue
            default = f"`{ast.unparse(statement.value)}`" if statement.value else ""
            cells = (f"`{statement.target.id}`", f"`{kind}`", default, read_text(following))
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def describe_members(owner: type) -> Iterator[str]:
    """Public methods and properties of the package's own classes in the line of descent, one line each."""
    found: dict[str, Any] = {}
    for one in owner.__mro__:
        if one.__module__.startswith("byok_bench"):
            for name, member in vars(one).items():
                found.setdefault(name, member)
    for name, member in sorted(found.items()):
        function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
        if name.startswith("_"):
            continue
        if isinstance(function, FunctionType):
            yield f"* `{write_signature(name, function, broken=False)}`: {read_first_paragraph(function)}"
        elif isinstance(function, property) or hasattr(function, "attrname"):
            yield f"* `{name}`: {read_first_paragraph(function)}"


def write_signature(name: str, function: Any, *, broken: bool = True) -> str:
    """As in the source, without `self`; one parameter a line where it is long."""
    definition = parse(function)
    taken = definition.args
    for positional in (taken.posonlyargs, taken.args):
        if positional and positional[0].arg in ("self", "cls"):
            del positional[0]
    begins = "await " if isinstance(definition, ast.AsyncFunctionDef) else ""
    gives = ast.unparse(definition.returns) if definition.returns else "None"
    ends = "" if definition.name == "__init__" else f" -> {gives}"
    line = f"{begins}{name}({', '.join(list_parameters(taken))}){ends}"
    if not broken or len(line) <= 100:
        return line
    return f"{begins}{name}(\n" + "".join(f"    {one},\n" for one in list_parameters(taken)) + f"){ends}"


def list_parameters(taken: ast.arguments) -> Iterator[str]:
    """Each parameter with its type and default."""
    positional = [*taken.posonlyargs, *taken.args]
    bare: list[ast.expr | None] = [None] * (len(positional) - len(taken.defaults))
    for one, default in zip(positional, [*bare, *taken.defaults], strict=True):
        yield write_parameter(one, default)
    if taken.kwonlyargs:
        yield "*"
    for one, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True):
        yield write_parameter(one, default)


def write_parameter(one: ast.arg, default: ast.expr | None) -> str:
    """`name: type = default`."""
    return ast.unparse(one) + (f" = {ast.unparse(default)}" if default else "")


def parse(value: Any) -> Any:
    """The definition of a function or a class as a syntax tree."""
    return ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]


def read_text(statement: ast.stmt | None) -> str:
    """A bare string of the source on one line."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return " ".join(str(statement.value.value).split())
    return ""


def read_first_paragraph(value: Any) -> str:
    """Of the docstring, on one line."""
    return " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
