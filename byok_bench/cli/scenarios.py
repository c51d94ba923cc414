"""`byok-bench scenarios`: the library, one scenario of it, a file of one's own tried out, prompts made into one."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from byok_bench.cli.completion import complete_scenario
from byok_bench.cli.console import Exit, emit_json, fail, note, run_async
from byok_bench.cli.option_rules import CommandGroup
from byok_bench.report.printable_text import describe_count

if TYPE_CHECKING:
    from byok_bench.scenarios.proofs import Proof
    from byok_bench.scenarios.scenario import Sample, Scenario


def add_command(app: typer.Typer) -> None:
    """Add the commands."""
    group = CommandGroup(
        help="The library of agent prompts, and prompts of your own.",
        short_help="The library of agent prompts, and your own",
    )
    group.command("list", short_help="The library, with what a play costs")(list_scenarios)
    group.command("show", short_help="One scenario, whole")(print_scenario)
    group.command("check", short_help="Try a scenario against its solutions")(prove_file)
    group.command("new", short_help="Make a scenario of your own prompts")(write_draft)
    app.add_typer(group, name="scenarios", no_args_is_help=True)


def list_scenarios(
    pattern: Annotated[
        str,
        typer.Argument(
            help="Name, group, tag, set (agent, errors, quick, all) or a glob such as tools/*.",
            autocompletion=complete_scenario,
        ),
    ] = "all",
    tag: Annotated[list[str] | None, typer.Option(help="Only those that bear this tag; repeat for more.")] = None,
    group: Annotated[str | None, typer.Option(help="Only this folder of the library, such as tools.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """List scenarios with what one play of each costs: samples, requests, tokens of prompt (about) and of output."""
    from byok_bench.scenarios.costs import estimate_cost
    from byok_bench.scenarios.selection import find_scenarios

    found = [one for one in find_scenarios(pattern) if set(tag or ()) <= set(one.tags) and group in (None, one.group)]
    if not found:
        fail("no scenario bears these tags in this group; see byok-bench scenarios list")
    costs = [estimate_cost(one) for one in found]
    if as_json:
        emit_json([_list_facts(one) | {"cost": cost} for one, cost in zip(found, costs, strict=True)])
        return
    lines = [
        (f"{one.group}/{one.name}", f"{cost.samples}", f"{cost.requests_at_most}", f"{cost.prompt_tokens_about}",
         f"{cost.output_tokens_at_most}", one.title)
        for one, cost in zip(found, costs, strict=True)
    ]  # fmt: skip
    total = [sum(getattr(cost, name) for cost in costs) for name in costs[0].__struct_fields__]
    lines = [("scenario", "samples", "requests ≤", "prompt ~", "output ≤", "shows"), *lines]
    samples, requests, prompt, output = map(str, total)
    lines.append((f"{len(found)} in all", samples, requests, prompt, output, ""))
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    for name, *numbers, title in lines:
        cells = [f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:], strict=True)]
        typer.echo("  ".join([f"{name:<{widths[0]}}", *cells, title]).rstrip())


def print_scenario(
    name: Annotated[str, typer.Argument(help="Name, group/name or file.", autocompletion=complete_scenario)],
    as_json: Annotated[bool, typer.Option("--json", help="All of it as one JSON document.")] = False,
) -> None:
    """Show one scenario: what it asks, which tools it offers, what it expects, and what it costs."""
    from byok_bench.scenarios.costs import estimate_cost
    from byok_bench.scenarios.selection import find_scenarios

    found = find_scenarios(name)
    if len(found) > 1:
        fail(f"{name!r} means {len(found)} scenarios; name one of {', '.join(one.name for one in found)}")
    (scenario,) = found
    if as_json:
        emit_json({"version": 2, **_list_facts(scenario), "scenario": scenario, "cost": estimate_cost(scenario)})
        return
    for line in describe_scenario(scenario):
        typer.echo(line)


def prove_file(
    file: Annotated[str, typer.Argument(help="A scenario file, or a name of the library.")],
    as_json: Annotated[bool, typer.Option("--json", help="Every proof as one JSON document.")] = False,
) -> None:
    """Try a scenario against its own solutions and mistakes, with the simulator and no endpoint.

    Exit code 1 if a solution misses an expectation, or a mistake is not caught by the one that it names.
    """
    from byok_bench.scenarios.drafts import describe_lacks
    from byok_bench.scenarios.selection import find_scenarios

    found = find_scenarios(file)
    proofs = run_async(prove_all(found))
    bad = [proof.problem for proof in proofs if proof.problem]
    lacks = [f"{one.name}: {line}" for one in found for line in describe_lacks(one)]
    if as_json:
        emit_json({"version": 2, "proofs": proofs, "problems": bad, "lacks": lacks})
    else:
        for line in (*bad, *lacks):
            typer.echo(line)
        names = ", ".join(one.name for one in found)
        solved = sum(not proof.mistake for proof in proofs)
        note(
            f"{names}: the file is sound; played {solved} solutions and {len(proofs) - solved} mistakes over all "
            f"dialects, streamed and whole; {len(bad)} ended as they must not"
        )
    raise typer.Exit(int(Exit.FELL_SHORT if bad else Exit.OK))


async def prove_all(scenarios: "tuple[Scenario, ...]") -> "list[Proof]":
    """Every proof of the scenarios."""
    from byok_bench.scenarios.proofs import prove_scenarios

    return [proof async for proof in prove_scenarios(scenarios)]


def write_draft(
    name: Annotated[str, typer.Argument(help="Name of the scenario: short, lower case, words joined by hyphens.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="Prompts: .txt (a line each), .csv (column prompt), .jsonl.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; NAME.toml if not named.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was written, as one JSON document.")] = False,
) -> None:
    """Write a scenario file of your own, of prompts that you have or to begin with; it runs as it is."""
    from byok_bench.scenarios.drafts import make_draft
    from byok_bench.scenarios.scenario_file import read_scenario_file

    path = out or Path(f"{name}.toml")
    if path.exists() and not force:
        fail(f"{path} is there already: --force writes over it, --out names another file")
    text = make_draft(name, source, path)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}")
    samples = len(read_scenario_file(path).samples)
    if as_json:
        emit_json({"version": 2, "path": str(path), "name": name, "samples": samples})
    following = f"byok-bench run --endpoint NAME --scenario {quote(str(path))}"
    note(f"{path}: {describe_count(samples, 'sample')}. Next: {following}")


def describe_scenario(scenario: "Scenario") -> list[str]:
    """A scenario in lines for people."""
    from byok_bench.scenarios.costs import estimate_cost
    from byok_bench.scenarios.toolbox import open_toolbox

    cost = estimate_cost(scenario)
    place = f"{scenario.group}/{scenario.name}" if scenario.group else scenario.name
    lines = [f"{place}: {scenario.title}", *([scenario.about] if scenario.about else [])]
    lines.append(
        f"{describe_count(cost.samples, 'sample')}, at most {describe_count(cost.requests_at_most, 'request')}, about "
        f"{cost.prompt_tokens_about} tokens of prompt, at most {cost.output_tokens_at_most} of output"
    )
    for word, values in (("tags", scenario.tags), ("needs", scenario.needs), ("tools", open_toolbox(scenario).tools)):
        if values:
            lines.append(f"{word}: {', '.join(values)}")
    for sample in scenario.samples:
        lines += ["", *_describe_sample(scenario, sample)]
    return lines


def _describe_sample(scenario: "Scenario", sample: "Sample") -> list[str]:
    turns = scenario.turns if sample.turns is None else sample.turns
    lines = [f"[{sample.name}]{f' {sample.about}' if sample.about else ''}"]
    lines += [f"  {message.role}: {_shorten(message.content)}" for message in sample.messages]
    lines += [f"  then: {_shorten(turn.user or 'the same again')}" for turn in turns]
    lines.append(f"  expects: {', '.join(expected.label for expected in sample.expect) or 'nothing'}")
    lines += [f"  mistake, caught by {one.caught_by}: {one.about}".rstrip(": ") for one in sample.mistake]
    return lines


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:99]}…"


def _list_facts(scenario: "Scenario") -> dict[str, Any]:
    names = ("name", "group", "title", "about", "tags", "needs")
    return {name: getattr(scenario, name) for name in names}
