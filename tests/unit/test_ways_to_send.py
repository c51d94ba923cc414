"""Every way to send obeys the workspace's policy: all of them are enumerated here, from code and from commands.

A new command, public name or caller of the gate that stands in none of the tables below fails a test.
"""

import ast
import asyncio
import inspect
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from support.books import an_endpoint, book_text, written
from support.counting import Counted, counting_server

import byok_bench as bb
from byok_bench.backends.receiver import Receiver
from byok_bench.backends.simulator.http import Request
from byok_bench.cli.main import build_app, main
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.contract import CONTRACT_FIELD, encode_endpoint
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.send import list_models
from byok_bench.runs.runner import resume

PACKAGE = Path(bb.__file__).parent
OFF = "byok_enabled = false\n"
OTHER_SCHEMA = 'schemas = ["messages"]\n'
POLICIES = pytest.mark.parametrize("policy", [OFF, OTHER_SCHEMA], ids=["byok off", "another schema"])
SENDS_NOTHING = {
    "lab": "starts JupyterLab; its notebooks send through the package",
    "endpoints list": "", "endpoints show": "", "endpoints add": "", "endpoints edit": "", "endpoints remove": "",
    "endpoints import": "", "endpoints presets": "",
    "judge": "looks a name up and never connects",
    "report": "", "compare": "", "checks list": "", "checks show": "",
    "serve": "answers, and calls nobody",
    "scenarios list": "", "scenarios show": "", "scenarios new": "",
    "scenarios check": "plays on a simulator of its own",
    "runs list": "", "runs show": "", "runs note": "", "runs delete": "", "runs vacuum": "", "runs check": "",
    "runs merge": "", "runs export": "", "runs baseline": "", "runs history": "",
    "runs import": "", "gate": "",
}  # fmt: skip
BEHIND_THE_GATE = {
    "endpoints/send.py": "the gate stands in it",
    "backends/receiver.py": "asks the policy itself: its own endpoint and its team's are the administrator's",
}
"""Modules that may name `deliver`, which sends without asking the policy."""
ON_THE_WIRE = {
    "endpoints/send.py": "builds the one WireRequest of the package",
    "wire/client.py": "defines it",
    "wire/stock_transport.py": "takes it apart",
    "wire/wire_request.py": "takes it apart",
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[Counted]:
    """A server that nothing may reach."""
    with counting_server() as running:
        yield running


@pytest.fixture
def home() -> Path:
    """Where book, policy and results are."""
    return Path(os.environ["BYOK_BENCH_HOME"])


def command_line(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """One call of the command line, in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["byok-bench", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def every_command() -> set[str]:
    """Every command that can be typed."""
    top = typer.main.get_command(build_app())
    return {
        f"{name} {below}" if below else name
        for name, command in top.commands.items()  # type: ignore[attr-defined]
        for below in getattr(command, "commands", {None: command})
    }


def commands(server: Counted, folder: Path) -> dict[str, list[list[str]]]:
    """Command → each way in which it sends to the server."""
    adhoc = ["--base-url", server.base_url, "--model", "m"]
    line = {"base_url": server.base_url, "model": "m", "request": {"messages": []}}
    inline = f'version = 1\n[[endpoint]]\nlabel = "inline"\nbase_url = "{server.base_url}"\nmodels = ["m"]\n'
    lines = written(folder, json.dumps(line) + "\n", "lines.jsonl")
    plan = written(folder, inline, "inline.toml")
    named = written(folder, 'version = 1\nendpoints = ["mine"]\n', "named.toml")
    short = ["--scenario", "plain-answer", "--repeats", "1", "--new"]
    return {
        "send": [
            ["mine", "--prompt", "hi"],
            [*adhoc, "--prompt", "hi"],
            ["--jsonl", str(lines)],
            ["mine", "--jsonl", str(lines)],
        ],
        "check": [["mine"], adhoc, ["mine", "--deep"]],
        "models": [["mine"], adhoc],
        "capabilities": [["mine", "--only", "streaming"], [*adhoc, "--only", "streaming"]],
        "bill": [["--endpoint", "mine"], adhoc],
        "limits": [["mine", "--max-requests", "2"], [*adhoc, "--max-requests", "2"]],
        "diff": [["mine", "mine", "--scenario", "plain-answer", "--repeats", "1"]],
        "vendor": [["--reference", "mine", "--candidate", "other", "--k2vv", str(lines), "--repeats", "1"]],
        "run": [
            ["--endpoint", "mine", *short],
            [*adhoc, *short],
            [str(plan), *short],
            [str(named), *short],
            ["--resume", "last"],
        ],
        "demo": [[]],
    }


async def _ask_form(endpoint: Endpoint) -> None:
    from byok_bench.ui.endpoint_form import EndpointForm

    form = EndpointForm(EndpointBook.open())
    await form._tester._climb()
    await form._tester._list_models()


async def _ask_receiver(endpoint: Endpoint) -> None:
    receiver = Receiver(endpoint, profile="local")
    asked = json.dumps({"prompt": "hi", CONTRACT_FIELD: encode_endpoint(endpoint, "m")}).encode()
    await receiver._make_reply(Request("POST", "/v1/agent", {}, asked, 0.0))


async def _ask_silences(endpoint: Endpoint) -> None:
    try:
        await bb.find_silences(endpoint, longest_s=0.05)
    except bb.EndpointError as error:  # asked, and this server is not silent on request
        if "not silent" not in str(error):
            raise


PYTHON: dict[str, Callable[[Endpoint], Awaitable[Any]]] = {
    "send": lambda endpoint: bb.send(endpoint, {"messages": []}),
    "get_models": list_models,
    "list_models": bb.list_models,
    "ladder": bb.ladder,
    "deep ladder": lambda endpoint: bb.ladder(endpoint, deep=True),
    "run": lambda endpoint: bb.run(endpoint, "plain-answer", repeats=1, resume=False),
    "run in a process of its own": lambda endpoint: bb.run(
        endpoint, "plain-answer", repeats=1, resume=False, process=True
    ),
    "capabilities": lambda endpoint: bb.capabilities(endpoint, only=["streaming"]),
    "find_limits": lambda endpoint: bb.find_limits(endpoint, max_requests=2),
    "review_bill": bb.review_bill,
    "find_silences": _ask_silences,
    "diff": lambda endpoint: bb.diff(endpoint, endpoint, "plain-answer", repeats=1),
    "resume": lambda endpoint: resume(),
    "the form's buttons": _ask_form,
    "a receiver": _ask_receiver,
}


def set_up(server: Counted, home: Path) -> Endpoint:
    """An own endpoint in the book, and a run that was stopped before anything was sent."""
    mine = an_endpoint("mine", base_url=server.base_url, models=[bb.Model("m")])
    EndpointBook.open().add(mine)
    stop_a_run(mine)
    assert server.requests == 0
    return mine


def stop_a_run(mine: Endpoint) -> None:
    """A new run that was stopped before anything was sent."""

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(bb.run(mine, "plain-answer", repeats=1, on_progress=stop, resume=False))


def test_every_command_is_in_one_of_the_tables(server: Counted, tmp_path: Path) -> None:
    """A new command says whether it sends, and how."""
    sending = set(commands(server, tmp_path))
    assert sending | set(SENDS_NOTHING) == every_command()
    assert not sending & set(SENDS_NOTHING)


@POLICIES
@pytest.mark.parametrize("command", ["send", "check", "models", "capabilities", "diff", "run", "demo"])
def test_no_command_passes_the_policy(
    monkeypatch: pytest.MonkeyPatch, server: Counted, home: Path, tmp_path: Path, command: str, policy: str
) -> None:
    """Whatever way an endpoint is named, nothing is sent to one that the policy turns off, and the exit code is 2."""
    set_up(server, home)
    written(home, policy, "policy.toml")
    codes = [command_line(monkeypatch, command, *arguments) for arguments in commands(server, tmp_path)[command]]
    assert server.requests == 0
    assert set(codes) == {2}


@pytest.mark.parametrize("command", ["send", "check", "models", "capabilities", "diff", "run"])
def test_without_a_policy_each_of_these_ways_leads_to_the_server(
    monkeypatch: pytest.MonkeyPatch, server: Counted, home: Path, tmp_path: Path, command: str
) -> None:
    """The test above can fail: the same words send something."""
    mine = set_up(server, home)
    for arguments in commands(server, tmp_path)[command]:
        stop_a_run(mine)
        before = server.requests
        command_line(monkeypatch, command, *arguments)
        assert server.requests > before, arguments


@POLICIES
@pytest.mark.parametrize("way", PYTHON)
def test_no_call_passes_the_policy(server: Counted, home: Path, way: str, policy: str) -> None:
    """Neither a call of the package, nor a button, nor a server that is handed an endpoint sends anything."""
    mine = set_up(server, home)
    written(home, policy, "policy.toml")
    codes = []
    try:
        asyncio.run(PYTHON[way](mine))  # type: ignore[arg-type]
    except bb.EndpointError as error:
        codes.append(error.code)
    assert (server.requests, set(codes) - {"not_allowed"}) == (0, set())


@pytest.mark.parametrize("way", PYTHON)
def test_without_a_policy_each_call_leads_to_the_server(server: Counted, home: Path, way: str) -> None:
    """The test above can fail, too."""
    mine = set_up(server, home)
    asyncio.run(PYTHON[way](mine))  # type: ignore[arg-type]
    assert server.requests > 0


def test_every_public_coroutine_is_tried() -> None:
    """Whatever can be awaited may send, so it stands in the table."""
    awaited = {name for name in bb.__all__ if inspect.iscoroutinefunction(getattr(bb, name))}
    assert awaited <= set(PYTHON)


def naming(name: str) -> set[str]:
    """Modules of the package in which a name is used."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text()))
        if any(
            (isinstance(node, ast.Name) and node.id == name)
            or (isinstance(node, ast.Attribute) and node.attr == name)
            or (isinstance(node, ast.alias) and node.name == name)
            for node in nodes
        ):
            found.add(path.relative_to(PACKAGE).as_posix())
    return found


def test_who_sends_without_asking_is_known() -> None:
    """What lies behind the gate is named by these modules alone, and a request is built by one."""
    assert naming("deliver") == set(BEHIND_THE_GATE)
    assert naming("WireRequest") == set(ON_THE_WIRE)


def test_the_team_goes_on_where_ones_own_is_turned_off(
    monkeypatch: pytest.MonkeyPatch, server: Counted, home: Path
) -> None:
    """A team's endpoint is called while byok_enabled is off; a copy of its id at another address is not."""
    ids = "7d6f0f6c-0000-4000-8000-000000000001"
    table = (
        f'label = "team"\nconfig_key = "{ids}"\nbase_url = "{server.base_url}"\nkey = "none"\n'
        '[[endpoint.models]]\nname = "m"\n'
    )
    written(home, book_text(table), "team.toml")
    written(home, OFF, "policy.toml")
    assert command_line(monkeypatch, "send", "team", "--prompt", "hi") == 0
    asyncio.run(bb.run(EndpointBook.open()["team"], "plain-answer", repeats=1))
    before = server.requests
    with counting_server() as other:
        forged = an_endpoint("forged", base_url=other.base_url, config_key=ids)
        with pytest.raises(bb.EndpointError):
            asyncio.run(bb.send(forged, {"messages": []}))
        assert (before > 1, other.requests) == (True, 0)


def test_a_server_goes_on_with_its_own_endpoint_where_brought_ones_are_turned_off(server: Counted, home: Path) -> None:
    """The receiver's own endpoint is its administrator's."""
    mine = set_up(server, home)
    written(home, OFF, "policy.toml")
    asked = Request("POST", "/v1/agent", {}, b'{"prompt": "hi"}', 0.0)
    reply = asyncio.run(Receiver(mine, profile="local")._make_reply(asked))
    assert (reply.status, server.requests) == (200, 1)


@pytest.mark.parametrize("policy", ['[egress]\ndeny_hosts = ["127.0.0.1"]\n', 'profile = "shared"\n'])
def test_lists_and_profile_hold_for_python_too(server: Counted, home: Path, policy: str) -> None:
    """What a call asks for does not loosen what the workspace says of addresses."""
    mine = set_up(server, home)
    written(home, policy, "policy.toml")
    exchange = asyncio.run(bb.send(mine, {"messages": []}, policy={"allow_hosts": ["127.0.0.1"]}))
    assert exchange.error is not None
    assert (exchange.error.kind, server.requests) == ("egress", 0)


def test_the_policy_of_the_working_folder_comes_first(
    monkeypatch: pytest.MonkeyPatch, server: Counted, home: Path, tmp_path: Path
) -> None:
    """As for the book; and where the process goes, it is that folder's."""
    mine = set_up(server, home)
    written(tmp_path / "a", OFF, "policy.toml")
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    with pytest.raises(bb.EndpointError):
        asyncio.run(bb.send(mine, {"messages": []}))
    monkeypatch.chdir(tmp_path / "b")
    asyncio.run(bb.send(mine, {"messages": []}))
    assert server.requests == 1


def test_a_policy_that_changes_is_obeyed_from_the_next_request_on(server: Counted, home: Path) -> None:
    """Nothing has to be opened anew."""
    mine = set_up(server, home)
    asyncio.run(bb.send(mine, {"messages": []}))
    written(home, OFF, "policy.toml")
    with pytest.raises(bb.EndpointError):
        asyncio.run(bb.send(mine, {"messages": []}))
    written(home, "byok_enabled = true\n", "policy.toml")
    asyncio.run(bb.send(mine, {"messages": []}))
    assert server.requests == 2


@pytest.mark.parametrize("broken", ["no TOML", "a link to itself"])
def test_a_policy_that_cannot_be_read_stops_everything(server: Counted, home: Path, broken: str) -> None:
    """It is not taken for none."""
    mine = set_up(server, home)
    if broken == "no TOML":
        written(home, "byok_enabled = ", "policy.toml")
    else:
        (home / "policy.toml").symlink_to(home / "policy.toml")
    for way in ("send", "get_models", "ladder", "run"):
        with pytest.raises(bb.BookError):
            asyncio.run(PYTHON[way](mine))  # type: ignore[arg-type]
    assert server.requests == 0
