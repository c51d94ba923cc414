"""The tables `vendor` and `ranking` for people: what fell short in words, shares in percent, times as ratios."""

from collections.abc import Iterator, Sequence
from typing import Final

from byok_bench.report.table_parts import Line
from byok_bench.report.table_text import NA, TextLine, render_cell
from byok_bench.report.vendor.metrics import TIME_METRICS

NAMES: Final = {
    "failures": "failures",
    "trigger": "tool trigger (F1)",
    "schema_accuracy": "valid calls",
    "arguments": "same arguments",
    "finish": "same finish reason",
    "task": "tasks met",
    "ttft": "TTFT, times reference",
    "e2e": "E2E, times reference",
    "tpot": "TPOT, times reference",
    "tokens": "prompt tokens more",
    "tokens.offset": "hidden prompt, tokens",
    "tokens.slope": "tokens per reference token",
}
NOTE: Final = (
    "floor: the reference beside itself, or its own number. Judged is value − floor, with its 95 % interval. "
    "needed: prompts more until it is decided. family: the verdict at 1 − 0.05 ÷ metrics."
)
_ORDER: Final = ("fail", "undecided", "pass")


def describe_candidate(lines: Sequence[Line]) -> Iterator[str]:
    """One sentence for what is worse, and one for what is not decided; worst first."""
    name, reference = lines[0]["endpoint"], lines[0]["reference"]
    judged = [line for line in lines if line["verdict"]]
    failed = [line for line in judged if line["verdict"] == "fail"]
    for line in failed:
        yield (
            f"{name} is worse than {reference}: {_name(line)} {_render(line, line['value'])}, floor "
            f"{_render(line, line['floor'])} ({_render_difference(line)}, margin {_render(line, line['margin'])})"
        )
    open_ = [line for line in judged if line["verdict"] == "undecided"]
    if open_:
        yield f"{name}: undecided are {', '.join(_name(line) + _render_needed(line) for line in open_)}"
    if judged and not failed and not open_:
        yield f"{name} is no worse than {reference} by more than the margins"


def render_vendor(lines: Sequence[Line]) -> list[TextLine]:
    """The lines of one candidate; what failed first, what is not judged last."""
    ranked = sorted(lines, key=lambda line: _ORDER.index(line["verdict"]) if line["verdict"] else len(_ORDER))
    return [
        {
            "metric": _name(line),
            "value": _render(line, line["value"]),
            "floor": _render(line, line["floor"]),
            "above_floor": _render_difference(line),
            "n": str(line["n"]),
            "margin": _render(line, line["margin"]) if line["margin"] is not None else "",
            "verdict": line["verdict"] or "",
            "family": line["family"] or "",
            "needed": "" if line["needed"] is None else str(line["needed"]),
        }
        for line in ranked
    ]


def render_ranking(lines: Sequence[Line]) -> list[TextLine]:
    """Price and seconds with their intervals, one cell each."""
    return [
        {
            "endpoint": line["endpoint"],
            "solved": f"{line['solved']} of {line['n']}",
            "price_per_solved": _render_range(
                line, "price_per_solved", "price_per_solved_low", "price_per_solved_high"
            ),
            "seconds_per_solved_s": _render_range(
                line, "seconds_per_solved_s", "seconds_per_solved_low_s", "seconds_per_solved_high_s"
            ),
            **{name: line[name] or NA for name in ("cheapest", "quickest", "most_reliable")},
        }
        for line in lines
    ]


def _name(line: Line) -> str:
    metric: str = line["metric"]
    return NAMES.get(metric, metric)


def _render(line: Line, value: float | None) -> str:
    if value is None:
        return NA
    metric = line["metric"]
    if metric in TIME_METRICS:
        return f"{value:.2f}"
    return render_cell(float(value)) if metric.startswith("tokens") else f"{100 * value:.1f} %"


def _render_difference(line: Line) -> str:
    if line["difference"] is None:
        return NA
    scale, unit = (1, "") if line["metric"] in TIME_METRICS or line["metric"].startswith("tokens") else (100, " points")
    value = f"{scale * line['difference']:+.{1 if scale > 1 else 2}f}"
    if line["difference_low"] is None:
        return value + unit
    ends = (f"{scale * line[end]:+.{1 if scale > 1 else 2}f}" for end in ("difference_low", "difference_high"))
    return f"{value} ({' to '.join(ends)}){unit}"


def _render_needed(line: Line) -> str:
    if line["needed"] is None:
        return ""
    money = "" if line["needed_cost"] is None else f", {line['needed_cost']:.2f} $"
    return f" ({line['needed']} prompts more{money})"


def _render_range(line: Line, value: str, low: str, high: str) -> str:
    if line[value] is None:
        return NA
    ends = "" if line[low] is None else f" ({line[low]:.3g}–{line[high]:.3g})"
    return f"{line[value]:.3g}{ends}"
