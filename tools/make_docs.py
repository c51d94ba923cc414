"""Write the generated pages of docs/ again: one page a rule, their index, the command line, the reference.

    python tools/make_docs.py            writes what differs
    python tools/make_docs.py --check    writes nothing; exits 1 if something differs

Rule pages come from the docstrings of the rules and from tests/checks/cases; docs/cli.md from `--help`;
docs/reference.md from what `byok_bench` offers.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import typer

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools")]

from library_page import write_library_page  # noqa: E402
from published_page import write_published_page  # noqa: E402
from reference_page import write_reference_page  # noqa: E402
from support.cases import PAGES, Case, Expected, load  # noqa: E402

from byok_bench.checks.client_effects import describe_effects, find_client_effects  # noqa: E402
from byok_bench.checks.registry import Check, list_answer_forms, load_catalogue  # noqa: E402
from byok_bench.cli.console import MEANINGS  # noqa: E402
from byok_bench.cli.main import build_app  # noqa: E402
from byok_bench.runs.planning.plan_schema import FIELD_MEANINGS, SCHEMA_NAME, build_plan_schema  # noqa: E402
from byok_bench.scenarios.format_schema import FILE_NAME, make_format_schema  # noqa: E402

RULES = ROOT / "docs" / "checks"
CLI = ROOT / "docs" / "cli.md"
REFERENCE = ROOT / "docs" / "reference.md"
PUBLISHED = ROOT / "docs" / "published.md"
LIBRARY = ROOT / "docs" / "library.md"
SCENARIO_FORMAT = ROOT / "byok_bench" / "scenarios" / FILE_NAME
RUNS = ROOT / "docs" / "runs.md"
PLAN_SCHEMA = ROOT / "byok_bench" / "runs" / "planning" / SCHEMA_NAME
EXAMPLES = 3
"""Cases of each sort that a page shows; the others are named by their titles."""
WIDTH = 100
NOTE = "<!-- Written by tools/make_docs.py. -->\n"
MODES = {
    "passive": "passive: judged from one recorded exchange",
    "probe": "probe: asks on its own",
}
WHOLE_GROUPS = {"any": "every answer", "models": "the list of models"}
DIALECTS = {"chat": "Chat Completions", "responses": "Responses", "messages": "Messages"}
BODIES = {
    "sse": ("The server sends", "text"),
    "bytes": (
        "The server sends, one network chunk a line in Python's escapes (`@`: what it does in between)",
        "text",
    ),
    "json": ("The server sends", "json"),
    "html": ("The server sends", "html"),
    "text": ("The server sends", "text"),
}


def pages() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    rules = load_catalogue()
    cases: dict[str, list[Case]] = {}
    for case in load(PAGES):
        cases.setdefault(case.file, []).append(case)
    written = {RULES / f"{rule.id}.md": rule_page(rule, cases[rule.id]) for rule in rules}
    return {
        **written,
        RULES / "index.md": index_page(rules),
        CLI: cli_page(build_app()),
        LIBRARY: NOTE + write_library_page(),
        SCENARIO_FORMAT: json.dumps(make_format_schema(), indent=1, ensure_ascii=False) + "\n",
        REFERENCE: NOTE + write_reference_page(),
        PUBLISHED: NOTE + write_published_page(),
        PLAN_SCHEMA: json.dumps(build_plan_schema(), indent=1, ensure_ascii=False) + "\n",
        RUNS: runs_page(RUNS.read_text(encoding="utf-8")),
    }


def runs_page(page: str) -> str:
    """The page on runs, with the table of a plan's fields between its marks."""
    rows = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in FIELD_MEANINGS.items())
    before, rest = page.split("<!-- fields -->", 1)
    after = rest.split("<!-- /fields -->", 1)[1]
    return f"{before}<!-- fields -->\n| field | is |\n|---|---|\n{rows}<!-- /fields -->{after}"


def rule_page(rule: Check, cases: list[Case]) -> str:
    """One rule: facts, reasons, evidence, examples."""
    asks = f", {rule.cost} request{'s' if rule.cost != 1 else ''}" if rule.mode == "probe" else ""
    scopes = WHOLE_GROUPS.get(rule.applies_to) or "; ".join(scopes_of_rule(rule))
    lines = [
        f"# {rule.id}: {rule.title}",
        "",
        "| severity | group | mode | applies to |",
        "|---|---|---|---|",
        f"| {rule.severity} | {rule.group} | {MODES[rule.mode]}{asks} | {scopes} |",
        "",
        f"**Rule.** {_sentence(rule.rule)}",
        "",
        f"**Why.** {_sentence(rule.why)}",
        "",
        f"**Seen in.** {'; '.join(link(source) for source in rule.seen_in)}",
        "",
        *breaks(rule),
    ]
    for heading, chosen in (
        ("Reported", [case for case in cases if case.bad]),
        ("Not reported", [case for case in cases if not case.bad]),
    ):
        lines += [f"## {heading}", ""]
        for case in chosen[:EXAMPLES]:
            lines += example(case)
        if chosen[EXAMPLES:]:
            lines += ["Also:", "", *(f"* {case.title}: {_lower(case.why)}" for case in chosen[EXAMPLES:]), ""]
    return "\n".join(lines).rstrip() + "\n"


