"""The check ladder and the probes, against the simulator over real sockets."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter

import pytest
import trustme
from msgspec.structs import replace
from support.hostile import JSON, SETTLED_S, Peer, hostile, reply, sized

from byok_bench.backends.simulator.http import Request, Schedule, Wire
from byok_bench.backends.simulator.reply import make_json_reply
from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.ladder.capabilities import prove_capabilities
from byok_bench.checks.ladder.climb import ladder
from byok_bench.checks.ladder.report import RUNGS, LadderReport, Rung
from byok_bench.checks.ladder.rungs import Climb, climb_chat, climb_tools
from byok_bench.checks.probes.probe import ProbeRequest, list_dialect_probes, list_probes
from byok_bench.checks.probes.prober import Prober
from byok_bench.checks.registry import Check
from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import DeclaredCapabilities, Model, Price, Schema
from byok_bench.endpoints.model_record import Capability
from byok_bench.wire.client import Client

KEY = "simulated-key-0123456789"
THINKS = {"turn.reasoning-echo"}
"""Probes that need a model which sends reasoning."""


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(api_key=KEY) as server:
        yield server


def verdicts(report: LadderReport) -> dict[str, str]:
    return {rung.name: rung.verdict for rung in report}


async def test_a_correct_server_climbs_every_rung(simulator: Simulator) -> None:
    """No rung fails or warns on a server that breaks no rule; plain http has no certificate to check."""
    report = await ladder(simulator.endpoint)
    assert verdicts(report) == dict.fromkeys(RUNGS, "pass") | {"tls": "skipped"}


@pytest.mark.parametrize("schema", ["responses", "messages"])
async def test_a_correct_server_climbs_every_rung_in_its_dialect(simulator: Simulator, schema: Schema) -> None:
    """Requests are worded in the endpoint's dialect, and so are the probes that mean something there."""
    report = await ladder(simulator.get_endpoint(schema), deep=True)
    assert verdicts(report) == {rung.name: "pass" for rung in report} | {"tls": "skipped"}
    assert {one.id for one in list_dialect_probes(schema)} <= verdicts(report).keys()


async def test_what_every_answer_breaks_is_said_once() -> None:
    """Three answers with one and the same fault make one sentence of advice; the findings stay three."""
    async with Simulator(faults=("delta.object",)) as server:
        rung = (await ladder(server.endpoint))["tools"]
    assert [one.check for one in rung.findings] == ["delta.object"] * 3
    assert rung.advice.count("delta.object") == 1


async def test_a_list_that_warns_says_why() -> None:
    """The model is listed and the verdict is no pass: the sentence names the rule that is broken."""
    async with Simulator(faults=("models.object",)) as server:
        rung = (await ladder(server.endpoint))["models"]
    assert (rung.verdict, "But: models.object: " in rung.advice) == ("warn", True)


async def test_each_rung_is_told_as_it_ends(simulator: Simulator) -> None:
    """A listener hears the rungs in order, one by one."""
    heard: list[Rung] = []
    report = await ladder(simulator.endpoint, on_rung=heard.append)
    assert tuple(heard) == report.rungs


async def test_a_rung_says_what_it_spent(simulator: Simulator) -> None:
    """Requests, tokens and milliseconds of the stream rung are those of its exchange."""
    rung = (await ladder(simulator.endpoint))["stream"]
    usage = rung.exchanges[0].output.usage
    assert usage is not None
    assert (rung.requests, rung.tokens) == (1, usage.total_tokens)
    assert rung.duration_ms == rung.exchanges[0].timing.e2e


