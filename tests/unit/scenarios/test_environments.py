"""The worlds that tools act on: what calls answer, and what they leave behind."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.scenarios.scenario import Scenario
from byok_bench.scenarios.scenario_file import parse_scenario
from byok_bench.scenarios.toolbox import Toolbox, open_toolbox

FILES = 'environment = { name = "NAME", files = { "src/a.py" = "x = 1\\ny = 2\\n", "README" = "about x\\n" } }'
STORE = 'environment = { name = "store", store = { limit = 10, name = "one" } }'


def make_task(line: str, more: str = "") -> Scenario:
    """A scenario in an environment."""
    head = f'version = 2\nname = "n"\ntitle = "t"\n{line}\n{more}\n[[samples]]\nname = "s"\n'
    return parse_scenario(f'{head}messages = [{{ role = "user", content = "go" }}]'.encode(), "n.toml")


def call(toolbox: Toolbox, name: str, **arguments: Any) -> Any:
    """What a call answers."""
    return json.loads(toolbox.answer_call(name, json.dumps(arguments)).text)


def run(command: str) -> tuple[int, str, dict[str, str]]:
    """Exit code, output, and the files that a command leaves."""
    toolbox = open_toolbox(make_task(FILES.replace("NAME", "shell")))
    answer = call(toolbox, "run_command", command=command)
    return answer["exit_code"], answer["output"], toolbox.state


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [
        ("ls", 0, "README\nsrc/\n"),
        ("ls src", 0, "a.py\n"),
        ("ls nothing", 2, "No such file"),
        ("cat src/a.py", 0, "x = 1\ny = 2\n"),
        ("cat gone", 1, "gone: No such file or directory"),
        ("grep -rn x .", 0, "README:1:about x\nsrc/a.py:1:x = 1\n"),
        ("grep -l y README src/a.py", 0, "src/a.py\n"),
        ("grep z README", 1, "\n"),
        ("cat src/a.py | grep y", 0, "y = 2\n"),
        ("head -n 1 src/a.py", 0, "x = 1\n"),
        ("tail -1 src/a.py", 0, "y = 2\n"),
        ("wc -l src/a.py", 0, "2 src/a.py\n"),
        ("find . -name '*.py'", 0, "src/a.py\n"),
        ("ls sr", 2, "No such file"),
        ("find . -name 'a*y'", 0, "src/a.py\n"),
        ("find . -name a", 0, ""),
        ("find sr", 1, "find: sr: No such file"),
        ("find src -type f", 0, "src/a.py\n"),
        ("rm gone", 1, "rm: gone: No such file"),
        ("rm -f gone", 0, ""),
        ("echo hi && cat README", 0, "hi\nabout x\n"),
        ("cat ../../etc/passwd", 1, "etc/passwd: No such file"),
        ("curl http://example.com", 127, "command not found"),
        ("echo 'open", 2, "syntax error"),
        ("", 127, "command not found"),
    ],
)
def test_a_command_answers_as_a_shell_does(command: str, code: int, output: str) -> None:
    """Exit code and output, and nothing outside of the files in memory."""
    found = run(command)
    assert found[0] == code
    assert output in found[1]


@pytest.mark.parametrize(
    ("command", "path", "text"),
    [
        ("echo new > src/b.py", "src/b.py", "new\n"),
        ("echo more >> README", "README", "about x\nmore\n"),
        ("sed -i s/x/z/ src/a.py", "src/a.py", "z = 1\ny = 2\n"),
        ("mv README LIESMICH", "LIESMICH", "about x\n"),
        ("mv README README", "README", "about x\n"),
        ("cp README COPY", "COPY", "about x\n"),
        ("rm README", "README", None),
        ("rm -r src", "src/a.py", None),
        ("mv README src/", "src/README", "about x\n"),
        ("cp README src", "src/README", "about x\n"),
        ("mv src/a.py .", "a.py", "x = 1\ny = 2\n"),
    ],
)
def test_a_command_changes_the_files_in_memory(command: str, path: str, text: str | None) -> None:
    """The state afterwards is what a scenario can expect."""
    assert run(command)[2].get(path) == text


def test_files_are_listed_read_written_patched_and_searched() -> None:
    """The five tools of the environment `files`."""
    box = open_toolbox(make_task(FILES.replace("NAME", "files")))
    assert call(box, "list_files", folder="./src/") == {"files": ["src/a.py"]}
    assert call(box, "list_files", folder=".src") == {"files": []}
    assert call(box, "read_file", path="./src/../README") == {"text": "about x\n"}
    assert call(box, "search_files", text="y =")["found"] == [{"path": "src/a.py", "line": 2, "text": "y = 2"}]
    assert "0 times" in call(box, "patch_file", path="README", old="nothing", new="x")["error"]
    assert call(box, "patch_file", path="src/a.py", old="y = 2", new="y = 3") == {"patched": "src/a.py"}
    assert call(box, "write_file", path="b", text="t")["written"] == "b"
    assert "no such file" in call(box, "read_file", path="c")["error"]
    assert box.state == {"src/a.py": "x = 1\ny = 3\n", "README": "about x\n", "b": "t"}


@pytest.mark.parametrize("name", ["files", "shell"])
def test_a_file_is_found_however_its_path_was_written(name: str) -> None:
    """`./a` of a scenario and `a` of a model are one file."""
    task = make_task(FILES.replace("NAME", name).replace("README", "./docs//../README"))
    assert "README" in open_toolbox(task).state


def test_a_transaction_holds_when_it_is_committed_and_not_before() -> None:
    """What was rolled back was never there."""
    box = open_toolbox(make_task(STORE))
    call(box, "begin_transaction")
    call(box, "set_value", key="limit", value=11)
    assert call(box, "get_value", key="limit") == {"value": 11}
    call(box, "roll_back_transaction")
    assert call(box, "get_value", key="limit") == {"value": 10}
    call(box, "begin_transaction")
    call(box, "delete_value", key="name")
    call(box, "commit_transaction")
    assert box.state == {"limit": 10}
    assert call(box, "list_keys") == {"keys": ["limit"]}
    assert "no transaction" in call(box, "commit_transaction")["error"]


def test_a_snapshot_brings_back_what_was() -> None:
    """State, and which results are used up."""
    tool = '[[tools]]\nname = "t"\nresults = [{ error = "busy", times = 1 }, { result = 1 }]'
    box = open_toolbox(make_task(STORE, tool))
    before = box.take_snapshot()
    call(box, "set_value", key="limit", value=1)
    assert [call(box, "t"), call(box, "t")] == [{"error": "busy"}, 1]
    box.restore(before)
    assert box.state == {"limit": 10, "name": "one"}
    assert call(box, "t") == {"error": "busy"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"id": 7}', '{"state":"sent"}'),
        ('{"id": 7.0}', '{"state":"sent"}'),
        ('{"id": 42}', "Order 42 is on its way"),
        ('{"id": "x"}', '{"error":"no such order"}'),
        ("{", '{"error":"the arguments are not JSON"}'),
        ("[]", '{"error":"the arguments are not a JSON object"}'),
    ],
)
def test_an_own_tool_answers_by_the_first_row_that_fits(arguments: str, text: str) -> None:
    """Arguments that are equal as JSON, then patterns, then whatever comes."""
    rows = (
        '{ arguments = { id = 7 }, result = { state = "sent" } }, '
        '{ pattern = { id = "^4" }, template = "Order ${id} is on its way" }, { error = "no such order" }'
    )
    box = open_toolbox(make_task(f'[[tools]]\nname = "find_order"\nresults = [{rows}]'))
    assert box.answer_call("find_order", arguments).text == text


@given(st.text(max_size=80))
def test_whatever_a_model_sends_is_answered(text: str) -> None:
    """Nothing that comes as a command, a path or arguments raises."""
    box = open_toolbox(make_task(FILES.replace("NAME", "shell")))
    box.answer_call("run_command", text)
    box.answer_call("run_command", json.dumps({"command": text}))
    files = open_toolbox(make_task(FILES.replace("NAME", "files")))
    for name in files.tools:
        files.answer_call(name, json.dumps({"path": text, "text": text, "old": text, "new": text, "folder": text}))
    assert all(isinstance(value, str) for value in files.state.values())
