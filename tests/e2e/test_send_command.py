"""`byok-bench send`: one request or many lines; documents on stdout, people on stderr, one line where it goes wrong."""

import json
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from support.bench_server import KEY
from support.killing import server

from byok_bench.cli.main import main

Call = Callable[..., tuple[int, str, str]]
HELLO = {"messages": [{"role": "user", "content": "hello"}], "stream": True}
TIMES = ("dns", "connect", "tls", "ttfb", "ttft", "ttft_text", "ttft_reasoning", "ttft_tool", "e2e", "itl")
FIELDS: dict[str, set[str]] = {
    "": {
        "version", "exchange_id", "endpoint", "request", "response", "timing_ms", "output", "error", "findings",
    },
    "endpoint": {"label", "base_url", "schema"},
    "request": {"id", "method", "url", "headers", "body"},
    "response": {"status", "http", "headers", "bytes", "chunks", "events", "end"},
    "timing_ms": {*TIMES},
    "output": {"text", "reasoning", "tool_calls", "finish_reason", "usage", "served_model"},
}  # fmt: skip
"""What an Exchange of schema version 1 holds, by object."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The test server, in a process of its own."""
    with server(tmp_path_factory.mktemp("server") / "requests.log") as base_url:
        yield base_url


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """The command in this process: (exit code, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["byok-bench", "send", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capfd.readouterr()

    return call


def target(url: str) -> list[str]:
    """Options that name the test server."""
    return ["--base-url", url, "--model", "tiny"]


def lines(path: Path, *rows: Any) -> str:
    """A file of JSON lines; text stands as it is."""
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return str(path)


def test_the_exchange_as_json_has_every_field_of_version_1(
    send: Call, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One document, no key in it, nothing for people beside it."""
    monkeypatch.setenv("BENCH_KEY", KEY)
    code, out, err = send(*target(url), "--key-env", "BENCH_KEY", "--prompt", "hello", "--json")
    document = json.loads(out)
    assert (code, err, document["version"], document["error"]) == (0, "", 1, None)
    for name, fields in FIELDS.items():
        assert fields <= set(document[name] if name else document)
    assert document["request"]["headers"]["authorization"] == "[redacted]"
    assert document["request"]["body"]["messages"] == HELLO["messages"]
    assert document["exchange_id"] == document["request"]["id"]
    assert KEY not in out


def test_the_bytes_are_there_where_they_are_asked_for(send: Call, url: str, tmp_path: Path) -> None:
    """For one request, and for each line of many."""
    code, out, _ = send(*target(url), "--prompt", "hello", "--json", "--bytes")
    body = json.loads(out)["body"]
    assert code == 0
    assert "".join(chunk["text"] for chunk in body["chunks"]).endswith("data: [DONE]\n\n")
    code, out, _ = send(*target(url), "--jsonl", lines(tmp_path / "l", HELLO, HELLO), "--json", "--bytes")
    assert [json.loads(line)["body"]["bytes"] > 0 for line in out.splitlines()] == [True, True]