async def test_a_dead_port_stops_at_connect() -> None:
    """What needs a connection is skipped and names its cause; what came before passed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        endpoint = Endpoint(label="dead", base_url=f"http://127.0.0.1:{port}/v1", models=[Model("m")])
        report = await ladder(endpoint)
    found = verdicts(report)
    assert found == {
        **dict.fromkeys(("parse", "policy", "dns"), "pass"),
        "connect": "fail",
        **dict.fromkeys(("tls", "models", "chat", "stream", "tools", "turn 2"), "skipped"),
    }
    assert "connect failed" in report["chat"].advice


async def test_tls_is_told_on_its_own_rung(tmp_path: Path) -> None:
    """An untrusted certificate is no matter of ports and firewalls; what was not dialled is not called connected."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with hostile(reply(), context) as server:
        endpoint = Endpoint(label="tls", base_url=server.base_url, models=[Model("m")])
        untrusted = await ladder(endpoint)
        unread = await ladder(replace(endpoint, tls=Tls(ca_file=str(tmp_path / "gone.pem"))))
    assert untrusted["connect"].advice == "Connected to 127.0.0.1."
    assert verdicts(untrusted)["tls"] == verdicts(unread)["tls"] == "fail"
    assert [word for word in ("firewall", "..", "?.") if word in untrusted["tls"].advice] == []
    assert verdicts(unread)["connect"] == "skipped"
    assert "mend its path" in unread["tls"].advice


@pytest.mark.parametrize(
    ("url", "profile", "rung"),
    [
        ("127.0.0.1:8080/v1", "local", "parse"),
        ("http://user:secret-password@127.0.0.1/v1", "local", "parse"),
        ("http://169.254.169.254/v1", "local", "policy"),
        ("https://127.0.0.1/v1", "shared", "policy"),
        ("https://no-such-host.example/v1", "local", "dns"),
    ],
)
async def test_a_refused_url_stops_at_the_rung_that_says_why(url: str, profile: str, rung: str) -> None:
    """Syntax, policy and name lookup are told apart, and nothing of a pasted password is shown."""
    report = await ladder(Endpoint(label="refused", base_url=url, models=[Model("m")]), profile=profile)
    assert report.first_failure is not None
    assert report.first_failure.name == rung
    assert "secret-password" not in str(report)


async def test_a_wrong_key_fails_the_chat_rung_and_names_the_key(simulator: Simulator) -> None:
    """The list of models is advisory, so the completion is what fails."""
    endpoint = Endpoint(
        label="wrong key",
        base_url=simulator.base_url,
        models=[Model("simulator-1")],
        key=KeyRef.session("not-the-right-key-000"),
    )
    report = await ladder(endpoint)
    assert (report["models"].verdict, report["chat"].verdict) == ("warn", "fail")
    assert "Check the key" in report["chat"].advice


async def test_an_incomplete_endpoint_says_what_is_missing() -> None:
    """Nothing is sent for an endpoint without a model."""
    report = await ladder(Endpoint(label="new", base_url="http://127.0.0.1:1/v1"))
    assert "a model" in report["parse"].advice
    assert {rung.requests for rung in report} == {0}


async def test_a_key_that_is_nowhere_stops_at_the_first_rung() -> None:
    """Nothing is sent for an endpoint whose variable is not set, and the advice names the variable."""
    endpoint = Endpoint(
        label="no key", base_url="http://127.0.0.1:9/v1", models=[Model("m")], key=KeyRef.env("NOT_SET_HERE")
    )
    report = await ladder(endpoint)
    assert report.first_failure is not None
    assert report.first_failure.name == "parse"
    assert "NOT_SET_HERE is not set" in report.first_failure.advice
    assert {rung.requests for rung in report} == {0}


async def test_a_failed_rung_stops_only_what_depends_on_it() -> None:
    """A server that cannot answer whole still streams and calls tools; only what asks for whole answers is skipped."""
    async with WholeAnswersFail(api_key=KEY) as server:
        report = await ladder(server.endpoint)
    found = verdicts(report)
    assert (found["chat"], found["stream"], found["tools"], found["turn 2"]) == (
        "fail",
        "pass",
        "pass",
        "skipped",
    )
    assert report["turn 2"].advice == "Not tried: chat failed."


