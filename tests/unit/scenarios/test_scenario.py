"""Scenario files: what is taken, what is refused and how it is said."""

from pathlib import Path

import msgspec
import pytest
from support.nine import AGENT_NAMES, ERROR_NAMES

from byok_bench.errors import PlanError
from byok_bench.scenarios.scenario import Scenario, find_turn_request, lay_over
from byok_bench.scenarios.scenario_file import parse_scenario, read_scenario_file
from byok_bench.scenarios.selection import find_scenarios, load_library

GOOD = """
version = 1
name = "mine"
title = "Mine"
tools = ["get_time"]
[request]
tool_choice = "get_time"
[[samples]]
name = "one"
messages = [{ role = "user", content = "What time is it in Paris?" }]
expect = [{ what = "tool_called" }]
"""
FULL = """
version = 2
name = "full"
title = "Full"
max_rounds = 3
[request]
parallel_tool_calls = true
cancel_after = { deltas = 3 }
[[tools]]
name = "find_order"
parameters = { type = "object", properties = { id = { type = "integer", minimum = 1 } }, required = ["id"] }
[[tools.results]]
pattern = { id = "^7" }
result = { state = "sent" }
[environment]
name = "store"
store = { limit = 10 }
[fill]
tokens = 500
facts = [{ at = 0.5, text = "The code word is heron.", answer = "heron" }]
[[turns]]
user = "And the next one?"
request = { max_tokens = 9 }
[[turns]]
again = true
[[samples]]
name = "seven"
messages = [{ role = "user", content = "Where is order 7?" }]
request = { temperature = 1.0 }
expect = [{ what = "called_exactly", calls = [{ name = "find_order", arguments = { id = 7 } }] }]
[[samples.solution]]
calls = [{ name = "find_order", arguments = { id = 7 } }]
[[samples.mistake]]
caught_by = "called_exactly"
turns = [{ text = "I think it was delivered." }]
"""


def test_the_library_has_the_scenarios_of_version_1_under_their_names() -> None:
    """Six agent prompts and three error scenarios go on being found."""
    known = load_library()
    assert {name for name in AGENT_NAMES if not known[name].wants_failure} == set(AGENT_NAMES)
    assert {name for name in ERROR_NAMES if known[name].wants_failure} == set(ERROR_NAMES)
    assert all(sample.expect for scenario in known.values() for sample in scenario.samples)


