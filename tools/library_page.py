"""The page of all scenarios in the library, with what one play of each costs: docs/library.md."""

from collections.abc import Iterator

from byok_bench.scenarios.costs import Cost, estimate_cost
from byok_bench.scenarios.scenario import Scenario
from byok_bench.scenarios.selection import GROUPS, load_library

HEAD = """\
# The library of scenarios

Every scenario that comes with the package, by group.
[scenarios.md](scenarios.md) says what a scenario is and how to write one.
Requests and tokens of output are the most that one play of all its samples can take.
Tokens of prompt are counted at four characters each.
`byok-bench scenarios show NAME` prints the prompts, what is expected, and the mistakes that must be caught.
"""


def write_library_page() -> str:
    """The whole page."""
    library = list(load_library().values())
    costs = [estimate_cost(one) for one in library]
    lines = [HEAD, f"{len(library)} scenarios, {sum(cost.samples for cost in costs)} samples.", ""]
    for group in GROUPS:
        rows = [(one, cost) for one, cost in zip(library, costs, strict=True) if one.group == group]
        lines += [f"## {group}", "", *list_group_lines(rows), ""]
    return "\n".join(lines)


def list_group_lines(rows: list[tuple[Scenario, Cost]]) -> Iterator[str]:
    """The table of one group."""
    yield "| scenario | samples | requests ≤ | prompt ~ | output ≤ | shows |"
    yield "|---|---:|---:|---:|---:|---|"
    for one, cost in sorted(rows, key=lambda row: row[0].name):
        numbers = (cost.samples, cost.requests_at_most, cost.prompt_tokens_about, cost.output_tokens_at_most)
        cells = " | ".join(f"{number:,}".replace(",", " ") for number in numbers)
        about = one.about.replace("|", "\\|")
        yield f"| `{one.name}` | {cells} | {one.title}. {about} |"