async def test_what_an_answer_costs_is_told(simulator: Simulator) -> None:
    """With a declared price each rung has its cost in the price's currency, and the report their sum."""
    price = Price(input=1.0, output=2.0, currency="EUR")
    endpoint = replace(simulator.endpoint, models=[Model(simulator.models[0], price=price)])
    report = await ladder(endpoint)
    usage = report["stream"].exchanges[0].output.usage
    assert usage is not None
    assert usage.prompt_tokens is not None
    assert usage.completion_tokens is not None
    assert report["stream"].cost == pytest.approx((usage.prompt_tokens + 2 * usage.completion_tokens) / 1e6)
    document = report.to_json()
    assert document["cost"] == pytest.approx(sum(rung.cost or 0 for rung in report))
    assert (document["currency"], document["tokens"]) == ("EUR", sum(rung.tokens or 0 for rung in report))
    assert report.spending.endswith("EUR")
    assert document["rungs"][7]["exchanges"][0]["exchange_id"] == report["stream"].exchanges[0].id


async def test_what_the_model_can_do_is_told_with_its_evidence(simulator: Simulator) -> None:
    """A climb proves streaming and tools; what it did not show stays as it was declared."""
    declared = DeclaredCapabilities(structured_output=Capability(state="yes"), tools=Capability(state="no"))
    found = prove_capabilities(await ladder(simulator.endpoint), declared)
    assert (found.streaming.state, found.tools.state) == ("yes", "yes")
    assert found.tools.evidence == "tools: Called with auto, required, named."
    assert (found.structured_output, found.reasoning) == (declared.structured_output, Capability())
    async with Simulator(api_key=KEY, reasoning=True) as thinking:
        assert prove_capabilities(await ladder(thinking.endpoint), DeclaredCapabilities()).reasoning.state == "yes"


async def test_a_refused_key_proves_nothing_of_the_model(simulator: Simulator) -> None:
    """Where every request is turned down, what was declared stays."""
    declared = DeclaredCapabilities(tools=Capability(state="yes"))
    endpoint = replace(simulator.endpoint, key=KeyRef.session("not-the-right-key-000"))
    assert prove_capabilities(await ladder(endpoint), declared) == declared


class WholeAnswersFail(Simulator):
    """A server that only streams."""

    async def answer_request(self, request: Request, wire: Wire) -> bool:
        """A refusal where no stream is asked for."""
        if request.method == "POST" and not json.loads(request.body).get("stream"):
            answer = make_json_reply(
                {"error": {"message": "stream must be true", "type": "invalid_request_error"}}, 400
            )
            return await wire.send_reply(answer, Schedule(0, 0), perf_counter(), keep_alive=True)
        return await super().answer_request(request, wire)


async def result(check: Check, faults: list[str]) -> str:
    """The verdict of one probe against a simulator with these faults."""
    server = Simulator(api_key=KEY, faults=faults, context=1024, reasoning=check.id in THINKS)
    async with server, Client() as client:
        prober = Prober(server.endpoint, server.models[0], client=client, profile="local")
        return (await prober.run(check)).verdict


@pytest.mark.parametrize("check", list_probes(), ids=lambda check: check.id)
async def test_a_probe_passes_a_correct_server(check: Check) -> None:
    """A probe finds nothing where nothing is wrong."""
    assert await result(check, []) == "pass"


@pytest.mark.parametrize("check", list_probes(), ids=lambda check: check.id)
async def test_a_probe_finds_its_fault(check: Check) -> None:
    """A server that breaks this rule, and no other, is found out."""
    assert await result(check, [check.id]) == "fail"


@pytest.mark.parametrize("check", list_probes(), ids=lambda check: check.id)
async def test_a_probe_costs_what_it_says(check: Check) -> None:
    """No probe sends more requests than the catalogue announces."""
    server = Simulator(api_key=KEY, context=1024, reasoning=check.id in THINKS)
    async with server, Client() as client:
        prober = Prober(server.endpoint, server.models[0], client=client, profile="local")
        sent = len((await prober.run(check)).exchanges)
    assert 0 < sent <= check.cost


