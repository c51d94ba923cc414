"""Rules as they are written: what is taken, what is refused, and in which line."""

from pathlib import Path
from typing import Any

import pytest

from byok_bench.errors import PlanError
from byok_bench.report.columns import COLUMNS
from byok_bench.report.gates.explanations import explain_rules
from byok_bench.report.gates.metrics import OF_TABLES, find_metric, list_metrics
from byok_bench.report.gates.rule_files import list_presets, parse_rules, resolve_rules
from byok_bench.report.gates.rules import Rule

GOOD = """version = 1

[[rule]]
name = "first token"
metric = "ttft_ms.p90"
where = { endpoint = "*", scenario = "agent" }
max = 800

[[rule]]
metric = "outcome.ok"
against = "baseline"
margin = 0.03

[[rule]]
metric = "findings.severity.error"
max = 0
"""


def written(tmp_path: Path, text: str) -> Path:
    """A rules file."""
    path = tmp_path / "gates.toml"
    path.write_text(text)
    return path


def test_the_rules_of_a_file_are_as_it_says(tmp_path: Path) -> None:
    """Names, metrics and bounds of every rule, in order."""
    rules = resolve_rules(written(tmp_path, GOOD))
    assert [(rule.label, rule.max, rule.against) for rule in rules] == [
        ("first token", 800, None),
        ("outcome.ok", None, "baseline"),
        ("findings.severity.error", 0, None),
    ]


