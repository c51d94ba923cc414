"""A part of the benchmarks: what it measures, its table, and the file its latest figures are kept in."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.measure import machine
from benchmarks.truth import BUILD

Rows = dict[str, dict[str, float]]
"""Row → figure → value."""

LABELS = {
    "ttft_p50": "TTFT error p50, ms", "ttft_p99": "TTFT error p99, ms",
    "gap_p50": "gap error p50, ms", "gap_p99": "gap error p99, ms",
    "queued_p99": "queued p99, ms", "cpu_100k": "CPU s / 100 000 events", "late": "wall time / schedule",
    "events_s": "events/s per core", "kib_stream": "KiB / open stream", "failed": "failed",
    "stolen": "stolen, %",
    "cpu_us": "CPU µs / event",
    "import_ms": "ms", "usual_us": "httpx lines + json, µs/event", "read_us": "read, µs/event",
    "judged_us": "read and judged, µs/event", "judged_s": "judged events/s per core",
    "redact_ms": "redacted, ms", "of_limit": "of the limit",
    "marked": "samples marked", "wall_s": "wall s",
    "exchanges": "exchanges", "descriptors": "descriptors left", "tasks": "tasks left",
    "kib": "KiB grown, collector off",
}  # fmt: skip
"""Figure → head of its column."""


@dataclass(frozen=True)
class Part:
    """Something that is measured in one go, its rows in turn within every repeat."""

    name: str
    title: str
    says: str
    columns: tuple[str, ...]
    measure: Callable[[int], Rows]
    """Repeats → figures."""


@dataclass(frozen=True)
class Figures:
    """What a part measured, and where."""

    rows: Rows
    repeats: int
    machine: str


def measured(part: Part, repeats: int) -> Figures:
    """Measure, and keep the figures for the page."""
    figures = Figures(part.measure(repeats), repeats, machine())
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / f"{part.name}.json").write_text(json.dumps(vars(figures), indent=1))
    return figures


def kept(part: Part) -> Figures | None:
    """The figures of the latest measurement; None if there was none."""
    path = BUILD / f"{part.name}.json"
    return Figures(**json.loads(path.read_text())) if path.exists() else None


def number(value: float) -> str:
    """Three digits, thousands set apart."""
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 else f"{value:.3g}"


def table(part: Part, figures: Figures) -> str:
    """A part as Markdown."""
    head = ["", *(LABELS[column] for column in part.columns)]
    lines = [head, ["---"] * len(head)]
    lines += [
        [f"`{name}`", *(number(values[column]) for column in part.columns)] for name, values in figures.rows.items()
    ]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"### {part.title}\n\n{part.says} Repeats: {figures.repeats}.\n\n{text}\n"