async def test_a_server_that_answers_for_any_model_is_no_rule_that_holds() -> None:
    """The line says what was seen, and nothing that denies it; the rung warns, and does not fail."""
    async with Simulator(any_model=True) as server:
        report = await ladder(server.endpoint, deep=True)
    rung = report["error.unknown-model"]
    assert rung.verdict == "warn"
    assert "any model name is accepted" in rung.advice
    assert "holds" not in rung.advice
    assert report.has_passed


CHAT = b'{"id":"c","object":"chat.completion","created":1796000000,"model":"m","choices":[{"index":0,%b}],%b}'
COUNTS = b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}'
WHOLE = sized(CHAT % (b'"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"', COUNTS), JSON.strip())
CALL = b'{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\\"city\\":\\"Paris\\"}"}}'
CALLED = sized(
    CHAT % (b'"message":{"role":"assistant","tool_calls":[' + CALL + b']},"finish_reason":"tool_calls"', COUNTS),
    JSON.strip(),
)
REFUSED = sized(b'{"error":{"message":"no","type":"invalid_request_error"}}', JSON.strip(), status=b"400 Bad Request")


async def lose_the_second_request(peer: Peer) -> None:
    """As HAProxy does when the server behind it has closed: no word on a kept connection, an answer on a new one."""
    await peer.request()
    await peer.send(WHOLE)
    await peer.request()
    if peer.number:
        await peer.send(WHOLE)


async def test_a_request_that_a_kept_connection_lost_is_asked_again() -> None:
    """It says nothing about the rule that a probe asks about; the rung tells of both exchanges."""
    async with hostile(lose_the_second_request) as server, Client() as client:
        endpoint = Endpoint(label="proxy", base_url=server.base_url, models=[Model("m")])
        climb = Climb(
            prober=Prober(endpoint, "m", client=client, profile="local"),
            client=client,
            profile="local",
            policy=None,
        )
        first = await climb_chat(climb)
        await asyncio.sleep(SETTLED_S)
        rung = await climb_chat(climb)
    assert (first.requests, rung.verdict, rung.requests) == (1, "pass", 2)
    assert [one.error.code for one in rung.exchanges if one.error] == ["closed"]
    assert rung.advice.endswith("a kept connection was closed without an answer, and it was asked again.")


async def test_a_server_that_loses_every_request_is_asked_once() -> None:
    """On a connection of its own a request was lost by nobody but the server."""
    async with hostile(reply()) as server, Client() as client:
        endpoint = Endpoint(label="mute", base_url=server.base_url, models=[Model("m")])
        prober = Prober(endpoint, "m", client=client, profile="local")
        said = await prober.ask(ProbeRequest(body={"messages": [{"role": "user", "content": "Hi"}]}))
        lost = prober.take_superseded()
    assert said.error is not None
    assert lost == []


async def test_no_call_is_called_made_where_none_came() -> None:
    """Every call came as markup: the rung says that there was none, and what was there."""
    async with Simulator(faults=["tool.leaked-markup"]) as server:
        rung = (await ladder(server.endpoint))["tools"]
    assert rung.advice.startswith("No call came back: tool.leaked-markup")


async def refuse_all_but_the_first(peer: Peer) -> None:
    """One call is made, further ones are refused."""
    await peer.request()
    await peer.send(REFUSED if peer.number else CALLED)


async def test_a_call_that_was_refused_is_told_beside_findings() -> None:
    """A finding in one answer hides no refusal of another."""
    async with hostile(refuse_all_but_the_first) as server, Client() as client:
        endpoint = Endpoint(label="half", base_url=server.base_url, models=[Model("m")])
        prober = Prober(endpoint, "m", client=client, profile="local")
        rung = await climb_tools(Climb(prober=prober, client=client, profile="local", policy=None))
    assert rung.advice.startswith("Calls are made (auto), but: ")
    assert rung.advice.endswith("Refused: required (no); named (no).")
