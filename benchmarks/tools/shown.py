"""The tables of whole tools, and the targets that they are held to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.part import number
from benchmarks.tools.drivers import OURS

FAULTS: Final = {
    "cut": "stream cut",
    "fail": "error inside a 200 stream",
    "open": "clean end, no finish reason",
}
"""Word of the schedule → what the server does after 20 events."""
BEST: Final = "servebench"
"""The most exact of the others."""


@dataclass
class Outcome:
    """What was seen of one tool."""

    version: str
    problem: str = ""
    figures: dict[str, float | None] = field(default_factory=dict)
    notices: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def named(self) -> int:
        """Faulty servers on which every request is reported as failed."""
        return sum(0 < one["requests"] <= one["failed"] for one in self.notices.values())

    @property
    def invented(self) -> int:
        """Tokens counted on the faulty servers beyond those that arrived."""
        counted = [one for one in self.notices.values() if one["tokens"] is not None]
        return sum(max(0, one["tokens"] - one["arrived"]) for one in counted)


def shown(outcomes: Mapping[str, Outcome], help_s: Mapping[str, float], load: str, where: str) -> str:
    """Targets, the burst, the faulty servers."""
    targets = _targets(outcomes, help_s)
    missed = sum("not met" in one for one in targets)
    lines = [where, f"{len(targets) - missed} of {len(targets)} targets met.\n"]
    lines += ["| what | of | limit | measured | |\n|---|---|---|---|---|", *targets, ""]
    lines += [f"### Reported against the truth\n\n{load}. CPU and wall time are those of the whole command.\n"]
    lines += [
        "| tool | TTFT p50 / p99, ms | truth | tokens counted / arrived | CPU s | wall s | stolen, % |",
        "|---|---|---|---|---|---|---|",
        *(_burst_line(name, outcome) for name, outcome in outcomes.items()),
        "",
        "### Faulty servers\n\nEvery request fails after 20 events; what the tool says of them.\n",
        "| tool | " + " | ".join(FAULTS.values()) + " |\n|" + "---|" * (len(FAULTS) + 1),
        *(_fault_line(name, outcome) for name, outcome in outcomes.items() if outcome.notices),
        "",
    ]
    return "\n".join(lines)


def _targets(outcomes: Mapping[str, Outcome], help_s: Mapping[str, float]) -> list[str]:
    ours, best = outcomes[OURS.name], outcomes.get(BEST)
    lines = []
    if best is not None and best.figures and ours.figures:
        for figure, what, limit in (
            ("error_p50", "TTFT error p50", 0.1),
            ("error_p99", "TTFT error p99", 0.1),
            ("cpu_s", "CPU", 0.85),
        ):
            mine, theirs = ours.figures[figure], best.figures[figure]
            if mine is not None and theirs:
                lines.append(_line(what, f"`{OURS.name} run` / `{BEST}`", "≤", limit, mine / theirs))
    lines.append(_line("faulty servers named", f"`{OURS.name} run`", "≥", len(FAULTS), ours.named))
    lines.append(_line("tokens that did not arrive", f"`{OURS.name} run`", "≤", 0, ours.invented))
    if len(help_s) == 2:
        ratio = help_s["byok-bench"] / help_s["infermark"]
        lines.append(_line("`--help`, wall time", "`byok-bench` / `infermark`", "≤", 1.2, ratio))
    return lines


def _line(what: str, of: str, sign: str, limit: float, value: float) -> str:
    met = value >= limit if sign == "≥" else value <= limit
    return f"| {what} | {of} | {sign} {number(limit)} | {number(value)} | {'met' if met else '**not met**'} |"


def _burst_line(name: str, outcome: Outcome) -> str:
    title = f"{name} {outcome.version}".strip()
    if not outcome.figures:
        return f"| {title} | {outcome.problem or 'not measured'} | | | | | |"
    told = {key: "–" if value is None else number(value) for key, value in outcome.figures.items()}
    return (
        f"| {title} | {told['ttft_p50']} / {told['ttft_p99']} | {told['true_p50']} / {told['true_p99']} "
        f"| {told['tokens']} / {told['arrived']} | {told['cpu_s']} | {told['wall_s']} | {told.get('stolen', '–')} |"
    )


def _fault_line(name: str, outcome: Outcome) -> str:
    return f"| {name} | " + " | ".join(_noticed(outcome.notices[fault]) for fault in FAULTS) + " |"


def _noticed(one: Mapping[str, Any]) -> str:
    if not one["requests"]:
        return str(one["words"])
    if not one["failed"]:
        return f"not noticed: {one['requests']} good"
    counted = "" if one["tokens"] is None else f", {one['tokens']} tokens of {one['arrived']}"
    return f"{one['failed']} of {one['requests']} failed ({one['words']}){counted}"
