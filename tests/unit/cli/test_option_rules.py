"""No option is ignored in silence: all pairs of all commands, as data (tests/cases/options.toml)."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import typer.main
from click import Context

from byok_bench.cli.main import build_app, main
from byok_bench.cli.option_rules import OPTION_RULES, find_ignored, name_parameter

CASES: dict[str, dict[str, Any]] = tomllib.loads(
    (Path(__file__).parents[2] / "cases/options.toml").read_text(encoding="utf-8")
)
ELSEWHERE = {"endpoints import": "it takes one source, and says so for each pair itself"}
"""Commands whose pairs are held in another place."""
VALUES = {
    "--schema": "chat", "--profile": "local", "--rate": "1", "--concurrency": "2", "--arrivals": "constant",
    "--exchange": "1", "--undecided": "pass",
}  # fmt: skip
"""What options are given that do not take any text."""


def walk(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its name behind the program's."""
    if hasattr(command, "commands"):
        for below, one in command.commands.items():
            yield from walk(one, f"{name} {below}".strip())
    else:
        yield name, command


PROGRAM: Any = typer.main.get_command(build_app())
COMMANDS = dict(walk(PROGRAM))


def options_of(command: str) -> dict[str, Any]:
    """Written name → parameter; help is nobody's."""
    return {name_parameter(one): one for one in COMMANDS[command].params if one.name != "help"}


def typed(command: str, *names: str) -> list[str]:
    """These options with a value each, and what the command cannot do without."""
    parameters = options_of(command)
    needed = [name for name, one in parameters.items() if one.required and name not in names]
    words: list[str] = []
    for name in (*needed, *names):
        one = parameters[name]
        if name.startswith("-"):
            words.append(name)
        if not (getattr(one, "is_flag", False)):
            words.append(VALUES.get(name, "1"))
    return words


def ignored(command: str, *names: str) -> str:
    """What the program says of these options together."""
    root = Context(PROGRAM, info_name="byok-bench")
    *groups, last = command.split()
    for group in groups:
        root = Context(PROGRAM.commands[group], parent=root, info_name=group)
    with COMMANDS[command].make_context(last, typed(command, *names), parent=root) as context:
        return find_ignored(context)


def verdict(command: str, *names: str) -> str:
    """What the table says: the option that would be ignored, or nothing."""
    case = CASES[command]
    for name in names:
        needs = case.get("needs", {}).get(name, [])
        if needs and not set(needs) & set(names):
            return name
        if set(case.get("apart", {}).get(name, [])) & set(names):
            return name
    return ""


def test_every_option_of_every_command_is_in_the_table() -> None:
    """A new option says what it is used beside."""
    assert set(CASES) | set(ELSEWHERE) == set(COMMANDS)
    for command, case in CASES.items():
        listed = {*case["free"], *case.get("needs", {}), *case.get("apart", {})}
        assert listed == set(options_of(command)), command


def test_every_rule_names_what_there_is() -> None:
    """A rule about an option that was renamed holds nobody."""
    for command, rules in OPTION_RULES.items():
        named = {*rules, *(other for rule in rules.values() for other in (*rule.needs, *rule.apart))}
        assert named <= set(options_of(command)), command


@pytest.mark.parametrize("command", CASES)
def test_each_pair_of_options_is_used_or_refused(command: str) -> None:
    """One alone, and each with each other: what would be ignored is named, and nothing else is refused."""
    names = list(options_of(command))
    for pair in [*((name,) for name in names), *combinations(names, 2)]:
        expected, said = verdict(command, *pair), ignored(command, *pair)
        assert bool(said) == bool(expected) or _is_held_by_the_command(command, pair), (pair, said)
        assert not said or any(name in said for name in pair)


def _is_held_by_the_command(command: str, pair: tuple[str, ...]) -> bool:
    """`send` takes exactly one source, which is no matter of pairs alone."""
    return command == "send" and len(set(pair) & {"--prompt", "--request", "--jsonl"}) == 2


@pytest.mark.parametrize(
    "line",
    [
        "run plan.toml --model bar",
        "run plan.toml --key-env FOO",
        "run plan.toml --schema chat",
        "run --base-url http://127.0.0.1:9/v1 --model m --rate 1 --concurrency 2",
        "run --base-url http://127.0.0.1:9/v1 --model m --arrivals constant",
        "run --base-url http://127.0.0.1:9/v1 --model m --ramp-to 2",
        "run --resume last --new",
        "run --resume last --repeats 3",
        "send --base-url http://127.0.0.1:9/v1 --model m --prompt a --concurrency 3",
        "send --base-url http://127.0.0.1:9/v1 --model m --prompt a --request -",
        "send mine --base-url http://127.0.0.1:9/v1 --prompt a",
        "serve --speed 2",
        "serve --endpoint x",
        "serve --replay last --ttft-ms 3",
        "serve --list --port 80",
        "report last --list",
        "endpoints add K --key-stdin --key-env FOO",
        "endpoints edit K --no-key --key-env X",
    ],
)
def test_what_would_be_ignored_is_refused(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit 2, before anything is done."""
    monkeypatch.setattr(sys, "argv", ["byok-bench", *line.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert ended.value.code == 2
    assert len(told.err.splitlines()) == 1
    assert told.out == ""


@pytest.mark.parametrize("line", ["serve --speed 2", "endpoints edit K --no-key --key-env X"])
def test_the_rules_hold_however_the_program_is_started(line: str) -> None:
    """As a module it refuses what it refuses as a script, in the same words."""
    script = Path(sys.executable).with_name("byok-bench")
    starts = ([str(script)], [sys.executable, "-m", "byok_bench"])
    ended = [subprocess.run([*start, *line.split()], capture_output=True, text=True, check=False) for start in starts]
    assert [one.returncode for one in ended] == [2, 2]
    assert ended[0].stderr == ended[1].stderr != ""
