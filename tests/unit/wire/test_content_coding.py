"""wire/bodies/content_coding.py: content codings, undone in steps."""

import gzip
import zlib
from collections.abc import Iterator
from functools import partial

import pytest

from byok_bench.wire.bodies.content_coding import (
    PIECE_BYTES,
    ContentDecoder,
    decode_content,
    find_odd_codings,
    read_codings,
)
from byok_bench.wire.raw_exchange import Chunk

packed = partial(gzip.compress, mtime=0)
"""With no time in it: the cases are the same in every process."""

TEXT = b"data: " + b"abc" * 50 + b"\n\n"


def raw_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return coder.compress(data) + coder.flush()


BODIES = {
    "gzip": (("gzip",), packed(TEXT)),
    "x-gzip": (("x-gzip",), packed(TEXT)),
    "several gzip members": (
        ("gzip",),
        packed(TEXT[:40]) + packed(b"") + packed(TEXT[40:]),
    ),
    "zeros after gzip": (("gzip",), packed(TEXT) + b"\0" * 20),
    "other bytes after gzip": (("gzip",), packed(TEXT) + b"\0\0garbage"),
    "deflate with a header": (("deflate",), zlib.compress(TEXT)),
    "deflate without a header": (("deflate",), raw_deflate(TEXT)),
    "bytes after deflate": (("deflate",), zlib.compress(TEXT) + b"garbage"),
    "two codings": (("deflate", "gzip"), packed(zlib.compress(TEXT))),
    "none": ((), TEXT),
}


def cuts(body: bytes) -> Iterator[list[Chunk]]:
    yield [(7, body)]
    yield [(7, body[i : i + 1]) for i in range(len(body))]
    for place in range(1, len(body)):
        yield [(7, body[:place]), (7, body[place:])]


@pytest.mark.parametrize("name", BODIES)
def test_chunk_borders_do_not_matter(name: str) -> None:
    """However the coded bytes are cut, the same bytes come out, without a problem."""
    codings, body = BODIES[name]
    for chunks in cuts(body):
        plain = decode_content(chunks, codings)
        assert b"".join(data for _, data in plain.chunks) == TEXT
        assert plain.problem is None
        assert not plain.is_over_limit


def test_bytes_come_out_as_soon_as_they_were_flushed() -> None:
    """Each flushed piece has the stamp of its own read; reads without output are left out."""
    coder = zlib.compressobj(wbits=31)
    first = coder.compress(b"a") + coder.flush(zlib.Z_SYNC_FLUSH)
    second = coder.compress(b"b") + coder.flush()
    assert decode_content([(1, first), (2, second[:1]), (3, second[1:])], ("gzip",)).chunks in (
        [(1, b"a"), (2, b"b")],
        [(1, b"a"), (3, b"b")],
    )


def test_a_cut_body_gives_what_came_out() -> None:
    """The end of a coded body may be missing: that is no problem of the coding."""
    coder = zlib.compressobj(wbits=31)
    flushed = coder.compress(TEXT) + coder.flush(zlib.Z_SYNC_FLUSH)
    plain = decode_content([(1, flushed)], ("gzip",))
    assert (plain.chunks, plain.problem) == ([(1, TEXT)], None)


@pytest.mark.parametrize(
    ("codings", "body"),
    [
        (("br",), b"\x8b\x00\x80a\x03"),
        (("gzip",), b"data: plain\n\n"),
        (("gzip",), packed(TEXT)[:20] + b"\xff" * 20),
        (("deflate",), b"\xff\xff\xff"),
        (("gzip", "zstd"), packed(TEXT)),
    ],
)
def test_what_cannot_be_undone_is_a_problem(codings: tuple[str, ...], body: bytes) -> None:
    """An unknown coding and broken data are told, not raised."""
    assert decode_content([(1, body), (2, b"more")], codings).problem is not None