REFUSED = {
    "another version": ("version = 1", "version = 2", 1, "version of a rules file is 1, not 2"),
    "no version": ("version = 1\n", "", 1, "is 1, not None"),
    "a field of the file": ("[[rule]]\nmetric = \"find", "[[rules]]\nmetric = \"find", 14, "did you mean 'rule'?"),
    "a field of a rule": ("max = 800", "maxx = 800", 7, "[[rule]] has no field 'maxx'; did you mean 'max'?"),
    "a field of where": ("scenario =", "scenaro =", 6, "where has no field 'scenaro'; did you mean 'scenario'?"),
    "a metric": ("ttft_ms.p90", "ttft.p90", 5, "no metric is called 'ttft.p90'; did you mean 'ttft_ms.p90'?"),
    "a rule of the catalogue": (
        "findings.severity.error", "findings.check.tool.indx-gap", 15, "did you mean 'findings.check.tool.index-gap'?",
    ),
    "a text for a bound": ("max = 800", 'max = "fast"', 7, "Expected `float | null`, got `str`"),
    "a bound that is none": ("max = 800", "max = nan", 7, "max is nan, which is no bound"),
    "a share in percent": ('against = "baseline"\nmargin = 0.03', "min = 95", 11, "is a share from 0 to 1"),
    "a column whose number is counted otherwise": ("outcome.ok", "ok_percent", 10, "did you mean 'outcome.ok'?"),
    "presets that are no list": ("version = 1", "version = 1\npresets = 3", 2, "presets are a list of names"),
    "nothing asked": ("max = 800", "", 3, "asks for nothing: give max, min or against"),
    "a bound and a baseline": ("margin = 0.03", "max = 1", 9, "has a bound and a baseline"),
    "a margin that is none": ("margin = 0.03", 'margin = "few"', 12, 'a text like "10 %"'),
    "a margin below 0": ("margin = 0.03", "margin = -1", 12, "not below 0"),
    "a preset": ("version = 1", 'version = 1\npresets = ["tokenhob"]', 2, "did you mean 'tokenhub'?"),
    "a nest of lists": ("max = 800", "max = " + "[" * 20_000, None, "not TOML"),
    "a table for a list": ("[[rule]]\nmetric = \"find", "[rule]\nmetric = \"find", None, "not TOML"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, case: str) -> None:
    """And with the name that was meant, if there is one like it."""
    old, new, line, said = REFUSED[case]
    assert old in GOOD
    with pytest.raises(PlanError) as caught:
        resolve_rules(written(tmp_path, GOOD.replace(old, new)))
    assert said in str(caught.value)
    assert line is None or f"gates.toml, line {line}:" in str(caught.value)


def test_a_file_that_is_not_there_may_be_a_preset_misspelt() -> None:
    """Presets and files are given at one place."""
    with pytest.raises(PlanError, match="did you mean the preset 'tokenhub'"):
        resolve_rules("tokenhb")


def test_rules_in_code_are_tables_or_rules(tmp_path: Path) -> None:
    """One, several, or what a file would say, with or without its version."""
    table, rule = {"metric": "failures", "max": 0}, Rule(metric="failures", max=0)
    for source in (rule, [rule], [table], [table, rule], {"rule": [table]}, {"version": 1, "rule": [table]}):
        assert set(resolve_rules(source)) == {rule}
    with pytest.raises(PlanError, match=r"rules: .*did you mean 'max'"):
        resolve_rules([{"metric": "failures", "maxx": 0}])


def test_rules_within_another_document_are_told_by_its_lines() -> None:
    """A plan's gates are in lines of the plan."""
    text = 'version = 1\nrepeats = 3\n[[gates.rule]]\nmetric = "ttft_ms"\nmacks = 3\n'
    with pytest.raises(PlanError, match=r"plan\.toml, line 5: \[\[rule\]\] has no field 'macks'"):
        parse_rules({"rule": [{"metric": "ttft_ms", "macks": 3}]}, "plan.toml", text, ("gates",))


@pytest.mark.parametrize("name", list_presets())
def test_a_preset_has_rules_with_sources(name: str) -> None:
    """Numbers of others are never without the place that they are from."""
    rules = resolve_rules(name)
    assert rules
    assert all(rule.source.startswith("https://") for rule in rules)


def test_presets_are_taken_into_a_file() -> None:
    """`presets` stands for their rules, before one's own."""
    rules = resolve_rules({"version": 1, "presets": "openrouter-tools", "rule": [{"metric": "failures", "max": 0}]})
    assert [rule.label for rule in rules] == ["InvalidJson", "UnknownName", "SchemaMismatch", "failures"]


def test_every_name_of_the_list_means_something() -> None:
    """A name that is suggested is never refused."""
    assert {find_metric(name).name for name in list_metrics()} == set(list_metrics())


@pytest.mark.parametrize("column", OF_TABLES)
def test_a_column_of_a_table_is_a_metric_under_its_name_there(column: str) -> None:
    """Whoever has the table before them need not look up another name."""
    assert column in COLUMNS
    assert find_metric(column).name in list_metrics()
    metric = find_metric(column)
    if metric.kind == "count":
        assert Rule(metric=column, against="baseline").get_metric().name == f"{metric.name}.share"


@pytest.mark.parametrize("source", [None, 3, b"gates.toml", [], ["tokenhub"]])
def test_what_cannot_be_rules_is_refused(source: Any) -> None:
    """In one line, whatever it is."""
    with pytest.raises(PlanError, match="rules are a path, the name of a preset"):
        resolve_rules(source)


def test_a_probe_is_no_metric_of_a_run() -> None:
    """No run plays it, so that a rule about it would hold whatever the endpoint does."""
    with pytest.raises(PlanError, match="no metric"):
        find_metric("findings.check.turn.tool-roundtrip")


MARGINS: dict[str, tuple[dict[str, Any], str]] = {
    "ten percent of times": ({"metric": "ttft_ms"}, "10 %"),
    "three points of shares": ({"metric": "outcome.ok"}, "0.03"),
    "in the unit of a time": ({"metric": "ttft_ms", "margin": 40}, "40"),
    "percent of a share are points": ({"metric": "outcome.ok", "margin": "5 %"}, "0.05"),
}


@pytest.mark.parametrize("case", MARGINS)
def test_a_margin_is_in_the_unit_or_a_share_of_the_baseline(case: str) -> None:
    """As it is given, or as it is usual for the kind of number."""
    fields, margin = MARGINS[case]
    assert str(Rule(against="baseline", **fields).read_margin()) == margin


def test_what_rules_ask_is_said_in_words() -> None:
    """Bound, place, how many answers it takes, and where it is from."""
    [first, *_] = explain_rules(resolve_rules("tokenhub"))
    assert "p90 of TTFT (ttft_ms.p90) of each endpoint; at most 5000 ms is allowed" in first
    assert "Only 0 to 16384 prompt tokens." in first
    assert "interval from 36" in first
