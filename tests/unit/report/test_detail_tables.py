"""Tables on details of a run that was written out by hand, with values worked out on paper."""

from collections import Counter
from typing import Any

import pytest
from support.detailed_run import make_detailed_run
from support.made_run import MadeRun, failed, plan, row

from byok_bench.report.detail_tables import SCHEMA_WORDS, count_outcomes, name_state
from byok_bench.report.frames import make_table_frame
from byok_bench.report.heat_map import render_heat_lines, render_heat_map
from byok_bench.report.selections import RowSelection
from byok_bench.report.table_text import find_alarming_columns
from byok_bench.report.tables import list_filled_tables, list_table_lines
from byok_bench.runs.figures import find_prompt_step
from byok_bench.runs.results import DETAILS, TABLES
from byok_bench.runs.row import Row

RUN = make_detailed_run()


def lines(name: str, **where: Any) -> list[dict[str, Any]]:
    """The lines of a table with these cells."""
    return [line for line in list_table_lines(RUN, name) if all(line[key] == value for key, value in where.items())]


def outcomes(*rows: Row) -> Counter[str]:
    """What they say of a feature."""
    return count_outcomes(RowSelection(rows), SCHEMA_WORDS)


@pytest.mark.parametrize(
    ("endpoint", "feature", "result", "counts"),
    [
        ("one", "enum", "valid", (3, 0, 3, 0, 0)),
        ("one", "pattern", "invalid ×2, valid ×1", (3, 0, 1, 2, 0)),
        ("two", "enum", "refused", (3, 3, 0, 0, 3)),
        ("two", "pattern", "error", (2, 2, 0, 0, 0)),
    ],
)
def test_a_feature_is_valid_invalid_refused_or_an_error(
    endpoint: str, feature: str, result: str, counts: tuple[int, ...]
) -> None:
    """One word where all agree, else each with its count."""
    (line,) = lines("schemas", endpoint=endpoint, feature=feature)
    assert line["result"] == result
    assert tuple(line[name] for name in ("n", "failed", "valid", "invalid", "refused")) == counts


def test_a_share_is_of_what_was_accepted() -> None:
    """With Wilson's interval; NA where nothing was."""
    (line,) = lines("schemas", endpoint="one", feature="pattern")
    assert (line["valid_percent"], line["valid_low_percent"], line["valid_high_percent"]) == (33.33, 6.15, 79.23)
    (none,) = lines("schemas", endpoint="two", feature="enum")
    assert none["valid_percent"] is None


@pytest.mark.parametrize("status", [500, 501, 503])
def test_a_status_of_500_or_more_is_never_a_refusal(status: int) -> None:
    """Whatever kind its words make of it."""
    assert set(outcomes(failed("invalid_request", http_status=status))) == {"error"}


def test_a_400_that_speaks_of_the_key_is_no_refusal() -> None:
    """Nor one that speaks of the model."""
    kinds = ("auth", "quota", "not_found_model", "context_length")
    assert set(outcomes(*(failed(kind, http_status=400) for kind in kinds))) == {"error"}


def test_parameters_have_an_effect_or_are_ignored() -> None:
    """By what their sample expects; a tag stands for the folder."""
    assert {line["feature"]: line["result"] for line in lines("params")} == {"stop": "effect", "seed": "ignored"}


def test_depth_goes_by_round_and_by_tokens() -> None:
    """The prompt of a round is the conversation so far; a step ends at a power of two."""
    rounds = lines("depth", by="round", endpoint="one")
    assert [(one["step"], one["ttft_ms"]) for one in rounds if one["prompt_tokens"]][1:] == [(2, 20.0), (3, 30.0)]
    tokens = lines("depth", by="prompt tokens")
    assert [(one["step"], one["n"], one["cached_percent"]) for one in tokens] == [
        (1024, 2, 0.0), (2048, 2, 50.0), (4096, 2, 66.67),
    ]  # fmt: skip


@pytest.mark.parametrize(("tokens", "step"), [(1, 1024), (1024, 1024), (1025, 2048), (100_000, 131_072)])
def test_a_step_holds_its_upper_end(tokens: int, step: int) -> None:
    """1024 tokens are in the step up to 1024."""
    assert find_prompt_step(row(prompt_tokens=tokens)) == step