def test_what_came_before_the_break_is_kept_however_it_was_cut() -> None:
    """Broken data gives the bytes before the break and one problem, the same in reads of any size."""
    for codings, body in (
        (("gzip",), packed(TEXT)[:-8] + b"\0" * 8),
        (("gzip",), b"\0" + packed(TEXT)),
        (("deflate",), zlib.compress(TEXT)[:12] + b"\xff" * 9),
        (("deflate", "gzip"), packed(zlib.compress(TEXT)[:12] + b"\xff" * 9)),
        (("gzip", "deflate"), b'{"error":{"message":"bo\n'),
    ):
        seen = {
            (b"".join(data for _, data in plain.chunks), plain.problem)
            for plain in (decode_content(chunks, codings) for chunks in cuts(body))
        }
        assert len(seen) == 1
        assert None not in next(iter(seen))


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_bomb_is_cut_at_the_limit(coding: str) -> None:
    """No more than the limit comes out, and the decoder says so."""
    bomb = packed(bytes(1_000_000)) if coding == "gzip" else zlib.compress(bytes(1_000_000))
    decoder = ContentDecoder((coding,), limit=1000)
    assert decoder.feed(bomb) == bytes(1000)
    assert decoder.over
    assert decoder.feed(b"more") == b""


def test_the_limit_itself_is_allowed() -> None:
    """A body of exactly the limit is whole, coded or not."""
    for codings, body in (("gzip",), packed(TEXT)), ((), TEXT):
        assert not decode_content([(1, body)], codings, limit=len(TEXT)).is_over_limit
        cut = decode_content([(1, body)], codings, limit=len(TEXT) - 1)
        assert (cut.chunks, cut.is_over_limit) == ([(1, TEXT[:-1])], True)


@pytest.mark.parametrize(
    ("header", "codings"),
    [
        (None, ()),
        ("", ()),
        ("identity", ()),
        ("gzip", ("gzip",)),
        (" GZip , identity, deflate", ("gzip", "deflate")),
    ],
)
def test_codings_are_read_from_the_header(header: str | None, codings: tuple[str, ...]) -> None:
    """Names have no case; identity is none."""
    assert read_codings(header) == codings


def test_several_codings_unfold_to_less_than_one() -> None:
    """No honest server packs a body twice, and each coding unfolds a thousandfold: the record is read to 16 MiB."""
    body = b"0" * 20_000_000
    once, twice = gzip.compress(body, 1), gzip.compress(gzip.compress(body, 1))
    plain, nested = decode_content([(1, once)], ["gzip"]), decode_content([(1, twice)], ["gzip", "gzip"])
    assert (len(plain.chunks[0][1]), plain.is_over_limit) == (20_000_000, False)
    assert (len(nested.chunks[0][1]), nested.is_over_limit) == (16 * 1024 * 1024, True)


@pytest.mark.parametrize("size", [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, 300_000])
def test_nothing_is_lost_where_a_piece_is_full(size: int) -> None:
    """What the decoder still holds when a piece is full comes with the next one, though nothing more goes in."""
    body = bytes(range(256)) * (size // 256 + 1)
    decoder = ContentDecoder(["gzip", "deflate"])
    assert decoder.feed(zlib.compress(gzip.compress(body[:size]))) == body[:size]


@pytest.mark.parametrize(
    ("header", "codings", "odd"),
    [
        (None, (), ()),
        ("", (), ("",)),
        ("identity", (), ()),
        ("none", (), ("none",)),
        ("UTF-8, gzip", ("gzip",), ("utf-8",)),
        ("chunked", (), ("chunked",)),
        ("br, x-gzip", ("br", "x-gzip"), ()),
        ("snappy", ("snappy",), ()),
    ],
)
def test_names_that_are_no_codings_are_told_apart(
    header: str | None, codings: tuple[str, ...], odd: tuple[str, ...]
) -> None:
    """What is a coding has to be undone, known or not; what is none says nothing of the bytes."""
    assert (read_codings(header), find_odd_codings(header)) == (codings, odd)
