"""The case format: what a block means, and what is refused."""

import zlib
from dataclasses import replace

import pytest
from support.cases import IDLE_S, Case, Expected, parse, unescape
from support.records import record
from support.verdicts import failure_differences, finding_differences, output_differences

from byok_bench.checks.finding import Finding
from byok_bench.dialects.output import Output, ToolCall, Usage
from byok_bench.wire.failures import make_failure

HI = 'data: {"choices":[]}\n\n'


def one(body: str, file: str = "stream.bom") -> Case:
    (case,) = parse(file, f"## A title\n\nWhy it is so.\n\n{body}")
    return case


def steps(*lines: str) -> list[object]:
    return list(one("```bytes\n" + "".join(line + "\n" for line in lines) + "```\n").turns[0].reply.steps)


@pytest.mark.parametrize(
    ("line", "data"),
    [
        (r"a\n\r\t\\b\"\'", b"a\n\r\t\\b\"'"),
        (r"\xff\x00é", b"\xff\x00\xc3\xa9"),
        (r"\ud83d \\ufffd", rb"\ud83d \ufffd"),
        (r"\\x41", rb"\x41"),
    ],
)
def test_escapes_are_those_of_a_bytes_literal(line: str, data: bytes) -> None:
    """Known escapes stand for bytes, all others for themselves, and text for its UTF-8."""
    assert unescape(line) == data


def test_commands_are_steps() -> None:
    """Pauses, cuts and repetitions come out in the order in which they stand."""
    assert steps("a", "@pause 0.5", "@repeat 3 xy", "@each 2 0.1 z", "@reset") == [
        b"a", 0.5, b"xyxyxy", 0.1, b"z", 0.1, b"z", "reset",
    ]  # fmt: skip


@pytest.mark.parametrize(("command", "bits"), [("@gzip", 31), ("@deflate", 15), ("@rawdeflate", -15)])
def test_a_coding_is_flushed_at_each_chunk(command: str, bits: int) -> None:
    """Each network chunk can be decoded when it comes."""
    first, second, _ = steps(command, "one", "two")
    decoder = zlib.decompressobj(wbits=bits)
    assert [decoder.decompress(first), decoder.decompress(second)] == [b"one", b"two"]


def test_an_sse_block_is_taken_as_it_stands() -> None:
    """Its blank lines are those of the body."""
    assert one(f"```sse\n{HI}```\n").turns[0].reply.steps == (HI.encode(),)


def test_defaults_are_a_stream_that_was_asked_for() -> None:
    """Without request and response blocks a case is a 200 event stream in answer to stream: true."""
    turn = one(f"```sse\n{HI}```\n").turns[0]
    assert turn.body["stream"] is True
    assert (turn.reply.status, turn.reply.header("content-type")) == (200, "text/event-stream")


def test_several_requests_are_several_turns() -> None:
    """A request that is no JSON is kept as its bytes."""
    case = one('```request\n{"a": 1}\n```\n```json\n{}\n```\n```request\n{"a":\n```\n```json\n{}\n```\n')
    assert [turn.request for turn in case.turns] == [b'{"a": 1}', b'{"a":']


def test_a_pause_beyond_the_idle_limit_ends_the_record_as_a_stall() -> None:
    """Shorter ones only move its clock."""
    long, short = (
        record(one(f"```bytes\na\n@pause {seconds}\nb\n```\n").turns[0]) for seconds in (IDLE_S * 2, IDLE_S / 2)
    )
    assert (long.end, len(long.chunks)) == ("stall", 1)
    assert (short.end, len(short.chunks)) == ("eof", 2)


@pytest.mark.parametrize(
    ("head", "end"),
    [
        ("", "reset"),
        ("content-length: 9", "reset"),
        ("content-length: 1", "eof"),
        ("connection: close", "eof"),
    ],
)
def test_closing_is_a_clean_end_only_where_the_framing_allows_it(head: str, end: str) -> None:
    """Chunked coding needs its last chunk, a sized body all its bytes."""
    assert record(one(f"```response\n200\n{head}\n```\n```bytes\na\n@eof\n```\n").turns[0]).end == end


@pytest.mark.parametrize(
    "body",
    [
        "no block at all",
        "```sse\n```\n```findings\nfatal stream.bom\n```\n",
        "```bytes\n@sleep 3\n```\n",
        "```sse\n```\n```failure\ncolour: red\n```\n",
        "```python\n```\n",
    ],
)
def test_what_cannot_be_read_names_the_case(body: str) -> None:
    """A slip in a case file is an error, not a case that passes."""
    with pytest.raises(ValueError, match=r"stream\.bom\.md, case 'A title'"):
        one(body)


WARN = Finding(check="usage.total", severity="warn", message="9 is not 6", event=2, offset=40)
EXPECTED = Expected("usage.total", "warn", event=2, offset=40)


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        ((EXPECTED,), [WARN], True),
        ((), [WARN], False),
        ((EXPECTED,), [], False),
        ((replace(EXPECTED, severity="error"),), [WARN], False),
        ((replace(EXPECTED, event=1),), [WARN], False),
        ((replace(EXPECTED, offset=1),), [WARN], False),
        ((replace(EXPECTED, optional=True),), [], True),
        ((), [Finding(check="stream.event-name", severity="info", message="")], True),
        ((), [Finding(check="stream.bom", severity="info", message="")], False),
    ],
)
def test_findings_are_compared_both_ways(expected: tuple[Expected, ...], found: list[Finding], same: bool) -> None:
    """What is missing, what is too much, and what is misplaced are differences; foreign info is not."""
    case = replace(one("```sse\n```\n"), findings=expected)
    assert (list(finding_differences(case, found)) == []) is same


CALLED = Output(
    text="Hi",
    tool_calls=(ToolCall(id="made-up", name="f", arguments='{"a": 1}'),),
    usage=Usage(prompt_tokens=1, completion_tokens=2),
)


@pytest.mark.parametrize(
    ("expected", "same"),
    [
        ({"text": "Hi"}, True),
        ({"text": "Ho"}, False),
        ({"tool_calls": [{"id": None, "name": "f", "arguments": '{"a":1}'}]}, True),
        ({"tool_calls": [{"id": "x", "name": "f", "arguments": '{"a":1}'}]}, False),
        ({"tool_calls": [{"id": None, "name": "f", "arguments": '{"a":2}'}]}, False),
        ({"tool_calls": []}, False),
        ({"usage": {"prompt_tokens": 1, "total_tokens": None}}, True),
        ({"usage": {"prompt_tokens": 2}}, False),
        ({"usage": None}, False),
    ],
)
def test_outputs_are_compared_where_asserted(expected: dict[str, object], same: bool) -> None:
    """Arguments as JSON, ids only where the server sent one, counts one by one."""
    assert (list(output_differences(expected, CALLED)) == []) is same


@pytest.mark.parametrize(
    ("expected", "same"),
    [
        (None, False),
        ({}, True),
        ({"kind": "timeout", "retryable": True, "message": "came"}, True),
        ({"kind": "network"}, False),
        ({"kind": "timeout", "retry_after_s": 3}, False),
        ({"kind": "timeout", "message": "went"}, False),
    ],
)
def test_failures_are_compared_where_asserted(expected: dict[str, object] | None, same: bool) -> None:
    """No block means no failure; `any` means nothing is asserted."""
    assert (list(failure_differences(expected, make_failure("timeout", "stream", "nothing came"))) == []) is same
