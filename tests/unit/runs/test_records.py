"""Records: what comes out of the store is what went in."""

import hashlib
import json
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recorded import answer, raw_exchange

from byok_bench.runs.storage.record_words import WORDS
from byok_bench.runs.storage.records import (
    KEPT_REQUEST_HEADERS,
    KEPT_RESPONSE_HEADERS,
    NOT_KEPT,
    expand_meta,
    from_record,
    pack_stamps,
    to_record,
    unpack_stamps,
)
from byok_bench.wire.failures import KINDS, PHASES, Failure
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawHead, RawRequest

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
STAMP = st.integers(0, 2**62)
CHUNKS = st.lists(st.tuples(STAMP, st.binary(max_size=40)), max_size=8)


def named(names: frozenset[str]) -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    """Header fields of these names, with any text as value."""
    return st.lists(st.tuples(st.sampled_from(sorted(names)), ANY_TEXT), max_size=3).map(tuple)


FAILURE = st.builds(
    Failure,
    kind=st.sampled_from(sorted(KINDS)),
    phase=st.sampled_from(PHASES),
    message=ANY_TEXT,
    retryable=st.booleans(),
    retry_after_s=st.none() | st.floats(0, 1e6),
    status=st.none() | st.integers(100, 599),
    code=st.none() | ANY_TEXT,
)
RAW = st.builds(
    RawExchange,
    request=st.builds(
        RawRequest,
        id=ANY_TEXT,
        method=st.just("POST"),
        url=ANY_TEXT,
        headers=named(KEPT_REQUEST_HEADERS),
        body=st.binary(),
    ),
    phases=st.builds(
        Phases,
        start=STAMP,
        dns_start=st.none() | STAMP,
        connect_end=st.none() | STAMP,
        written=st.none() | STAMP,
        first_byte=st.none() | STAMP,
        done=st.none() | STAMP,
        end=st.none() | STAMP,
    ),
    head=st.none()
    | st.builds(RawHead, status=st.integers(100, 599), http=st.just("1.1"), headers=named(KEPT_RESPONSE_HEADERS)),
    chunks=CHUNKS,
    end=st.sampled_from(["done", "eof", "reset", "stall", "limit"]),
    failure=st.none() | FAILURE,
    clock=st.sampled_from(["kernel", "user"]),
    peer=st.none() | ANY_TEXT,
    reused=st.booleans(),
    flags=st.lists(ANY_TEXT, max_size=2),
)


@given(RAW)
def test_an_exchange_comes_back_as_it_was(raw: RawExchange) -> None:
    """NUL, lone surrogates, long pauses and stamps out of order included."""
    assert from_record(to_record(raw)) == raw


@given(st.lists(st.integers(-(2**62), 2**62 - 1)), st.integers(0, 2**62 - 1))
def test_stamps_are_kept_to_the_nanosecond(stamps: list[int], start: int) -> None:
    """Whatever the steps are."""
    assert unpack_stamps(pack_stamps(stamps, start), start) == stamps


def test_ordinary_stamps_take_four_bytes_each() -> None:
    """A stream's gaps fit in u32; only a pause of more than four seconds takes more."""
    stamps = [n * 20_000_000 for n in range(1, 101)]
    assert len(pack_stamps(stamps, 0)) == 400
    assert len(pack_stamps([*stamps, stamps[-1] + 5_000_000_000], 0)) == 412


def test_headers_outside_the_list_keep_their_names_alone() -> None:
    """A cookie of the server, or a header of the user's own, is not kept."""
    raw = raw_exchange([(1.0, b"x")], headers=[("set-cookie", "sentinel=1"), ("x-ratelimit-limit-requests", "60")])
    raw.request = msgspec.structs.replace(raw.request, headers=(("x-title", "sentinel"), ("user-agent", "me")))
    record = to_record(raw)
    assert b"sentinel" not in expand_meta(record.meta)
    kept = from_record(record)
    assert kept.head is not None
    assert kept.head.get_header("set-cookie") == NOT_KEPT
    assert kept.head.get_header("x-ratelimit-limit-requests") == "60"
    assert kept.request.headers == (("x-title", NOT_KEPT), ("user-agent", "me"))


def test_the_meta_data_is_ascii_json() -> None:
    """So any text has a form, and any tool can read it."""
    raw = raw_exchange([(1.0, b"x")], failure=Failure(kind="server", phase="stream", message="\ud800 \x00 ü"))
    assert json.loads(expand_meta(to_record(raw).meta).decode("ascii"))["failure"]["message"] == "\ud800 \x00 ü"


def test_what_nearly_every_record_holds_takes_no_room() -> None:
    """The words that it is deflated with are never edited: a file is read with those that it was written with."""
    record = to_record(answer("Hello", " there").raw)
    assert len(record.meta) < len(expand_meta(record.meta)) / 3
    assert hashlib.sha256(WORDS).hexdigest()[:16] == "f4d786ba8e03fd6c"


def test_a_record_of_before_format_6_is_read() -> None:
    """Its JSON is not deflated, and neither are its sizes."""
    raw = raw_exchange([(1.0, b"x" * 120), (2.0, b"y")])
    record = to_record(raw)
    before = msgspec.structs.replace(record, meta=expand_meta(record.meta), sizes=zlib.decompress(record.sizes))
    assert from_record(before) == from_record(record)


@pytest.mark.parametrize("size", [0, 1, 16 * 1024 * 1024])
def test_a_body_of_any_size_is_kept(size: int) -> None:
    """Up to the largest that is read at all."""
    raw = raw_exchange([(1.0, b"a" * size), (2.0, b"")])
    assert from_record(to_record(raw)).chunks == raw.chunks


def test_a_reloaded_exchange_is_judged_the_same() -> None:
    """Output, timing and findings are functions of the record alone."""
    from byok_bench.checks.registry import run_checks

    before = answer("Hello", " there", gap_ms=6_000.0)
    before.raw.request = from_record(to_record(before.raw)).request
    after = type(before)(from_record(to_record(before.raw)), label="E", base_url="b", schema="chat", model="m")
    assert after.output == before.output
    assert after.timing == before.timing
    assert run_checks(after) == run_checks(before)
