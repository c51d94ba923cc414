"""Every rule of the catalogue can be broken on demand, and what is broken is exactly what is found."""

import re
from collections import Counter

import msgspec
import pytest
from support.simulated import KEY, body_for, body_of

from byok_bench.backends.backend import BackendError
from byok_bench.backends.simulator.faults import Fault, list_faults
from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.probes.probe import find_probe, list_probes
from byok_bench.checks.probes.prober import Prober, ProbeResult
from byok_bench.checks.registry import load_catalogue as checks
from byok_bench.checks.registry import run_checks
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.send import list_models, send
from byok_bench.wire.client import Client
from byok_bench.wire.limits import Timeouts
from byok_bench.wire.recording.loop_lag import STALLED_FLAG

IMPATIENT = Timeouts(idle=0.3, first_byte=0.4)
WAITS = ("stream.stall", "silence")
"""Faults that a client notices by waiting; a busy machine must not make others look like them."""
CHECKS = {one.id: one for one in checks()}
PASSIVE = [one for one in list_faults() if one.id in CHECKS and CHECKS[one.id].mode == "passive"]
PLAIN = {
    "http-401": ("auth", 401, None),
    "http-402": ("quota", 402, None),
    "http-403": ("permission", 403, None),
    "http-404-model": ("not_found_model", 404, None),
    "http-429": ("rate_limit", 429, 2.0),
    "http-500": ("server", 500, None),
    "http-503": ("overloaded", 503, 5.0),
    "http-504": ("timeout", 504, None),
    "silence": ("timeout", None, None),
    "hang-up": ("network", None, None),
    "stream-cut": ("network", None, None),
    "stream-reset": ("network", None, None),
}
"""Plain behaviours of servers: kind, status, delay."""


async def exchange_under(fault: Fault) -> Exchange:
    """One request in which a fault shows, answered by a simulator that has it."""
    route = fault.route or "chat"
    timeouts = IMPATIENT if fault.id in WAITS else None
    async with Simulator(faults=[fault.id], api_key=KEY, ttft_ms=1, gap_ms=1) as server:
        if route == "models":
            return await list_models(server.endpoint, timeouts=timeouts)
        return await send(server.get_endpoint(route), body_of(fault, route), timeouts=timeouts)


REMARKS = {
    "usage.decreasing": ["usage.on-content-chunk"],
    "messages.stop-reason": ["finish.value"],
}
"""What cannot be kept apart: two usage objects are on a chunk with choices, or the final one comes twice; a reason
that Messages does not know is no finish reason either."""


def test_every_rule_has_a_fault() -> None:
    """No id of the catalogue is without a fault, so every rule can be seen to fire."""
    assert CHECKS.keys() - {one.id for one in list_faults()} == set()
    assert {one.id for one in list_faults() if one.is_check} == CHECKS.keys()


@pytest.mark.parametrize("fault", PASSIVE, ids=lambda one: one.id)
async def test_a_broken_rule_is_found_and_nothing_else(fault: Fault) -> None:
    """Over a real socket, the fault raises its own id and no other, not even as a remark."""
    found = [one.check for one in run_checks(await exchange_under(fault))]
    assert found == [*REMARKS.get(fault.id, []), fault.id]


TYPED = [one for one in PASSIVE if one.route in ("responses", "messages") and "stream" not in one.needs]
"""Faults of the other two dialects that show in whole answers, too."""


@pytest.mark.parametrize("fault", TYPED, ids=lambda one: one.id)
async def test_a_broken_rule_is_found_in_a_whole_answer(fault: Fault) -> None:
    """What is wrong in the objects of a stream is found in a document as well, and nothing but what tells the same."""
    async with Simulator(faults=[fault.id], api_key=KEY, ttft_ms=1, gap_ms=1) as server:
        assert fault.route is not None
        exchange = await send(server.get_endpoint(fault.route), body_for(fault.route, *fault.needs, "document"))
    beside = {"messages.tool-json": ["messages.content"]}.get(fault.id, REMARKS.get(fault.id, []))
    assert {one.check for one in run_checks(exchange)} == {fault.id, *beside}


