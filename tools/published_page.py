"""docs/published.md: figures that others have printed, with the intervals that their counts allow.

The counts are in docs/published.toml, each table with its source; `bb.stats` gives the intervals.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import byok_bench as bb

DATA = Path(__file__).parents[1] / "docs" / "published.toml"
HEAD = """# Published figures, with intervals

What others have printed of hosts of the same model, and what the counts behind it allow to be said.
Intervals are ours, at 95 %, by `bb.stats` ([statistics](statistics.md)): Wilson for shares, and mapped for F1.
They take answers as independent; where prompts were asked several times, the truth is wider still.
`decided`: whether the interval lies on one side of the line that the source prints, or of the host compared with.
The figures are in [published.toml](published.toml).
"""


def load_tables() -> list[dict[str, Any]]:
    """The tables of the data file."""
    found: list[dict[str, Any]] = tomllib.loads(DATA.read_text("utf-8"))["table"]
    return found


def estimate(table: dict[str, Any], row: dict[str, Any]) -> bb.stats.Interval:
    """The interval of one printed figure."""
    if table["kind"] == "share":
        return bb.stats.rate(row["hits"], row["n"])
    if table["kind"] == "errors":
        return bb.stats.f1(row["tp"], row["errors"], 0)
    if table["kind"] == "f1":
        calls, reference = row["calls"], table["reference"]
        hits = round(row["printed"] / 100 * (calls + reference) / 2)  # F1 = 2 TP ÷ (P + R)
        return bb.stats.f1(hits, calls - hits, reference - hits)
    return bb.stats.rate(round(row["printed"] * table["n"]), table["n"])


def decide(table: dict[str, Any], row: dict[str, Any], found: bb.stats.Interval) -> str:
    """What may be said against the printed line, or beside the host that is compared with."""
    if "line" in table:
        line = table["line"]
        beyond = bb.stats.Interval(found.value - line, found.low - line, found.high - line, found.n, found.level)
        return {"pass": "above the line", "fail": "below the line"}.get(bb.stats.decide(beyond, 0), "not decided")
    if "against" in table and row["host"] != table["against"]:
        other = estimate(table, next(one for one in table["rows"] if one["host"] == table["against"]))
        gap = bb.stats.subtract(found, other)
        verdict = bb.stats.decide(gap, 0)
        return "not decided" if verdict == "undecided" else "better" if verdict == "pass" else "worse"
    return ""


def write_published_page() -> str:
    """The page as text."""
    return "\n".join([HEAD, *(line for table in load_tables() for line in render_table(table))]).rstrip() + "\n"


def render_table(table: dict[str, Any]) -> Iterator[str]:
    """One table with its source and note."""
    line = f"The printed line is {table['line']:.0%}.".replace("%", " %") if "line" in table else ""
    against = f"Compared with {table['against']}." if "against" in table else ""
    yield from (f"## {table['title']}", "", f"Source: {table['source']}.")
    yield from (one for one in (line, against, *table["note"].replace(". ", ".\n").split("\n")) if one)
    yield from ("", "| host | printed | reproduced | 95 % interval | n | decided |", "|---|---|---|---|---|---|")
    for row in table["rows"]:
        found = estimate(table, row)
        digits = 1 if table["kind"] == "score" else 2
        printed = f"{row['printed']:g}" if table["kind"] == "score" else f"{row['printed']:.2f} %"
        cells = (
            row["host"],
            printed,
            f"{100 * found.value:.{digits}f} %",
            f"{100 * found.low:.1f}–{100 * found.high:.1f} %",
            str(found.n),
            decide(table, row, found),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