@pytest.mark.parametrize(
    ("line", "instead", "says"),
    [
        ("version = 1", "version = 3", "version 3"),
        ("version = 1", "", "version"),
        ('title = "Mine"', "title = 3", "title: expected `str`"),
        ('title = "Mine"', 'titel = "Mine"', "titel: there is no such field; did you mean title?"),
        ("get_time", "get_tme", "get_tme"),
        (
            'tool_choice = "get_time"',
            'tool_choise = "auto"',
            "request.tool_choise: there is no such field; did you mean tool_choice?",
        ),
        (
            'tool_choice = "get_time"',
            'tool_choice = "get_tim"',
            "neither a mode nor an offered tool; did you mean get_time?",
        ),
        (
            'what = "tool_called"',
            'what = "tool_caled"',
            "samples[0].expect[0].what: there is no 'tool_caled'; did you mean tool_called?",
        ),
        ('what = "tool_called"', 'what = "tool_called", any = []', "samples[0].expect[0].any: there is no such field"),
        ('role = "user"', 'role = "usr"', "samples[0].messages[0].role: there is no 'usr'; did you mean user?"),
        ("[[samples]]", "[[sample]]", "did you mean samples?"),
        (
            'title = "Mine"',
            'title = "Mine"\nsolution = []',
            "solution: there is no such field here; it stands in samples",
        ),
        ("[request]", f"a = {'[' * 5000}{']' * 5000}\n[request]", "nested too deep"),
        ("messages = [{", "messages = [{{", "line"),
        ('name = "mine"', 'name = "a/b"', "a/b"),
        ('tools = ["get_time"]', 'tools = ["get_time"]\nmax_turns = 0', "max_turns"),
        ("[[samples]]", f"[[samples]]{GOOD.partition('[[samples]]')[2]}[[samples]]", "same name"),
        (
            'name = "one"',
            'name = "one"\nrequest = { max_token = 3 }',
            "samples[0].request.max_token: there is no such field; did you mean max_tokens?",
        ),
    ],
)
def test_a_broken_scenario_names_file_and_field(tmp_path: Path, line: str, instead: str, says: str) -> None:
    """Whoever wrote the file is told where to look, and what was probably meant."""
    path = tmp_path / "mine.toml"
    assert line in GOOD
    path.write_text(GOOD.replace(line, instead))
    with pytest.raises(PlanError) as caught:
        read_scenario_file(path)
    assert "mine.toml" in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("line", "instead", "says"),
    [
        ('type = "integer", minimum = 1', 'type = "integr"', "tools[0].parameters is no JSON Schema"),
        ("minimum = 1", 'minimum = "one"', "tools[0].parameters is no JSON Schema: properties.id.minimum"),
        ('"^7"', '"("', "tools[0].results[0].pattern.id"),
        ('result = { state = "sent" }', 'result = 1\nerror = "no"', "only one of result, template, words and error"),
        ('name = "store"', 'name = "stor"', "environment.name: there is no 'stor'; did you mean store?"),
        ("at = 0.5", "at = 1.5", "a depth is from 0"),
        ("tokens = 500", "tokens = 0", "fill.tokens"),
        ("{ deltas = 3 }", "{ deltas = 3, ms = 4.0 }", "one of deltas and ms"),
        ("again = true", 'again = true\nuser = "And?"', "turns[1]: give either"),
        ('user = "And the next one?"', "back_to = 0", "turns[0]: give either"),
        ("request = { max_tokens = 9 }", "back_to = 1", "turns[0].back_to"),
        (
            "request = { max_tokens = 9 }",
            "request = { stopp = [] }",
            "turns[0].request.stopp: there is no such field; did you mean stop?",
        ),
        ('caught_by = "called_exactly"', 'caught_by = "called_exactely"', "did you mean called_exactly?"),
        (
            "expect = [",
            'expect = [{ what = "no_finding", group = "frame" }, ',
            "no group 'frame'; did you mean framing?",
        ),
        ("expect = [", 'expect = [{ what = "no_finding", id = "delta.idstable" }, ', "did you mean delta.id-stable?"),
        ('what = "called_exactly", ', 'what = "called_exactly", turn = 5, ', "expect[0].turn: there is no user turn 5"),
        ('name = "seven"', 'name = ""', "samples[0].name: '' is no name"),
        ('name = "full"', 'name = "fu\\nll"', "'fu\\nll' is no name for a scenario"),
        ("{ deltas = 3 }", "{ deltas = 0 }", "cancel_after.deltas must be more than 0"),
        ("{ deltas = 3 }", "{ deltas = 3 }\nstream = false", "an answer that is no stream has no deltas"),
        ("parallel_tool_calls = true", "temperature = nan", "request.temperature: nan is no number"),
        ("parallel_tool_calls = true", "extra = { chat = { since = 2024-01-01 } }", "request.extra.chat.since: a date"),
        ("parallel_tool_calls = true", 'answer_schema = { type = "objct" }', "request.answer_schema is no JSON Schema"),
        ("minimum = 1", '"$ref" = "#/$defs/id"', "properties.id.$ref '#/$defs/id' leads nowhere"),
        ('result = { state = "sent" }', "times = 2", "tools[0].results[0]: give result, template"),
        ('result = { state = "sent" }', "result = 1\ndelay = -1", "tools[0].results[0].delay must be at least 0"),
        ("store = { limit = 10 }", 'tools = ["get_valu"]', "environment.tools[0]: environment 'store' has no tool"),
        ('name = "find_order"\n', 'name = "get_value"\n', "a tool of the scenario's own is named 'get_value' as well"),
        ('result = { state = "sent" }', "words = 10000000000", "tools[0].results[0].words must be at most 1000000"),
        ("max_rounds = 3", "max_rounds = 100000000", "max_rounds must be at most 1000"),
        (
            'turns = [{ text = "I think it was delivered." }]',
            'turns = [{ calls = [{ name = "find_order", filled = { id = -1 } }] }]',
            "samples[0].mistake[0].turns[0].calls[0].filled: -1 is no number of words",
        ),
        ('answer = "heron"', 'answer = " "', "fill.facts[0]: a fact needs a text"),
        ("again = true", "again = true\nfill = { tokens = 0 }", "turns[1].fill.tokens"),
        ("max_rounds = 3", "max_rounds = 3\nlimits = { tokens = 0 }", "limits.tokens must be more than 0"),
        ("max_rounds = 3", 'max_rounds = 3\nspoil = { method = "GET IT" }', "spoil.method"),
        ("expect = [", 'expect = [{ what = "text_contains", any_of = [""] }, ', "expect[0].any_of"),
        ("expect = [", 'expect = [{ what = "agrees_with", as_turn = 2 }, ', "user turn 2 is compared with itself"),
        ("expect = [", 'expect = [{ what = "usage_rises", field = "total_tokens", from_turn = 7 }, ', "no user turn 7"),
        ("expect = [", 'expect = [{ what = "finish_reason", any_of = ["stopp"] }, ', "did you mean stop?"),
        ("expect = [", 'expect = [{ what = "calls_in_parallel" }, ', "give at_least or at_most"),
        ("expect = [", 'expect = [{ what = "json_matches" }, ', "no request has an answer_schema"),
        ("expect = [", 'expect = [{ what = "failure_kind", any_of = ["auht"] }, ', "did you mean auth?"),
        ("expect = [", 'expect = [{ what = "not_called", any_of = ["find_ordr"] }, ', "did you mean find_order?"),
        ("expect = [", 'expect = [{ what = "text_matches", pattern = "a{99999999999}" }, ', "no regular expression"),
        ('turns = [{ text = "I think it was delivered." }]', "turns = []", "a mistake needs at least one answer"),
        (
            'turns = [{ text = "I think it was delivered." }]',
            'turns = [{ fault = "tool.index-gp" }]',
            "mistake[0].turns[0].fault: the catalogue has no rule 'tool.index-gp'; did you mean tool.index-gap?",
        ),
    ],
)
def test_a_scenario_that_makes_no_sense_is_told_where(line: str, instead: str, says: str) -> None:
    """What types cannot hold is said by path, too."""
    assert line in FULL
    with pytest.raises(PlanError) as caught:
        parse_scenario(FULL.replace(line, instead).encode(), "full.toml")
    assert says in str(caught.value)


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    """Editors put one there."""
    assert parse_scenario(b"\xef\xbb\xbf" + GOOD.encode(), "mine.toml").name == "mine"