WIDENED = [
    pytest.param(one, route, streamed, id=f"{one.id}-{route}-{'streamed' if streamed else 'whole'}")
    for one in list_faults()
    for route, streamed in (one.wide.forms if one.wide is not None else ())
]
BESIDE = {
    ("tool.id-missing", "responses"): ["responses.item-shape"],
    ("tool.id-missing", "messages"): ["messages.content"],
    ("tool.name-missing", "responses"): ["responses.item-shape"],
    ("tool.name-missing", "messages"): ["messages.content"],
    ("tool.arguments-string", "responses"): ["responses.item-shape"],
    ("reasoning.type", "responses"): ["responses.item-shape"],
    ("reasoning.type", "messages"): ["messages.content"],
    ("usage.missing", "responses"): ["responses.usage"],
    ("usage.missing", "messages"): ["messages.usage"],
    ("usage.types", "messages"): ["messages.usage"],
    ("usage.zero", "messages"): ["messages.usage"],
    ("finish.missing", "responses"): ["responses.status"],
    ("finish.missing", "messages"): ["messages.stop-reason"],
    ("finish.value", "messages"): ["messages.stop-reason"],
    ("finish.null-form", "chat"): ["finish.missing"],
    ("finish.tool-calls-reason", "messages"): ["messages.stop-reason", "messages.tool-json"],
    ("finish.tool-calls-empty", "messages"): ["messages.stop-reason"],
    ("delta.cumulative", "responses"): ["responses.item-lifecycle", "responses.completed-output"],
}
"""What the dialect's own rules say of the same fault."""


@pytest.mark.parametrize(("fault", "route", "streamed"), WIDENED)
async def test_a_rule_is_broken_in_every_form_that_it_judges(fault: Fault, route: str, streamed: bool) -> None:
    """Whole, and in the other dialects, the fault raises its own id; what else is found tells the same fault."""
    needs = [need for need in fault.needs if need not in ("stream", "document")]
    async with Simulator(faults=[fault.id], api_key=KEY, ttft_ms=1, gap_ms=1) as server:
        seen = await send(server.get_endpoint(route), body_for(route, *needs, *([] if streamed else ["document"])))
    found = {one.check for one in run_checks(seen)}
    assert fault.id in found
    assert found <= {fault.id, *BESIDE.get((fault.id, route), [])}


async def test_a_server_without_keys_is_not_blamed_for_any() -> None:
    """A server that answers without a key proves nothing by taking a wrong one, and is told."""
    async with Simulator(ttft_ms=1) as server, Client() as client:
        endpoint = msgspec.structs.replace(server.endpoint, key=KeyRef.session(KEY))
        prober = Prober(endpoint, server.models[0], client=client, profile="local")
        result = await prober.run(find_probe("error.bad-key"))
    assert result.verdict == "pass"
    assert len(result.exchanges) == 2
    assert "authorization" not in result.exchanges[1].request.headers
    assert "without one" in result.notes[0]


@pytest.mark.parametrize("id", [one.id for one in list_probes()])
async def test_a_probe_finds_the_server_that_disobeys(id: str) -> None:
    """Of all probes only the one of that id fails."""
    async with Simulator(faults=[id], api_key=KEY, ttft_ms=1) as server, Client() as client:
        prober = Prober(server.endpoint, server.models[0], client=client, profile="local")
        results = [await prober.run(one) for one in list_probes()]
    failed = [one for one in results if one.verdict == "fail" and (one.probe.id == id or not was_stalled(one))]
    assert [one.probe.id for one in failed] == [id]


def was_stalled(result: ProbeResult) -> bool:
    """Whether this process stood still meanwhile: the simulator in it then sends late, and in a lump."""
    return any(STALLED_FLAG in exchange.raw.flags for exchange in result.exchanges)


def test_every_plain_fault_is_tried() -> None:
    """Faults that are no rule's are in the table of this file, or change nothing that is judged."""
    plain = {one.id for one in list_faults() if not one.is_check}
    assert plain - PLAIN.keys() == {"sse-comments"}