@pytest.mark.parametrize("source", ["file", "-"])
def test_a_request_is_sent_as_it_stands(
    send: Call, url: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a file, or from stdin."""
    path = tmp_path / "request.json"
    path.write_text(json.dumps(HELLO | {"temperature": 0.25}))
    monkeypatch.setattr("sys.stdin", StringIO(path.read_text()))
    code, out, _ = send(*target(url), "--request", str(path) if source == "file" else "-", "--json")
    assert (code, json.loads(out)["request"]["body"]) == (0, HELLO | {"temperature": 0.25, "model": "tiny"})


def test_the_answer_is_for_pipes_and_the_rest_for_people(send: Call, url: str) -> None:
    """The text alone is on stdout."""
    code, out, err = send(*target(url), "--prompt", "hello")
    assert code == 0
    assert out.strip()
    assert "ms" not in out
    assert err.startswith("TTFB ")


def test_an_unknown_dialect_is_wrong_usage_and_the_known_ones_are_named(send: Call, url: str) -> None:
    """Nothing is sent, and what may be written is there to be read."""
    code, out, err = send(*target(url), "--schema", "soap", "--prompt", "hello")
    assert (code, out) == (2, "")
    assert "'soap' is not one of 'chat', 'responses', 'messages'" in err


@pytest.mark.parametrize(
    ("options", "exit_code", "says"),
    [
        (["--base-url", "http://127.0.0.1:9/v1", "--model", "m"], 3, "network (connect)"),
        (["--base-url", "http://nosuch.invalid/v1", "--model", "m"], 3, "nosuch.invalid"),
        (["--base-url", "http://169.254.169.254/v1", "--model", "m"], 2, "egress (policy)"),
        (["--base-url", "{url}", "--model", "tyny"], 3, "not_found_model"),
        (["--base-url", "{url}", "--model", "tiny", "--key-env", "WRONG"], 3, "auth"),
        (["--base-url", "{url}", "--model", "tiny", "--key-env", "UNSET"], 2, "UNSET is not set. Nothing was sent."),
        (["--base-url", "{url}"], 2, "has no model"),
        (["--base-url", "", "--model", "m"], 2, "base URL is empty"),
        (["nobody"], 2, "nobody"),
        ([], 2, "--base-url URL"),
    ],
    ids=[
        "a dead port", "no such host", "a forbidden address", "a typo in a model", "a wrong key", "a missing key",
        "no model", "no address", "no such endpoint", "nothing named",
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_what_goes_wrong_is_one_line_and_an_exit_code(
    send: Call, url: str, options: list[str], exit_code: int, says: str, as_json: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """With --json the Exchange says the same, if there is one."""
    monkeypatch.setenv("WRONG", "wrong-key-0123456789")
    given = [option.format(url=url) for option in options]
    code, out, err = send(*given, "--prompt", "hello", *(["--json"] if as_json else []))
    assert code == exit_code
    said = err.strip().splitlines()
    assert says in said[-1]
    assert len([line for line in said if not line.startswith("TTFB")]) == 1
    assert "wrong-key" not in out + err
    if as_json and out:
        assert json.loads(out)["error"]["kind"]


def test_lines_come_out_in_the_order_in_which_they_went_in(send: Call, url: str, tmp_path: Path) -> None:
    """However many are in flight: one Exchange a line, also for lines that name a target of their own."""
    bodies = [HELLO | {"messages": [{"role": "user", "content": f"number {n}"}]} for n in range(12)]
    own = [{"base_url": url, "request": body | {"model": "tiny"}} for body in bodies]
    rows = [own[n] if n % 3 else bodies[n] for n in range(12)]
    path = lines(tmp_path / "in.jsonl", *rows)
    code, out, err = send(*target(url), "--jsonl", path, "--json", "--concurrency", "5")
    documents = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [document["request"]["body"]["messages"] for document in documents] == [b["messages"] for b in bodies]
    assert {document["error"] for document in documents} == {None}


def test_lines_may_come_from_stdin(send: Call, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `-`; an empty line is no request."""
    path = tmp_path / "in.jsonl"
    lines(path, HELLO, "", HELLO)
    monkeypatch.setattr("sys.stdin", StringIO(path.read_text()))
    code, out, _ = send(*target(url), "--jsonl", "-", "--json")
    assert (code, len(out.splitlines())) == (0, 2)


def test_a_request_file_of_k2_vendor_verifier_works_as_it_is(send: Call, url: str, tmp_path: Path) -> None:
    """Bodies without a model, with the role `_input` that its own tool sends as system; lines of its results, too."""
    body = {
        "messages": [{"role": "_input", "content": "be brief"}, {"role": "user", "content": "hello"}],
        "tools": [{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}],
        "temperature": 0.6, "max_tokens": 64, "stream": True,
    }  # fmt: skip
    rows = [
        body,
        body | {"model": "kimi-k2"},
        {"data_index": 1, "request": body, "hash": "0", "status": "success"},
    ]
    code, out, err = send(*target(url), "--jsonl", lines(tmp_path / "samples.jsonl", *rows), "--json")
    documents = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert err == "byok-bench: 1 line names the model 'kimi-k2'; --model sent 'tiny' in its place\n"
    for document in documents:
        sent = document["request"]["body"]
        assert (sent["model"], sent["tools"], sent["temperature"]) == ("tiny", body["tools"], 0.6)
        assert [message["role"] for message in sent["messages"]] == ["system", "user"]
        assert document["error"] is None


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("not json", "it is not JSON"),
        ("[1, 2]", "it must be a JSON object"),
        ({"base_url": 5, "request": HELLO}, "its base_url must be a string"),
        ({"base_url": "", "request": HELLO | {"model": "m"}}, "the base URL is empty"),
        ({"base_url": "{url}", "request": HELLO, "key_env": ["K"]}, "its key_env must be a string"),
        ({"base_url": "{url}", "schema": "soap", "request": HELLO}, "schema must be one of"),
        ({"base_url": "{url}", "model": 7, "request": HELLO}, "its model must be a string"),
    ],
)
def test_a_line_that_is_no_request_is_told_and_the_others_go_on(
    send: Call, url: str, tmp_path: Path, bad: Any, says: str
) -> None:
    """It has an Exchange of its own that says why, so that the n-th line out is the n-th line in."""
    path = lines(tmp_path / "in.jsonl", HELLO, json.loads(json.dumps(bad).replace("{url}", url)), HELLO)
    code, out, err = send(*target(url), "--jsonl", path, "--json")
    errors = [json.loads(line)["error"] for line in out.splitlines()]
    assert code == 2
    assert [error and (error["kind"], error["phase"]) for error in errors] == [
        None, ("invalid_request", "config"), None,
    ]  # fmt: skip
    (line,) = err.splitlines()
    assert line.startswith("byok-bench: line 2: ")
    assert says in line
    assert says in errors[1]["message"]


def test_a_field_of_the_endpoint_may_be_set_for_one_command(send: Call, url: str) -> None:
    """What has no option of its own is taken with the base URL, in the words of the form."""
    code, out, _ = send(*target(url), "--set", "accept_encoding=gzip, deflate", "--prompt", "hello", "--json")
    assert code == 0
    assert json.loads(out)["request"]["headers"]["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["somewhere", "--set", "transport=http2"], "--set goes with --base-url"),
        (["--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--set", "colour=red"], "FIELD is one of"),
        (
            ["--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--set", "transport=quic"],
            "own, httpx, http2",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused(send: Call, arguments: list[str], says: str) -> None:
    """Before anything is sent, with what would do."""
    code, out, err = send(*arguments, "--prompt", "hello")
    assert (code, out) == (2, "")
    assert says in err