def breaks(rule: Check) -> Iterator[str]:
    """Which clients break on a rule, as they were played."""
    found = describe_effects(find_client_effects(rule.id))
    if found:
        yield from (f"**Who breaks.** {found.replace('|', '/')} ([all clients](../clients.md))", "")


def scopes_of_rule(rule: Check) -> Iterator[str]:
    """What a rule is about, dialect by dialect."""
    forms = list_answer_forms(rule)
    for schema, name in DIALECTS.items():
        said = [word for word, streamed in (("streamed", True), ("whole", False)) if (schema, streamed) in forms]
        if said:
            yield f"{name}, {' and '.join(said)}"


def example(case: Case) -> Iterator[str]:
    """One case as documentation."""
    yield from (f"### {case.title}", "", case.why, "")
    for kind, text in case.blocks:
        if kind == "request":
            yield from ("The request:", "", "```json", text.rstrip("\n"), "```", "")
        elif kind == "response":
            yield from ("The head of the answer:", "", "```text", text.rstrip("\n"), "```", "")
        elif kind in BODIES:
            title, language = BODIES[kind]
            yield from (
                f"{title}:",
                "",
                f"```{language}",
                *([text.rstrip("\n")] if text.strip() else []),
                "```",
                "",
            )
    yield from outcome(case)


def outcome(case: Case) -> Iterator[str]:
    """What is read from the answer, as a list."""
    said = "; ".join(finding(expected) for expected in case.findings if not expected.optional)
    yield f"* Findings: {said or 'none'}"
    if case.failure:
        details = [
            f"{name} {json.dumps(value)}" for name, value in case.failure.items() if name not in ("kind", "message")
        ]
        named = f"`{case.failure['kind']}`" if "kind" in case.failure else "one"
        yield f"* Failure: {named}" + (f" ({', '.join(details)})" if details else "")
    blocks = dict(case.blocks)
    if "output" in blocks:
        yield f"* Output: `{blocks['output'].strip()}`"
    yield ""


def finding(expected: Expected) -> str:
    """One expected finding, with a link to its page."""
    place = f" at event {expected.event}" if expected.event is not None else ""
    return f"[{expected.check}]({expected.check}.md) ({expected.severity}){place}"


def link(source: str) -> str:
    """Public evidence as a link where it has an address."""
    issue = re.fullmatch(r"([\w.-]+/[\w.-]+)#(\d+)", source)
    if issue:
        return f"[{source}](https://github.com/{issue[1]}/issues/{issue[2]})"
    if source.startswith("https://"):
        address, _, remark = source.partition(" ")
        return f"<{address}>" + (f" {remark}" if remark else "")
    return source


def index_page(rules: list[Check]) -> str:
    """All rules by group."""
    lines = [
        "# Rules",
        "",
        f"{len(rules)} rules; `byok-bench checks show ID` prints the page of one.",
        "An `error` breaks clients that follow the API; a `warn` breaks some; an `info` is legal and worth knowing.",
    ]
    for group in dict.fromkeys(rule.group for rule in rules):
        lines += ["", f"## {group}", "", "| id | severity | mode | |", "|---|---|---|---|"]
        lines += [
            f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.mode} | {rule.title} |"
            for rule in rules
            if rule.group == group
        ]
    return NOTE + "\n".join(lines) + "\n"


def cli_page(app: typer.Typer) -> str:
    """`--help` of every command."""
    lines = ["# Command line", "", "What `--help` says of every command.", "", "## Exit codes", ""]
    lines += ["| code | means |", "|---|---|", *(f"| {code.value} | {meaning} |" for code, meaning in MEANINGS.items())]
    lines += ["", "`byok-bench --install-completion` lets the shell complete commands, options, labels and rule ids."]
    for words, command in commands(typer.main.get_command(app), ("byok-bench",)):
        lines += ["", f"## {' '.join(words)}", "", "```text", help_text(words, command), "```"]
    return NOTE + "\n".join(lines) + "\n"


def commands(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and all below it, with the words that call them."""
    yield words, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*words, name))


def help_text(words: tuple[str, ...], command: click.Command) -> str:
    """The help as plain text of a fixed width, whatever the terminal."""
    command.rich_markup_mode = None  # type: ignore[attr-defined]
    context = click.Context(command, info_name=" ".join(words), max_content_width=WIDTH, terminal_width=WIDTH)
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines()).strip()


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def main(arguments: list[str]) -> int:
    """Write or compare; 1 if something differs from what was committed."""
    wanted = pages()
    stale = [path for path in RULES.glob("*.md") if path not in wanted]
    differing = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    if arguments == ["--check"]:
        for path in sorted([*differing, *stale]):
            print(f"not what the generator writes: {path.relative_to(ROOT)}", file=sys.stderr)
        return 1 if differing or stale else 0
    for path in differing:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], "utf-8")
    for path in stale:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