@pytest.mark.parametrize("id", PLAIN)
async def test_plain_failures_have_their_kind(id: str) -> None:
    """A failing server is classified: kind, status and delay."""
    (fault,) = [one for one in list_faults() if one.id == id]
    error = (await exchange_under(fault)).error
    assert error is not None
    assert (error.kind, error.status, error.retry_after_s) == PLAIN[id]


async def test_legal_comments_are_no_fault() -> None:
    """Comments before every event are allowed: nothing is found."""
    async with Simulator(faults=["sse-comments"]) as server:
        exchange = await send(server.endpoint, body_for("chat"))
    assert b": keep-alive" in b"".join(data for _, data in exchange.chunks)
    assert run_checks(exchange) == []


async def found(server: Simulator, times: int, *needs: str) -> list[tuple[str, ...]]:
    """What is found in each of several answers."""
    async with Client() as client:
        answers = [await send(server.endpoint, body_for("chat", *needs), client=client) for _ in range(times)]
    return [tuple(sorted(one.check for one in run_checks(answer))) for answer in answers]


async def test_faults_take_turns() -> None:
    """Several faults act one at a time, among those that fit the request."""
    ids = ["stream.bom", "tool.type", "stream.event-name"]
    async with Simulator(faults=ids, ttft_ms=0, gap_ms=0) as server:
        assert await found(server, 4) == [
            ("stream.bom",),
            ("stream.event-name",),
            ("stream.bom",),
            ("stream.event-name",),
        ]


async def test_faults_act_together() -> None:
    """Told so, all faults show in one answer."""
    ids = ["delta.created", "stream.bom", "usage.unrequested"]
    async with Simulator(faults=ids, together=True, ttft_ms=0, gap_ms=0) as server:
        assert await found(server, 1) == [tuple(ids)]


async def test_a_fault_on_every_third_request() -> None:
    """With every=3 the third and sixth answer are broken, the others are good."""
    async with Simulator(faults=["delta.created"], every=3, ttft_ms=0, gap_ms=0) as server:
        assert await found(server, 6) == [(), (), ("delta.created",)] * 2


async def test_a_fault_by_chance_is_the_same_for_one_seed() -> None:
    """A probability of one half breaks some answers and spares some; the seed decides which."""
    runs = []
    for _ in range(2):
        async with Simulator(faults=["delta.created"], probability=0.5, seed=4, ttft_ms=0, gap_ms=0) as server:
            runs.append(await found(server, 12))
    assert runs[0] == runs[1]
    assert 0 < Counter(runs[0])[()] < 12


def test_an_unknown_fault_is_named_with_its_neighbours() -> None:
    """A typo in a fault's id is refused, and the right one is suggested."""
    with pytest.raises(BackendError, match=r"stream\.bomm.*did you mean stream\.bom"):
        Simulator(faults=["stream.bomm"])


@pytest.mark.parametrize("settings", [{"every": 0}, {"probability": 1.5}])
def test_impossible_settings_are_refused(settings: dict[str, float]) -> None:
    """A plan that can never act as asked is an error at once."""
    with pytest.raises(BackendError, match="n-th request"):
        Simulator(faults=["stream.bom"], **settings)  # type: ignore[arg-type]


async def test_all_stream_faults_together_still_make_an_answer() -> None:
    """Whatever faults are combined, the server sends some answer and goes on."""
    ids = [one.id for one in list_faults() if "stream" in one.needs and one.id != "stream.stall"]
    async with Simulator(faults=ids, together=True, ttft_ms=0, gap_ms=0) as server:
        for needs in ((), ("tools",), ("json_schema", "include_usage")):
            exchange = await send(server.endpoint, body_for("chat", *needs))
            assert exchange.response is not None


def test_each_fault_says_what_it_does() -> None:
    """The description that `serve --list` prints is one short line."""
    for one in list_faults():
        assert re.fullmatch(r"[^\n]{5,100}", one.about), one.id