def test_a_sample_lays_its_own_settings_over_those_of_the_scenario() -> None:
    """What a sample does not set is the scenario's."""
    scenario = parse_scenario(FULL.encode(), "full.toml")
    task = lay_over(scenario, scenario.samples[0])
    assert (task.request.temperature, task.request.parallel_tool_calls, task.rounds) == (1.0, True, 3)
    assert find_turn_request(task, 1).max_tokens == 9
    assert find_turn_request(task, 1).cancel_after is None
    assert find_turn_request(task, 2).max_tokens == 64


def test_a_scenario_is_found_by_name_set_path_and_value(tmp_path: Path) -> None:
    """The ways to name a scenario lead to the same one, once."""
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    mine = read_scenario_file(path)
    assert find_scenarios([path, str(path), mine]) == (mine,)
    assert {one.name for one in find_scenarios("errors")} >= set(ERROR_NAMES)
    assert find_scenarios(["plain-answer", "plain-answer", "all"])[0].name == "plain-answer"
    assert len(find_scenarios("all")) == len(load_library())
    assert find_scenarios(load_library()) == find_scenarios("all")


@pytest.mark.parametrize("wanted", ["tools/forced-tool", "tools/forced-*", "forced-tool"])
def test_a_scenario_of_the_library_is_found_by_its_place(wanted: str) -> None:
    """Group and name, a glob over both, and the name alone mean the same."""
    assert [one.name for one in find_scenarios(wanted)] == ["forced-tool"]


def test_a_set_is_what_bears_its_tag() -> None:
    """`agent` and `quick` are tags, and quick holds at most twelve samples."""
    assert {one.name for one in find_scenarios("agent")} == set(AGENT_NAMES)
    assert sum(len(one.samples) for one in find_scenarios("quick")) <= 12


def test_two_different_scenarios_cannot_share_a_name(tmp_path: Path) -> None:
    """Rows are told apart by the name alone."""
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    mine = read_scenario_file(path)
    with pytest.raises(PlanError, match="two different scenarios"):
        find_scenarios([mine, msgspec.structs.replace(mine, title="Other")])


@pytest.mark.parametrize("wanted", ["plain-anser", "missing.toml", [], "tolls/*", "tools/forced-tol"])
def test_a_scenario_that_is_not_there_is_refused(wanted: str) -> None:
    """A typo does not run something else, or nothing."""
    with pytest.raises(PlanError):
        find_scenarios(wanted)


def test_a_scenario_survives_being_stored() -> None:
    """What is stored with a run is the scenario, expectations included."""
    for scenario in (*load_library().values(), parse_scenario(FULL.encode(), "full.toml")):
        assert msgspec.convert(msgspec.to_builtins(scenario), Scenario) == scenario
