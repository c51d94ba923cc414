"""Play the whole library on the embedded llama.cpp, and a part of it through LiteLLM: `python tools/play_library.py`.

One dialect, one repeat, answers capped; what needs a larger window, or is dear, is left out. A play that was stopped
goes on where it was. A small model misses most expectations; what must not happen is a sample without an outcome.
Prints a table for docs/scenarios.md; exit code 1 if a loop broke. `--direct`: without LiteLLM; `--window N`: tokens.
"""

import argparse
import asyncio
import os
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec.structs import replace

import byok_bench as bb
from byok_bench.runs.row import Row
from byok_bench.scenarios.scenario import Scenario, count_most_answers, lay_over
from byok_bench.scenarios.selection import GROUPS, find_scenarios

STORE = Path("build/library.sqlite")
CAP = 16
"""Tokens of an answer at most."""
CAP_OF_CALLS = 48
"""The same where a call may be sent back: one that was cut short is refused by llama.cpp, and the loop ends there."""
WINDOW = 2048
"""Tokens; a larger one plays more of the groups context and cache, and takes longer."""
LONGEST_S = 120.0
"""Of an answer: llama.cpp takes a limit of −1 tokens for none, and writes until its window is full."""
PORTS = (18431, 18432)
"""Of llama.cpp and LiteLLM: always the same, so that a play can go on."""
THROUGH_LITELLM = ("agent", "tools/choice-*", "loops/fix-a-bug", "structured/strict-schema")
LIMITED = ("max_tokens", "max_completion_tokens")


def choose_cap(scenario: Scenario) -> int:
    """Tokens of an answer at most: enough for a whole call where one is sent back."""
    tasks = [lay_over(scenario, sample) for sample in scenario.samples]
    return CAP_OF_CALLS if any(task.has_tools and count_most_answers(task) > 1 for task in tasks) else CAP


def cap_output(scenario: Scenario, tokens: int) -> Scenario:
    """The scenario with no answer longer than so many tokens."""
    request = replace(scenario.request, max_tokens=min(tokens, scenario.request.max_tokens))
    if request.max_completion_tokens is not None:
        request = replace(request, max_completion_tokens=min(tokens, request.max_completion_tokens))
    samples = tuple(
        replace(
            sample,
            request=cap_members(sample.request, tokens),
            turns=None if sample.turns is None else tuple(cap_turn(turn, tokens) for turn in sample.turns),
        )
        for sample in scenario.samples
    )
    turns = tuple(cap_turn(turn, tokens) for turn in scenario.turns)
    return replace(scenario, request=request, samples=samples, turns=turns)


def cap_turn(turn: Any, tokens: int) -> Any:
    """A user turn with no longer answers."""
    return replace(turn, request=cap_members(turn.request, tokens))


def cap_members(members: dict[str, Any], tokens: int) -> dict[str, Any]:
    """Members of a request with no longer answers."""
    return members | {name: min(tokens, members[name]) for name in LIMITED if name in members}


async def play(endpoint: bb.Endpoint, names: Sequence[str]) -> bb.Run:
    """A run of these scenarios."""
    scenarios = [
        cap_output(one, choose_cap(one)) for one in find_scenarios(names) if not (one.wants_failure and one.cost)
    ]
    endpoint = replace(endpoint, timeouts=bb.Timeouts(total=LONGEST_S))
    return await bb.run(endpoint, scenarios, repeats=1, warmup=1, store=STORE, on_progress=lambda _: None)


def list_lines(run: bb.Run) -> list[str]:
    """The table of one run, by group."""
    rows = [row for row in run.rows if not row.is_warmup]
    groups = {one.name: one.group for one in run.plan.scenarios}
    counts: dict[str, Counter[str]] = {group: Counter() for group in GROUPS}
    for row in rows:
        count = counts[groups[row.scenario]]
        count["requests"] += row.status in ("done", "failed")
        count[row.outcome or ""] += 1
    columns = ("ok", "unmet", "failed", "excluded", "requests")
    lines = [f"| group | samples | {' | '.join(columns)} |", f"|---|{'---:|' * 6}"]
    for group, count in counts.items():
        samples = sum(count[name] for name in columns[:4])
        if samples:
            lines.append(f"| `{group}` | {samples} | {' | '.join(str(count[name]) for name in columns)} |")
    total = sum(counts.values(), Counter())
    samples = sum(total[name] for name in columns[:4])
    lines.append(f"| all | {samples} | {' | '.join(str(total[name]) for name in columns)} |")
    seconds = sum((row.end_ns - row.start_ns) / 1e9 for row in rows if row.end_ns and row.start_ns)
    return [*lines, "", f"{seconds / 60:.1f} minutes, {len(list_broken(run))} samples without an outcome."]


def list_broken(run: bb.Run) -> list[str]:
    """Samples that did not come to an end."""
    ended = {(row.scenario, row.sample) for row in run.rows if row.outcome is not None}
    every = [(scenario.name, sample.name) for scenario in run.plan.scenarios for sample in scenario.samples]
    return [f"{scenario}/{sample}" for scenario, sample in every if (scenario, sample) not in ended]


def list_failures(rows: Sequence[Row]) -> list[str]:
    """Samples without a good answer, with the reason."""
    return [f"{row.scenario}/{row.sample}: {'; '.join(row.why)}"[:200] for row in rows if row.outcome == "failed"]


def read_arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--direct", action="store_true", help="without LiteLLM")
    parser.add_argument("--window", type=int, default=WINDOW, help="tokens of the model's context")
    return parser.parse_args()


async def main() -> int:
    """Play both, print what came of it."""
    asked = read_arguments()
    STORE.parent.mkdir(exist_ok=True)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            bb.LlamaCpp(threads=os.cpu_count() or 1, context=asked.window, slots=1, port=PORTS[0])
        )
        direct = await play(server.endpoint, ["all"])
        print("\n".join(["llama.cpp", *list_lines(direct), *list_failures(direct.rows)]), flush=True)
        broken = list_broken(direct)
        if not asked.direct:
            proxy = await stack.enter_async_context(bb.LiteLLM(server, port=PORTS[1]))
            through = await play(proxy.endpoint, THROUGH_LITELLM)
            print("\n".join(["LiteLLM", *list_lines(through), *list_failures(through.rows)]), flush=True)
            broken += list_broken(through)
    print("\n".join(f"no outcome: {name}" for name in broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
