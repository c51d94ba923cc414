"""What the columns of tables are: machine key → heading for people, meaning, unit. Headings are made here alone.

Keys stand in JSON, CSV, Parquet and DataFrames, headings in terminals, pages and notebooks; docs/metrics.md has the
definitions.
"""

from typing import Final, NamedTuple

TABLES_VERSION: Final = 2
"""Of JSON documents that hold tables. 1 had the headings for keys."""


class Column(NamedTuple):
    """How a column is told to people."""

    heading: str
    meaning: str
    unit: str = ""
    """Of its numbers; empty for text and counts."""


COLUMNS: Final = {
    "endpoint": Column("endpoint", "label of the endpoint"),
    "model": Column("model", "alias or id of the model"),
    "load": Column("load", "samples in flight, or started a second"),
    "scenario": Column("scenario", "agent prompt, or mistake of a client"),
    "n": Column("n", "what was asked; while a run is not over, of as many as are planned"),
    "planned": Column("planned", "what is to be asked in all, as far as is known; n where the run is over"),
    "failed": Column("failed", "of n, those without a good answer"),
    "excluded": Column("excluded", "left out, not in n: it would have shown nothing on this target"),
    "caused_by_us": Column(
        "caused by us",
        "failed by our doing: 429s within the cooldown that an error scenario of this run caused, and what broke off "
        "while this machine slept; in neither n nor failed",
    ),
    "marked": Column(
        "marked",
        "of n, those during which this client's event loop stood still for more than 50 ms; or this machine slept, or "
        "its clock was set: then their times are left out",
    ),
    "drifted": Column(
        "drifted", "the second half of the run differs from the first at 99 %: the intervals are of neither"
    ),
    "ttfb_ms": Column("TTFB ms", "request written → first byte of the body, median", "ms"),
    "ttft_ms": Column("TTFT ms", "request written → first delta with text, reasoning or tool arguments, median", "ms"),
    "ttft_interval_ms": Column("TTFT 95 % CI", "95 % interval of the median; from 6 samples on", "ms"),
    "interval": Column(
        "95 % CI",
        "95 % interval of the median, or of the difference in a comparison; from 6 samples on",
        "ms",
    ),
    "ttft_p90_ms": Column("TTFT p90", "9 of 10 were quicker; from 10 samples on", "ms"),
    "ttft_p99_ms": Column("TTFT p99", "99 of 100 were quicker; from 100 samples on", "ms"),
    "e2e_ms": Column("E2E ms", "request written → end of the answer, median", "ms"),
    "e2e_interval_ms": Column("E2E 95 % CI", "95 % interval of the median; from 6 samples on", "ms"),
    "e2e_p90_ms": Column("E2E p90", "9 of 10 were quicker; from 10 samples on", "ms"),
    "e2e_p99_ms": Column("E2E p99", "99 of 100 were quicker; from 100 samples on", "ms"),
    "wait_ms": Column(
        "wait ms", "intended start → request written, median: the client's own queue and the connection", "ms"
    ),
    "connect_ms": Column("connect ms", "name lookup → connected, median of those that connected", "ms"),
    "errors": Column("errors", "answers with a finding of severity error"),
    "warnings": Column("warnings", "answers with a finding of severity warn"),
    "itl_ms": Column("ITL ms", "time between two deltas with output, median of all gaps", "ms"),
    "itl_p99_ms": Column("ITL p99", "99 of 100 gaps were shorter; from 100 gaps on", "ms"),
    "packed_percent": Column("packed %", "share of gaps that are 0: deltas that came in one packet", "%"),
    "tpot_ms": Column("TPOT ms", "time from first to last delta with output by completion tokens − 1, median", "ms"),
    "tokens_per_s": Column("tok/s", "1000 / TPOT, of streams that did not come in packets", "tokens/s"),
    "findings": Column("findings", "rules that were broken, and by how many answers"),
    "as_wanted": Column("as wanted", "of n, those that ended as with a good server"),
    "wanted": Column("wanted", "what a good server does"),
    "seen": Column("seen", "what it did: an answer, or the kind of failure"),
    "status": Column("status", "HTTP status of failures"),
    "retry_after_s": Column("retry after s", "delay that the server asked for, median", "s"),
    "message": Column("message", "what it said most often"),
    "ok": Column("ok", "met all that was expected"),
    "called": Column("called", "samples in which a tool was called"),
    "calls": Column("calls", "tool calls"),
    "ok_percent": Column("ok %", "share of samples that met all, each prompt alike", "%"),
    "ok_low_percent": Column("ok low", "lower end of its 95 % interval, over prompts", "%"),
    "ok_high_percent": Column("ok high", "upper end of it", "%"),
    "ok_interval_percent": Column("ok 95 % CI", "95 % interval of the share, over prompts", "%"),
    "valid_percent": Column("valid %", "share that is valid; of calls each prompt alike", "%"),
    "valid_low_percent": Column("valid low", "lower end of its 95 % interval", "%"),
    "valid_high_percent": Column("valid high", "upper end of it", "%"),
    "valid_interval_percent": Column("valid 95 % CI", "95 % interval of the share", "%"),
    "invalid_json": Column("no JSON", "calls whose arguments are no JSON"),
    "unknown_name": Column("unknown", "calls of a function that was not offered"),
    "schema_mismatch": Column("misfit", "calls of an offered tool whose arguments do not fit its schema"),
    "feature": Column("feature", "what is asked for: a capability, a feature of JSON Schema, a parameter"),
    "result": Column("result", "the word that all answers agree on, else each with its count"),
    "invalid": Column("invalid", "accepted, and the arguments do not fit"),
    "refused": Column("refused", "of failed, turned down with 400 or 422 for what the request asks"),
    "effect": Column("effect", "accepted, and it did what it is for"),
    "ignored": Column("ignored", "accepted, and it did nothing"),
    "effect_percent": Column("effect %", "share of what was accepted that had an effect", "%"),
    "effect_low_percent": Column("effect low", "lower end of its 95 % interval", "%"),
    "effect_high_percent": Column("effect high", "upper end of it", "%"),
    "effect_interval_percent": Column("effect 95 % CI", "95 % interval of the share", "%"),
    "shown": Column("shown", "answers that show it"),
    "shown_percent": Column("shown %", "share of good answers that show it", "%"),
    "shown_low_percent": Column("shown low", "lower end of its 95 % interval", "%"),
    "shown_high_percent": Column("shown high", "upper end of it", "%"),
    "shown_interval_percent": Column("shown 95 % CI", "95 % interval of the share", "%"),
    "exchange": Column("exchange", "number of an exchange that shows it; byok-bench report --exchange N prints it"),
    "place": Column("place", "status, failure, header, body, event or answer"),
    "what": Column("what", "a JSON path, the name of a header, or what of the answer"),
    "change": Column("change", "dropped, added, changed, reordered, merged or split on the way"),
    "of": Column("of", "pairs in which it could show"),
    "by": Column("by", "what the lines go by: the round of a conversation, or the tokens of a prompt"),
    "step": Column("step", "the round, counted from 1; or tokens up to this many"),
    "prompt_tokens": Column("prompt tokens", "tokens of the prompt, median"),
    "cached_tokens": Column("cached", "of them, from a cache as the server tells, median"),
    "cached_percent": Column("cached %", "share of all prompt tokens that came from a cache", "%"),
    "valid": Column("valid", "calls of an offered tool whose arguments fit its schema"),
    "ttft_tool_ms": Column("TTFT tool ms", "request written → first delta of a tool call, median", "ms"),
    "tools": Column("tools", "tools that were called"),
    "not_as_expected": Column("not as expected", "what was not met"),
    "refused_well": Column("refused well", "mistakes of a client that were refused as they should be"),
    "tokens_in": Column("tokens in", "prompt tokens, sum"),
    "tokens_out": Column("tokens out", "completion tokens, sum"),
    "cost": Column("cost", "sum of usage.cost, in the server's own unit, else of the declared price × tokens"),
    "check": Column("check", "id of the rule; byok-bench checks show ID explains it"),
    "severity": Column("severity", "error: clients break; warn: some do; info: good to know"),
    "exchanges": Column("exchanges", "answers that broke it"),
    "example": Column("example", "what was noticed in one of them"),
    "target": Column("target", "the pair: endpoint and model"),
    "metric": Column("metric", "what is compared; of each, less is better"),
    "pairs": Column("pairs", "pairs in which neither side failed"),
    "failed_a": Column("failed A", "paired exchanges that failed in A"),
    "failed_b": Column("failed B", "paired exchanges that failed in B"),
    "a": Column("A", "median of the pairs, in A", "ms"),
    "b": Column("B", "median of the pairs, in B", "ms"),
    "difference": Column("B − A", "median of the differences of the pairs", "ms"),
    "low": Column("low", "lower end of the 95 % interval of the difference", "ms"),
    "high": Column("high", "upper end of it", "ms"),
    "difference_percent": Column("%", "the difference as a share of A", "%"),
    "verdict": Column("verdict", "what may be said of B beside A"),
    "reference": Column("reference", "endpoint that candidates are held against"),
    "value": Column("value", "what is estimated of the candidate; shares as 0–1, times as a multiple of the reference"),
    "floor": Column("floor", "the same of the reference beside itself, or the reference's own number"),
    "above_floor": Column("value − floor", "what is judged, with its 95 % interval"),
    "difference_low": Column("low", "lower end of the interval of value − floor"),
    "difference_high": Column("high", "upper end of it"),
    "margin": Column("margin", "how much worse is let pass"),
    "family": Column("family", "the verdict at 1 − 0.05 ÷ lines, at which all of them hold together"),
    "needed": Column("needed", "prompts more until it is decided with 95 % power, if the estimate is the truth"),
    "needed_cost": Column("needed cost", "what they cost, by what prompts have cost so far"),
    "solved": Column("solved", "tasks that met all that was expected"),
    "solved_rate": Column("solved", "share of tasks that met all that was expected"),
    "solved_rate_low": Column("low", "lower end of its 95 % interval"),
    "solved_rate_high": Column("high", "upper end of it"),
    "price_per_solved": Column("price a solved task", "all that was spent by all that was solved"),
    "price_per_solved_low": Column("low", "lower end of its 95 % interval, from 6 prompts on"),
    "price_per_solved_high": Column("high", "upper end of it"),
    "seconds_per_solved_s": Column("seconds a solved task", "time of all turns by all that was solved", "s"),
    "seconds_per_solved_low_s": Column("low", "lower end of its 95 % interval, from 6 prompts on", "s"),
    "seconds_per_solved_high_s": Column("high", "upper end of it", "s"),
    "cheapest": Column("cheapest", "least price a solved task: yes, no, or undecided"),
    "quickest": Column("quickest", "least time a solved task: yes, no, or undecided"),
    "most_reliable": Column("most reliable", "most tasks solved: yes, no, or undecided"),
    "ttft_low_ms": Column("TTFT low", "lower end of the 95 % interval of the median, from 6 samples on", "ms"),
    "ttft_high_ms": Column("TTFT high", "upper end of it", "ms"),
    "e2e_low_ms": Column("E2E low", "lower end of the 95 % interval of the median, from 6 samples on", "ms"),
    "e2e_high_ms": Column("E2E high", "upper end of it", "ms"),
}
INTERVALS: Final = {
    "ttft_ms": ("ttft_low_ms", "ttft_high_ms", "ttft_interval_ms"),
    "e2e_ms": ("e2e_low_ms", "e2e_high_ms", "e2e_interval_ms"),
    **{
        f"{name}_percent": (f"{name}_low_percent", f"{name}_high_percent", f"{name}_interval_percent")
        for name in ("ok", "valid", "effect", "shown")
    },
}
"""Median → the ends of its interval, and the column in which people see both."""
BOUNDS: Final = frozenset(end for low, high, _ in INTERVALS.values() for end in (low, high))


def get_heading(key: str) -> str:
    """What stands above a column; a view's own columns are called by their headings already."""
    return COLUMNS[key].heading if key in COLUMNS else key


def describe_column(key: str) -> str:
    """What a column is, in one line with its unit; empty for a view's own."""
    if key not in COLUMNS:
        return ""
    _, meaning, unit = COLUMNS[key]
    return f"{meaning} ({unit})" if unit else meaning
