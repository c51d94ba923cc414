"""What the fuzz tests share: how long they run, bodies from the corpus, and ways to damage them.

`for_a_while(share, …)` runs a property on new examples until its share of the time is used up; the shares of all
tests of tests/fuzz together are 1. The suite's few seconds go over the same examples every time, so that a change
alone can turn it red; `make fuzz` starts elsewhere each time, and is where new ones are found.
`damaged()` draws an exchange of the corpus whose request, head or body was changed.
"""

import os
import random
import time
from collections.abc import Callable
from functools import cache
from itertools import count, pairwise
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from support.corpus import PASSIVE
from support.damage import DAMAGES, Path, change_member, encoded, one_of, places
from support.records import record

from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.failures import make_failure
from byok_bench.wire.raw_exchange import Chunk, Phases, RawExchange, RawHead, RawRequest

ASKED = os.environ.get("BYOK_BENCH_FUZZ_SECONDS")
SECONDS = float(ASKED or "12")
"""CPU seconds for all fuzz tests together."""
LONGEST_S = 120 + 3 * SECONDS
"""When a fuzz test hangs."""
LARGEST = 4_000
"""Bytes of a body of the corpus that is damaged."""
MS = 1_000_000
Cut = tuple[int, ...] | None
"""Where a body is cut; None: at every byte."""
CUTS: st.SearchStrategy[Cut] = st.lists(st.integers(0, 3_000), max_size=6).map(tuple) | st.none()


def for_a_while(share: float, *strategies: Any, **named: Any) -> Callable[[Callable[..., None]], Any]:
    """Run a property on hypothesis' examples, and on new ones until its share of the time is used up."""

    def wrap(claim: Callable[..., None]) -> Callable[[], None]:
        some = settings(
            max_examples=50,
            derandomize=False,  # as it is under CI, where each round would try the same examples
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        )
        run = some(given(*strategies, **named)(claim))

        def test() -> None:
            end = time.process_time() + share * SECONDS
            for number in count(random.getrandbits(32) if ASKED else 0):
                seed(number)(run)()
                if time.process_time() >= end:
                    return

        test.__name__, test.__doc__ = claim.__name__, claim.__doc__
        return test

    return wrap


HEADERS = (
    *(("content-type", value) for value in ("text/event-stream", "application/json", "text/html", "", "\xff;=;")),
    *(("content-encoding", value) for value in ("gzip", "deflate", "br", "identity", "gzip, deflate", ",")),
    *(("retry-after", value) for value in ("1", "-1", "1e5", "inf", "Wed, 99 Foo", "9" * 400, "0x1", "\u0661")),
    *(("x-should-retry", value) for value in ("true", "maybe")),
    *(("x-ratelimit-reset-tokens", "6m0s"), ("x-ratelimit-remaining-tokens", "0"), ("location", "//\x00")),
)  # fmt: skip
STATUSES = (200, 200, 200, 201, 204, 299, 301, 400, 401, 404, 422, 429, 500, 503, 599)
ENDS = ("eof", "eof", "done", "reset", "stall", "limit")


def _size(chunks: list[Chunk]) -> int:
    return sum(len(data) for _, data in chunks)


CORPUS = [
    (case.schema, raw)
    for case in PASSIVE
    if not case.turns[0].reply.raw and _size((raw := record(case.turns[0], case.schema)).chunks) <= LARGEST
]
"""(schema, record) of every case that is small enough."""


def body_of(raw: RawExchange) -> bytes:
    """The bytes of a record."""
    return b"".join(data for _, data in raw.chunks)


def pieces_of(body: bytes, cut: Cut) -> list[bytes]:
    """The body cut at these places."""
    places = range(len(body)) if cut is None else (min(at, len(body)) for at in cut)
    borders = sorted({0, *places, len(body)})
    return [body[start:stop] for start, stop in pairwise(borders)]


def made(
    schema: str,
    body: bytes,
    *,
    request: bytes = b'{"model":"m","stream":true}',
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/event-stream"),),
    end: Any = "eof",
    cut: Cut = (),
) -> Exchange:
    """An exchange with this body; a read each ms."""
    pieces = pieces_of(body, cut)
    chunks = [(MS * number, piece) for number, piece in enumerate(pieces, 1)]
    lost = make_failure("network", "stream", "lost") if end == "reset" else None
    raw = RawExchange(
        request=RawRequest(id="r", method="POST", url="http://127.0.0.1/v1", headers=(), body=request),
        phases=Phases(start=0, written=0, head=0, first_byte=MS if chunks else None, end=MS * len(pieces)),
        head=RawHead(status=status, http="1.1", headers=headers, received_s=0.0),
        chunks=chunks,
        end=end,
        failure=lost,
    )
    return Exchange(raw, label="fuzz", base_url="http://127.0.0.1/v1", schema=schema, model="m")


Aims = list[list[tuple[int, int, Path]]]
"""For each path of members: (number of the case, where the payload begins, path) of every place where it is."""


@cache
def _aims(schemas: tuple[str, ...]) -> Aims:
    aims: dict[Path, list[tuple[int, int, Path]]] = {}
    for number, (schema, raw) in enumerate(CORPUS):
        for start, path in places(body_of(raw)) if schema in schemas else ():
            aims.setdefault((schema, *path), []).append((number, start, path))
    return list(aims.values())


@cache
def _of(schemas: tuple[str, ...]) -> list[tuple[str, RawExchange]]:
    return [pair for pair in CORPUS if pair[0] in schemas]


@st.composite
def _cases(draw: st.DrawFn, schemas: tuple[str, ...]) -> tuple[str, RawExchange, bytes]:
    """(schema, record, body): a case as it is, or with a member changed; each path of members is as likely as any."""
    if draw(st.booleans()):
        number, start, path = one_of(draw, one_of(draw, _aims(schemas)))
        schema, raw = CORPUS[number]
        return schema, raw, change_member(draw, body_of(raw), (start, path))
    schema, raw = one_of(draw, _of(schemas))
    whole, tail = body_of(raw), body_of(one_of(draw, CORPUS)[1])
    if draw(st.integers(0, 9)) == 9:  # the beginning of one and the end of another
        whole = whole[: draw(st.integers(0, len(whole)))] + tail[draw(st.integers(0, len(tail))) :]
    return schema, raw, whole


_DAMAGES = st.lists(st.sampled_from(DAMAGES), max_size=3)
_AROUND = st.lists(st.sampled_from(("status", "header", "request", "schema", "coding")), max_size=2)


@st.composite
def damaged(draw: st.DrawFn, schemas: tuple[str, ...] = ("chat", "responses", "messages", "models")) -> Any:
    """Arguments of `made`, from a case of the corpus with some damage; sometimes read in another dialect."""
    schema, raw, body = draw(_cases(schemas))
    status, headers, request, end = raw.head.status, raw.head.headers, raw.request.body, raw.end
    for damage in draw(_DAMAGES):
        body = damage(draw, body)
    if draw(st.booleans()):
        end = one_of(draw, ENDS)
    for kind in draw(_AROUND):
        if kind == "status":
            status = one_of(draw, STATUSES)
        elif kind == "header":
            headers = (*headers, one_of(draw, HEADERS))
        elif kind == "request":
            request = change_member(draw, request)
        elif kind == "schema":
            schema = one_of(draw, schemas)
        else:
            body, headers = encoded(draw, body), (*headers, ("content-encoding", "gzip"))
    return {
        "schema": schema,
        "body": body,
        "request": request,
        "status": status,
        "headers": headers,
        "end": end,
    }
