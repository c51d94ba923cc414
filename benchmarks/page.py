"""docs/benchmarks.md: the measured sections between their marks."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.part import Figures, Part, table
from benchmarks.targets import TARGETS, line

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def measured(parts: Mapping[str, Part], found: Mapping[str, Figures]) -> str:
    """Targets first, then one table a part."""
    targets = [
        line(target, parts[target.part].title, found[target.part].rows) for target in TARGETS if target.part in found
    ]
    missed = sum("not met" in one for one in targets)
    machines = " / ".join(sorted({figures.machine for figures in found.values()}))
    lines = [
        f"Measured on {machines}; medians over the repeats.",
        f"{len(targets) - missed} of {len(targets)} targets met.\n",
        "### Targets\n",
        "| what | of | limit | measured | |\n|---|---|---|---|---|",
        *targets,
        "",
    ]
    return "\n".join([*lines, *(table(parts[name], figures) for name, figures in found.items())])


def write(section: str, text: str) -> None:
    """Put `text` between the marks of a section."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before, _, rest = PAGE.read_text().partition(begin)
    PAGE.write_text(f"{before}{begin}\n{text}{end}{rest.partition(end)[2]}")
