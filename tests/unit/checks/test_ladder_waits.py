"""The ladder does not call a server bad for what the ladder itself did to it, or for asking to wait."""

import pytest
from support.bench_server import KEY, MODEL, serving
from support.moody_server import MoodyServer

from byok_bench.checks.ladder.climb import ladder
from byok_bench.checks.probes.probe import PROVOKING, list_dialect_probes, list_probes
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model


def endpoint(server: MoodyServer, window: int | None = None) -> Endpoint:
    """An endpoint of the server."""
    model = Model(MODEL, context_window_tokens=window)
    return Endpoint(label="e", base_url=server.base_url, models=[model], key=KeyRef.session(KEY))


async def test_a_429_that_names_a_delay_is_waited_for_once() -> None:
    """The rung is about the answer behind it, and says what came before."""
    async with serving(MoodyServer()) as server:
        server.limits = 1
        report = await ladder(endpoint(server))
    chat = report["chat"]
    assert (chat.verdict, chat.requests) == ("pass", 2)
    assert "answered 429, and was waited for as it asked (0.2 s)" in chat.advice
    assert [one.error.status if one.error else 200 for one in chat.exchanges] == [200, 429]
    assert report["stream"].requests == 1


async def test_a_server_that_limits_again_is_not_waited_for_any_more() -> None:
    """A ladder ends, whatever a server asks for."""
    async with serving(MoodyServer()) as server:
        server.limits = 1000
        report = await ladder(endpoint(server), deep=True)
    assert report["chat"].verdict == "fail"
    assert [report["chat"].requests, report["stream"].requests] == [2, 1]
    assert report["finish.length"].requests == 2


async def test_a_delay_of_hours_is_told_and_not_waited_for() -> None:
    """More than a minute is nobody's patience."""
    async with serving(MoodyServer()) as server:
        server.limits, server.limit_words = 1, "Please try again in 2h."
        report = await ladder(endpoint(server))
    assert (report["chat"].verdict, report["chat"].requests) == ("fail", 1)
    assert "asks to wait 7200 s" in report["chat"].advice


@pytest.mark.parametrize(("declared", "words"), [(None, 500), (80, 100)])
async def test_the_over_long_prompt_follows_the_window(declared: int | None, words: int) -> None:
    """What was declared wins; else what the server lists counts, without another request."""
    async with serving(MoodyServer()) as server:
        server.window = 400
        report = await ladder(endpoint(server, declared), deep=True)
        [body] = [
            body
            for body in server.requests
            if isinstance(body.get("messages"), list) and "Count these" in str(body["messages"])
        ]
    assert body["messages"][0]["content"].count(" apple") == words
    assert server.lists == 1
    assert report["error.context-length"].requests == 1


@pytest.mark.parametrize("schema", ["chat", "responses", "messages"])
def test_probes_that_make_mistakes_come_last(schema: str) -> None:
    """And of them the over-long prompt."""
    order = [one.id for one in list_dialect_probes(schema)]
    made = [id for id in order if id in PROVOKING]
    assert order[-len(made) :] == made
    assert order[-1] == "error.context-length"


def test_every_probe_of_error_answers_is_known_as_a_mistake() -> None:
    """A new one is placed on purpose."""
    known = {one.id for one in list_probes()}
    assert {id for id in known if id.startswith("error.")} <= set(PROVOKING) <= known
