"""wire/bodies/sse.py: bytes to events by the WHATWG rules."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.wire.bodies.sse import (
    EventStream,
    find_invalid_utf8,
    iterate_invalid_utf8_events,
    read_event_stream,
)
from byok_bench.wire.limits import Limits
from byok_bench.wire.raw_exchange import Chunk

TABLE = {
    "one event": (b"data: a\n\n", [("", "a")]),
    "no space after the colon": (b"data:a\n\n", [("", "a")]),
    "one of two spaces is data": (b"data:  a\n\n", [("", " a")]),
    "a tab is data": (b"data:\ta\n\n", [("", "\ta")]),
    "no colon": (b"data\n\n", [("", "")]),
    "an empty value": (b"data:\n\n", [("", "")]),
    "two data lines": (b"data: a\ndata: b\n\n", [("", "a\nb")]),
    "an empty line of data between": (b"data: a\ndata:\ndata: b\n\n", [("", "a\n\nb")]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", "a"), ("", "b")]),
    "lone CR": (b"data: a\r\rdata: b\r\r", [("", "a"), ("", "b")]),
    "all three": (b"data: a\r\n\ndata: b\r\n\rdata: c\n\r\n", [("", "a"), ("", "b"), ("", "c")]),
    "CR CRLF are two ends": (b"data: a\r\r\ndata: b\n\n", [("", "a"), ("", "b")]),
    "many blank lines": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [("", "a"), ("", "b")]),
    "a BOM": (b"\xef\xbb\xbfdata: a\n\n", [("", "a")]),
    "one BOM only": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    "a comment": (b": hi\n\ndata: a\n\n", [("", "a")]),
    "a comment within": (b"data: a\n: hi\ndata: b\n\n", [("", "a\nb")]),
    "a name": (b"event: x\ndata: a\n\n", [("x", "a")]),
    "the last name counts": (b"event: x\nevent: y\ndata: a\n\n", [("y", "a")]),
    "a name alone is forgotten": (b"event: x\n\ndata: a\n\n", [("", "a")]),
    "id and retry": (b"id: 1\nretry: 2\ndata: a\n\n", [("", "a")]),
    "an unknown field": (b"foo: 1\ndata: a\n\n", [("", "a")]),
    "fields have no case": (b"Data: a\n\n", []),
    "Unicode breaks are data": (
        "data: a\u2028b\u0085c\x0cd\x0be\x1cf\n\n".encode(),
        [("", "a\u2028b\u0085c\x0cd\x0be\x1cf")],
    ),
    "bad UTF-8, one mark a part": (b"data: \xf0\x9f\x98x\xff\xfe\n\n", [("", "\ufffdx\ufffd\ufffd")]),
    "bad UTF-8 before a line end": (b"data: \xe2\x82\ndata: b\n\n", [("", "\ufffd\nb")]),
}


def events(stream: EventStream) -> list[tuple[str, str]]:
    return [(event.name, event.data) for event in stream.events]


@pytest.mark.parametrize("name", TABLE)
def test_bodies_read_as_the_standard_says(name: str) -> None:
    """Each body of the table gives its events."""
    body, expected = TABLE[name]
    assert events(read_event_stream([(0, body)])) == expected


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("clean", [True, False])
def test_chunk_borders_do_not_matter(name: str, clean: bool) -> None:
    """However the bytes are cut, everything but the stamps is the same."""
    body, _ = TABLE[name]
    whole = read_event_stream([(0, body)], clean=clean)
    for cut in range(len(body) + 1):
        assert read_event_stream([(0, body[:cut]), (0, body[cut:])], clean=clean) == whole
    assert read_event_stream([(0, body[i : i + 1]) for i in range(len(body))], clean=clean) == whole


def test_the_line_wise_way_reads_like_the_block_wise_way() -> None:
    """Bodies with LF alone, which are split in blocks, read like the same bodies line by line."""
    for body, _ in TABLE.values():
        if b"\r" not in body:
            blocks, lines = read_event_stream([(0, body)]), read_event_stream([(0, body + b":\r")])
            assert events(lines) == events(blocks)
            assert [event.offset for event in lines.events] == [event.offset for event in blocks.events]


@given(
    st.lists(st.sampled_from([b"data: a", b"data", b":c", b"event: e", b"x", b"", b"id"]), max_size=12),
    st.data(),
)
def test_line_ends_do_not_matter(lines: list[bytes], data: st.DataObject) -> None:
    """LF, CRLF and CR are the same, each on its own and mixed."""
    expected = events(read_event_stream([(0, b"".join(line + b"\n" for line in lines))]))
    crlf = read_event_stream([(0, b"".join(line + b"\r\n" for line in lines))])
    ends = data.draw(st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=len(lines), max_size=len(lines)))
    mixed_body = b""
    for line, end in zip(reversed(lines), reversed(ends), strict=True):
        safe = b"\r\n" if end == b"\r" and mixed_body.startswith(b"\n") else end  # CR LF would be one end
        mixed_body = line + safe + mixed_body
    mixed = read_event_stream([(0, mixed_body)])
    assert events(crlf) == events(mixed) == expected


def test_an_event_has_the_stamp_of_the_read_that_completed_it() -> None:
    """The blank line ends an event; what came before and after does not date it."""
    chunks: list[Chunk] = [
        (1, b"da"),
        (2, b"ta: a\n"),
        (3, b"\nda"),
        (4, b"ta: b\n\n"),
        (5, b"data: c\r\n\r"),
        (6, b"\n"),
    ]
    assert [event.t_ns for event in read_event_stream(chunks[:4]).events] == [3, 4]
    assert [event.t_ns for event in read_event_stream(chunks).events] == [3, 4, 5]


def test_an_event_begins_at_its_first_field() -> None:
    """The offset is that of the first field line, comments and blank lines before it aside."""
    body = b"\xef\xbb\xbf: c\n\nevent: x\n: c\ndata: a\n\n: d\ndata: b\n\n"
    places = [body.index(b"event: x"), body.index(b"data: b")]
    assert [event.offset for event in read_event_stream([(0, body)]).events] == places


def test_what_is_pending_is_handed_out_at_a_clean_end_only() -> None:
    """Data lines that no blank line closed are the pending event; after a cut there is none."""
    body = b"data: a\n\nevent: x\ndata: b"
    pending = read_event_stream([(0, body)]).pending
    assert pending is not None
    assert (pending.name, pending.data, pending.offset) == ("x", "b", 9)
    assert read_event_stream([(0, body)], clean=False).pending is None
    assert read_event_stream([(0, b"data: a\n\nevent: x\n")]).pending is None


def test_stray_lines_and_blocks_without_data_are_told() -> None:
    """Lines outside all fields keep text and place; so do blocks with fields and no data."""
    body = b'{"a":1}\ndata: x\n\nevent: y\n\n: c\n\n  \nretry: 1\n\nrest'
    stream = read_event_stream([(0, body)])
    strays = [(stray.offset, stray.text) for stray in stream.strays]
    assert strays == [(0, '{"a":1}'), (body.index(b"rest"), "rest")]
    assert stream.dataless == [body.index(b"event"), body.index(b"retry")]
    assert stream.has_data


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_blocks_are_split_in_portions(end: bytes) -> None:
    """However many blocks are taken apart at a time, the same comes out; the limit of events is that number."""
    body = b"id\n\n: c\n\n\nx\n\ndata: a\nid\n\ndata: b\n\n\n\nx\ndata: c".replace(b"\n", end)
    whole = read_event_stream([(0, body[:9]), (1, body[9:])])
    for portion in (2, 3, 4):
        limits = Limits(stream_events=portion)
        assert read_event_stream([(0, body[:9]), (1, body[9:])], limits=limits) == whole


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_what_is_no_event_is_kept_up_to_a_limit(end: bytes) -> None:
    """A body of lines outside all fields, or of blocks without data, does not grow to many times its size."""
    body = b"x\nid\n\n".replace(b"\n", end) * 9
    stream = read_event_stream([(0, body)], limits=Limits(stream_events=3))
    assert len(stream.strays) == len(stream.dataless) == 3
    assert stream.over_limit is None


def test_a_cut_field_name_is_no_stray_line() -> None:
    """After a reset the beginning of a field is not held against the server; at a clean end it is a line."""
    assert read_event_stream([(0, b"dat")], clean=False).strays == []
    assert [stray.text for stray in read_event_stream([(0, b"dat")]).strays] == ["dat"]
    assert [stray.text for stray in read_event_stream([(0, b'{"err')], clean=False).strays] == ['{"err']


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    ("body", "over"),
    [
        (b"data: 123456789\n\n", "line"),
        (b"data: 1234\ndata: 5678\ndata: 9\n\n", "event"),
        (b"data: 123456789\ndata: x\n\ndata: y\n\n", "line"),
        (b"data: 1\n\n" * 4, "events"),
        (b"data: 1\n\n" * 3, None),
        (b"data: 12345678\n\n", None),
    ],
)
def test_limits_end_the_reading(body: bytes, over: str | None, end: bytes) -> None:
    """A line, the data of an event, or the number of events over its limit is the last thing read."""
    limits = Limits(line_bytes=8, stream_events=3)
    stream = read_event_stream([(0, body.replace(b"\n", end))], limits=limits)
    assert stream.over_limit == over
    assert stream.pending is None
    assert all(len(event.data) <= 8 for event in stream.events)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("before", [b"", b"data: 1\n\n", b": c\n\ndata: 1\n\n"])
def test_nothing_is_read_behind_a_limit(before: bytes, end: bytes) -> None:
    """Events after a line that is too long do not count."""
    body = before + b"data: 123456789\n\ndata: 2\n\ndata: 3\n\n"
    stream = read_event_stream([(0, body.replace(b"\n", end))], limits=Limits(line_bytes=8))
    assert [event.data for event in stream.events] == ["1"] * before.count(b"1")


def test_line_ends_are_told() -> None:
    """Which line ends occur is known for every mixture."""
    assert read_event_stream([(0, b"data: a\n\n")]).line_ends == ["LF"]
    assert read_event_stream([(0, b"data: a\r\n\r\n")]).line_ends == ["CRLF"]
    assert read_event_stream([(0, b"data: a\r\n\r")]).line_ends == ["CR", "CRLF"]


@pytest.mark.parametrize(
    ("body", "clean", "offset"),
    [
        (b"abc", True, None),
        ("a😀".encode(), True, None),
        (b"a\xffb", True, 1),
        (b"a\xffb", False, 1),
        (b"ab\xf0\x9f\x98", True, 2),
        (b"ab\xf0\x9f\x98", False, None),
        (b"\xffab\xf0\x9f\x98", False, 0),
    ],
)
def test_bad_utf8_is_found_where_it_begins(body: bytes, clean: bool, offset: int | None) -> None:
    """The first bad sequence counts; one that was cut at the very end only at a clean end."""
    assert find_invalid_utf8(body, clean=clean) == offset


def test_the_servers_own_replacement_characters_are_told_from_ours() -> None:
    """Of the events with bad UTF-8, those in which the server itself wrote U+FFFD are marked."""
    body = b"data: \xff\n\ndata: ok\n\ndata: \xff\xef\xbf\xbd\n\ndata: \xff\\uFFFD\n\n"
    assert list(iterate_invalid_utf8_events(body, read_event_stream([(0, body)]).events)) == [
        (0, False),
        (2, True),
        (3, True),
    ]


def test_events_are_plain_values() -> None:
    """Two events with the same content are equal and can be written as JSON."""
    (one,) = read_event_stream([(0, b"data: a\n\n")]).events
    assert msgspec.to_builtins(one) == {"t_ns": 0, "offset": 0, "name": "", "data": "a"}
