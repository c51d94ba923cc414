"""`make bench-tools`: whole tools and `byok-bench run` under the same load; installs each tool once, by its name.

    python -m benchmarks.tools [--repeats 3] [--only servebench,infermark] [--parts faults,burst,help] [--write]

What they report is held against the server's own clock, what they cost is taken from the operating system, and
three faulty servers show which faults each of them notices. `--write` puts the tables into docs/benchmarks.md.
"""

import argparse
import json
import sys
from dataclasses import replace
from functools import partial
from statistics import median

from benchmarks import page
from benchmarks.measure import machine
from benchmarks.steal import undisturbed
from benchmarks.tools import helping
from benchmarks.tools.drivers import OURS, TOOLS, Tool
from benchmarks.tools.installed import installed
from benchmarks.tools.playing import Load, Played, ToolFailed, play
from benchmarks.tools.shown import FAULTS, Outcome, shown
from benchmarks.truth import BUILD, TruthServer, truth_server

BURST = Load(64, 16, "ttft=50;gap=10;n=64", 64)
FAULTY = {fault: Load(8, 2, f"ttft=50;gap=10;n=64;{fault}=20", 64) for fault in FAULTS}
KEPT = BUILD / "tools.json"


def programs(names: list[str]) -> dict[str, tuple[Tool, list[str], Outcome]]:
    """Tool → how it is started; ours is always among them."""
    found = {}
    for tool in (OURS, *TOOLS):
        if tool is OURS or tool.name in names:
            there = installed(tool.package, tool.name, editable=tool is OURS)
            found[tool.name] = (tool, [str(there.program)], Outcome(there.version, there.problem))
    return found


def faults(server: TruthServer, tool: Tool, program: list[str], outcome: Outcome) -> None:
    """Which of the faulty servers the tool notices, and what it counts there."""
    for fault, load in FAULTY.items():
        print(f"tools {tool.name} {fault}", file=sys.stderr, flush=True)
        try:
            played = play(server, tool, program, load)
        except ToolFailed as problem:
            outcome.notices[fault] = {
                "requests": 0,
                "failed": 0,
                "tokens": None,
                "arrived": 0,
                "words": str(problem),
            }
            continue
        report = played.report
        outcome.notices[fault] = {
            "requests": played.requests,
            "failed": report.failed,
            "tokens": report.tokens,
            "arrived": played.arrived,
            "words": report.words if report.failed else "",
        }


def figures(several: list[Played]) -> dict[str, float | None]:
    """Medians over the repeats."""
    mid: dict[str, float | None] = {
        name: median(getattr(one, name) for one in several)
        for name in ("true_p50", "true_p99", "cpu_s", "wall_s", "arrived", "stolen")
    }
    for name in ("ttft_p50", "ttft_p99", "tokens"):
        said = [value for one in several if (value := getattr(one.report, name)) is not None]
        mid[name] = median(said) if said else None
    for rank in ("p50", "p99"):
        errors = [
            abs(said - getattr(one, f"true_{rank}"))
            for one in several
            if (said := getattr(one.report, f"ttft_{rank}")) is not None
        ]
        mid[f"error_{rank}"] = median(errors) if errors else None
    return mid


def burst(server: TruthServer, chosen: dict[str, tuple[Tool, list[str], Outcome]], repeats: int) -> None:
    """The burst, all tools in turn within every repeat."""
    results: dict[str, list[Played]] = {name: [] for name in chosen}
    for repeat in range(repeats):
        for name, (tool, program, outcome) in chosen.items():
            print(f"tools {repeat + 1}/{repeats} {name}", file=sys.stderr, flush=True)
            try:
                one, stolen = undisturbed(partial(play, server, tool, program, BURST))
                results[name].append(replace(one, stolen=stolen))
            except ToolFailed as problem:
                outcome.problem = str(problem)
    for name, several in results.items():
        if several:
            chosen[name][2].figures = figures(several)


def measured(names: list[str], parts: list[str], repeats: int) -> None:
    """Measure what is asked for; the rest of what is kept stays as it was."""
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {"tools": {}, "help": {}}
    chosen = programs(names)
    for name, (_, _, outcome) in chosen.items():
        before = kept["tools"].get(name, {})
        outcome.figures, outcome.notices = before.get("figures", {}), before.get("notices", {})
    usable = {name: given for name, given in chosen.items() if not given[2].problem}
    with truth_server() as server:
        if "faults" in parts:
            for tool, program, outcome in usable.values():
                faults(server, tool, program, outcome)
        if "burst" in parts:
            burst(server, usable, repeats)
            kept |= {"repeats": repeats, "machine": machine()}
    if "help" in parts:
        others = installed("infermark[cli]", "infermark").program
        kept["help"] = helping.seconds(installed(OURS.package, OURS.name, editable=True).program, others)
    kept["tools"] |= {name: vars(outcome) for name, (_, _, outcome) in chosen.items()}
    KEPT.write_text(json.dumps(kept, indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default=",".join(tool.name for tool in TOOLS), help="tools beside ours")
    parser.add_argument("--parts", default="faults,burst,help", help="what to measure; the rest stays as it was")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    given = parser.parse_args()
    names, parts = ([word for word in text.split(",") if word] for text in (given.only, given.parts))
    if parts:
        measured(names, parts, given.repeats)
    last = json.loads(KEPT.read_text())
    text = shown(
        {name: Outcome(**values) for name, values in last["tools"].items()},
        last["help"],
        f"{BURST.streams} connections at once, {BURST.streams * BURST.rounds} requests, `{BURST.model}`",
        f"Measured on {last.get('machine', machine())}; repeats: {last.get('repeats', 0)}.",
    )
    print(text)
    if given.write:
        page.write("tools", text)


if __name__ == "__main__":
    main()