def test_a_run_without_depth_has_no_such_lines() -> None:
    """One round and short prompts say nothing of it."""
    flat = MadeRun([row(prompt_tokens=10), row(repeat=2, prompt_tokens=20)], plan())
    assert list_table_lines(flat, "depth") == []


@pytest.mark.parametrize(
    ("shown", "good", "refused", "free", "state"),
    [
        (3, 3, 0, False, "yes"), (2, 3, 0, False, "partly"), (0, 3, 0, False, "no"), (0, 0, 3, False, "no"),
        (0, 0, 0, False, "unknown"), (1, 3, 0, True, "yes"), (0, 3, 0, True, "unknown"), (0, 0, 2, True, "no"),
    ],
)  # fmt: skip
def test_a_state_is_that_of_all_answers(shown: int, good: int, refused: int, free: bool, state: str) -> None:
    """What a model may leave is unknown until it was seen."""
    assert name_state(shown, good, refused, is_free=free) == state


def test_capabilities_are_what_the_answers_show_by_the_way() -> None:
    """Forced calls that came are a yes on one, refusals a no on two; an exchange stands behind each."""
    (one,) = lines("capabilities", endpoint="one", feature="tools.required")
    assert (one["result"], one["n"], one["shown"]) == ("yes", 6, 6)
    (two,) = lines("capabilities", endpoint="two", feature="tools.required")
    assert (two["result"], two["failed"], two["refused"]) == ("no", 5, 3)
    (cache,) = lines("capabilities", endpoint="one", feature="cache.prefix")
    assert (cache["result"], cache["exchange"]) == ("yes", 12)


def test_calls_are_told_by_what_is_wrong_with_them() -> None:
    """Three classes, and the share of valid ones over prompts: enum 3 of 3, pattern 1 of 3."""
    (line,) = lines("tools", endpoint="one", scenario="features")
    assert (line["calls"], line["valid"]) == (6, 4)
    assert (line["invalid_json"], line["unknown_name"], line["schema_mismatch"]) == (1, 0, 1)
    assert line["valid_percent"] == 66.67
    assert line["valid_low_percent"] < 66.67 < line["valid_high_percent"]


def test_a_map_has_a_line_a_feature_and_a_column_an_endpoint() -> None:
    """What was not asked is a dash; trouble is what is invalid or an error."""
    enum, pattern = render_heat_lines(list_table_lines(RUN, "schemas"))
    assert enum == {"feature": "enum", "one": "valid ×3", "two": "refused ×3"}
    assert find_alarming_columns(pattern) == {"one", "two"}
    assert find_alarming_columns(enum) == frozenset()
    (stop, _) = render_heat_lines(list_table_lines(RUN, "params"))
    assert stop == {"feature": "stop", "one": "effect ×3"}


def test_a_map_escapes_what_users_wrote() -> None:
    """Labels are texts."""
    table = [{"endpoint": "<b>", "model": "m", "feature": "&", "result": "valid", "n": 1}]
    page = render_heat_map(table, "<i>")
    assert "<b>" not in page
    assert "<i>" not in page
    assert '<td class="good">valid</td>' in page


def test_targets_of_one_label_are_told_apart() -> None:
    """By the model, where two have one label."""
    head = {"endpoint": "one", "feature": "enum", "result": "valid", "n": 1}
    (line,) = render_heat_lines([head | {"model": "a"}, head | {"model": "b"}])
    assert list(line) == ["feature", "one · a", "one · b"]


def test_tables_on_details_are_there_where_they_have_a_line() -> None:
    """The five always are."""
    assert list(list_filled_tables(RUN)) == [*TABLES, *DETAILS]
    assert list(list_filled_tables(MadeRun([], plan()))) == list(TABLES)


@pytest.mark.parametrize("name", DETAILS)
def test_a_table_is_a_data_frame_with_n(name: str) -> None:
    """One row a line."""
    made = make_table_frame(RUN, name)
    assert len(made) == len(list_table_lines(RUN, name))
    assert (made["n"] > 0).all()
