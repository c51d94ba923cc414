"""custom_model_endpoint, version 1: documents, and old and new clients against old and new servers."""

import asyncio
import copy
import gc
import json
import logging
import pickle
import re
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from support.books import PLANTED, an_endpoint

from byok_bench.backends.receiver import Receiver
from byok_bench.backends.simulator.http import Request, Schedule, Wire
from byok_bench.backends.simulator.http_backend import HttpBackend
from byok_bench.backends.simulator.reply import make_json_reply
from byok_bench.backends.simulator.server import Simulator
from byok_bench.endpoints import keys
from byok_bench.endpoints.contract import (
    CONTRACT_FIELD,
    CustomEndpoint,
    TeamReference,
    check_confirmation,
    decode_endpoint,
    encode_endpoint,
    load_examples,
    load_json_schema,
    make_confirmation,
    resolve_reference,
)
from byok_bench.endpoints.credentials import resolve_credentials
from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.errors import ContractError, EndpointError, SecretError
from byok_bench.redact.logs import forget_afterwards, list_remembered_secrets
from byok_bench.wire.limits import Timeouts

VALID = [one for one in load_examples() if one["valid"]]
INVALID = [one for one in load_examples() if not one["valid"]]
ADMINISTRATOR = {"allow_cidrs": ["127.0.0.1/32"], "allow_http_hosts": ["127.0.0.1"]}
"""Lets a shared server call this machine, which only its administrator may."""


def name_of(example: dict[str, Any]) -> str:
    return str(example["name"])


@pytest.mark.parametrize("example", VALID, ids=name_of)
def test_valid_examples_are_read(example: dict[str, Any]) -> None:
    """Schema and decoder accept every valid example, and nothing of its key is in what is shown."""
    Draft202012Validator(load_json_schema()).validate(example["document"])
    received = decode_endpoint(example["document"])
    assert received.config_key == example["document"]["config_key"]
    if isinstance(received, CustomEndpoint):
        assert received.model == example["document"]["model"]
        with received.lend_endpoint() as endpoint:
            assert endpoint.list_missing_fields() == ()
            assert encode_endpoint(endpoint, received.model)["base_url"] == example["document"]["base_url"]
    assert "example-secret" not in repr(received) + str(received)


@pytest.mark.parametrize("example", INVALID, ids=name_of)
def test_invalid_examples_are_refused_by_the_name_of_the_member(example: dict[str, Any]) -> None:
    """Each refusal has its code, names the member, and shows nothing of a key."""
    with pytest.raises(ContractError) as caught:
        decode_endpoint(example["document"])
    assert caught.value.code == example["code"]
    path = CONTRACT_FIELD if example["member"] == CONTRACT_FIELD else f"{CONTRACT_FIELD}.{example['member']}"
    assert str(caught.value).startswith(f"{path}: ")
    assert "example-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_documented_field_is_one() -> None:
    """The example in docs/endpoints.md is read, and written again as it stands there."""
    page = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text()
    field = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    received = decode_endpoint(field)
    assert isinstance(received, CustomEndpoint)
    with received.lend_endpoint() as endpoint:
        again = encode_endpoint(endpoint)
    timeouts = {name: again["timeouts"][name] for name in field["timeouts"]}
    assert {**again, "config_key": field["config_key"], "timeouts": timeouts} == field


def test_the_schema_is_a_schema() -> None:
    """The shipped file is valid JSON Schema."""
    Draft202012Validator.check_schema(load_json_schema())


def test_every_member_survives_the_way() -> None:
    """What a client configures is what a receiver calls with."""
    sent = an_endpoint(
        key=KeyRef.session(PLANTED),
        key_style="header",
        key_header="X-Gateway-Key",
        schema="responses",
        models=[Model("m-1"), Model("m-2", alias="large", drop=["user"])],
        headers={"X-Title": "My App", "X-Team": KeyRef.session("team-secret-0123456789")},
        timeouts=Timeouts(connect=3, total=30),
    )
    written = encode_endpoint(sent, "large")
    field = json.loads(json.dumps(written))
    assert field == written  # lists as JSON has them, for a receiver in the same process
    Draft202012Validator(load_json_schema()).validate(field)
    assert field["config_key"] == sent.models[1].config_key
    received = decode_endpoint(field)
    assert isinstance(received, CustomEndpoint)
    with received.lend_endpoint() as endpoint:
        for name in ("label", "base_url", "schema", "key_style", "key_header", "timeouts"):
            assert getattr(endpoint, name) == getattr(sent, name)
        again = encode_endpoint(endpoint)
    assert {**again, "config_key": field["config_key"]} == field
    assert received.model == "m-2"


def test_a_teams_endpoint_goes_by_reference_alone() -> None:
    """Version and config_key are all that is sent, and the receiver finds endpoint and model."""
    team = an_endpoint("Team", key=KeyRef.env("NOT_SET_HERE"), models=[Model("m-1"), Model("m-2")])
    field = encode_endpoint(team, "m-2", team=True)
    assert field == {"version": 1, "config_key": team.models[1].config_key}
    reference = decode_endpoint(field)
    assert isinstance(reference, TeamReference)
    assert resolve_reference(reference, [an_endpoint(), team]) == (team, "m-2")
    assert resolve_reference(TeamReference(config_key=team.config_key), [team]) == (team, "m-1")
    with pytest.raises(ContractError, match=r"config_key: the team's book here has none of it"):
        resolve_reference(reference, [an_endpoint()])


@pytest.mark.parametrize(
    ("fields", "error", "code"),
    [
        ({"query": {"api-version": "1"}}, ContractError, "not_expressible"),
        ({"tls": Tls(verify=False)}, ContractError, "not_expressible"),
        ({"proxy": "http://127.0.0.1:3128"}, ContractError, "not_expressible"),
        ({"accept_encoding": "gzip"}, ContractError, "not_expressible"),
        ({"transport": "http2"}, ContractError, "not_expressible"),
        ({"base_url": ""}, EndpointError, "endpoint_incomplete"),
        ({"key": KeyRef.env("NOT_SET_HERE")}, SecretError, "key_missing"),
        (
            {"key": KeyRef.env("PATH"), "key_origin": "https://elsewhere.example.com:443"},
            EndpointError,
            "endpoint_incomplete",
        ),
    ],
)
def test_what_cannot_be_handed_over_is_refused(fields: dict[str, Any], error: type[Exception], code: str) -> None:
    """No field is dropped on the way, and no key leaves its origin."""
    with pytest.raises(error) as caught:
        encode_endpoint(an_endpoint(**fields))
    assert caught.value.code == code  # type: ignore[attr-defined]


def test_a_received_key_is_shown_nowhere_and_forgotten() -> None:
    """Neither repr, copy nor pickle gives the key away, and after the call no reference leads to it."""
    with forget_afterwards():
        received = decode_endpoint(encode_endpoint(an_endpoint(key=KeyRef.session(PLANTED))))
    assert isinstance(received, CustomEndpoint)
    with received.lend_endpoint() as endpoint:
        assert PLANTED not in repr(endpoint) + str(endpoint.key)
        before = dict(keys._SESSION)
        resolve_credentials(endpoint)
        assert PLANTED in list_remembered_secrets()
    assert PLANTED not in list_remembered_secrets()
    assert len(before) - len(keys._SESSION) == 1
    assert not endpoint.key.is_set
    for shown in (repr(received), repr(copy.deepcopy(received)), str(pickle.dumps(received))):
        assert PLANTED not in shown


def test_a_confirmation_is_of_this_field() -> None:
    """Only an answer that repeats version and config_key counts; it repeats nothing secret."""
    field = VALID[0]["document"]
    check_confirmation(field, {CONTRACT_FIELD: make_confirmation(field)})
    assert "example-secret" not in str(make_confirmation(field))
    for answer in (
        None,
        [],
        {},
        {CONTRACT_FIELD: None},
        {CONTRACT_FIELD: {**make_confirmation(field), "config_key": "other"}},
    ):
        with pytest.raises(ContractError) as caught:
            check_confirmation(field, answer)
        assert caught.value.code == "not_honoured"


class OldServer(HttpBackend):
    """An agent server from before the field: it ignores what it does not know, or refuses it."""

    def __init__(self, *, strict: bool) -> None:
        super().__init__("old server")
        self._strict = strict

    async def answer_request(self, request: Request, wire: Wire) -> bool:
        """An answer of its own model, or status 400."""
        unknown = set(json.loads(request.body)) - {"prompt"}
        if unknown and self._strict:
            answer = make_json_reply({"detail": f"unknown: {sorted(unknown)}"}, 400)
        else:
            answer = make_json_reply({"output": {"text": "from the old server's own model"}, "error": None}, 200)
        return await wire.send_reply(answer, Schedule(0, 0), perf_counter(), keep_alive=False)


class Echo(HttpBackend):
    """An endpoint that puts the key it was sent into its answer."""

    async def answer_request(self, request: Request, wire: Wire) -> bool:
        """One chat completion."""
        message = {"role": "assistant", "content": f"you said {request.key} and {request.headers['x-team']}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = make_json_reply({"id": "1", "object": "chat.completion", "choices": [choice]})
        return await wire.send_reply(answer, Schedule(0, 0), perf_counter(), keep_alive=False)


async def ask(server: HttpBackend, field: object = None) -> tuple[int, Any]:
    """What an agent client sends: a prompt, and the field if it knows of it."""
    body: dict[str, Any] = {"prompt": "Say hello"}
    if field is not None:
        body[CONTRACT_FIELD] = field
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{server.base_url}/agent", json=body)
    return answer.status_code, answer.json()


def permitted(*servers: HttpBackend) -> dict[str, Any]:
    return {**ADMINISTRATOR, "allow_ports": [server.port for server in servers]}


async def test_new_client_and_new_server() -> None:
    """The brought endpoint answers, by its own model and key, and the answer confirms it."""
    async with Simulator(models=["own"]) as own, Simulator(models=["brought"], api_key=PLANTED) as brought:
        for schema in ("chat", "responses", "messages"):
            field = encode_endpoint(brought.get_endpoint(schema))  # type: ignore[arg-type]
            async with Receiver(own.endpoint, policy=permitted(own, brought)) as receiver:
                status, answer = await ask(receiver, field)
            assert status == 200
            check_confirmation(field, answer)
            assert answer["output"]["served_model"] == "brought"
            assert answer["output"]["text"]
            assert PLANTED not in json.dumps(answer)


async def test_old_client_and_new_server() -> None:
    """A request without the field means what it always meant: the server's own model."""
    async with (
        Simulator(models=["own"]) as own,
        Receiver(own.endpoint, policy=permitted(own)) as receiver,
    ):
        status, answer = await ask(receiver)
    assert status == 200
    assert answer["output"]["served_model"] == "own"
    assert set(answer) == {"output", "error"}


@pytest.mark.parametrize("strict", [True, False])
async def test_new_client_and_old_server(strict: bool) -> None:
    """A server that ignores or refuses the field is noticed, and its answer is not taken for the endpoint's."""
    field = encode_endpoint(an_endpoint())
    async with OldServer(strict=strict) as server:
        status, answer = await ask(server, field)
    assert status == (400 if strict else 200)
    with pytest.raises(ContractError, match="did not confirm custom_model_endpoint"):
        check_confirmation(field, answer)


async def test_old_client_and_old_server() -> None:
    """What was there before the field is as it was."""
    async with OldServer(strict=True) as server:
        assert await ask(server) == (
            200,
            {"output": {"text": "from the old server's own model"}, "error": None},
        )


@pytest.mark.parametrize("example", INVALID[:5], ids=name_of)
async def test_a_version_of_the_future_is_refused_and_nothing_is_called(example: dict[str, Any]) -> None:
    """An unknown version is named, and neither the brought nor the server's own model is asked."""
    async with Simulator(models=["own"]) as own:
        async with Receiver(own.endpoint, policy=permitted(own)) as receiver:
            status, answer = await ask(receiver, example["document"])
        assert sum(own._visits.values()) == 0
    assert (status, answer["output"], answer["error"]["code"]) == (400, None, "version_unknown")
    assert answer["error"]["message"].startswith(f"{CONTRACT_FIELD}.version: ")
    assert "example-secret" not in json.dumps(answer)


async def test_a_failure_comes_back_with_its_kind_and_no_other_model_answers() -> None:
    """A brought endpoint that refuses the key is `auth`; the server's own model is not asked in its place."""
    async with Simulator(models=["own"]) as own, Simulator(api_key="another-key-0123456789") as brought:
        field = encode_endpoint(an_endpoint(base_url=brought.base_url, key=KeyRef.session(PLANTED)))
        async with Receiver(own.endpoint, policy=permitted(own, brought)) as receiver:
            status, answer = await ask(receiver, field)
        assert sum(own._visits.values()) == 0
    assert (status, answer["output"]) == (502, None)
    assert (answer["error"]["kind"], answer["error"]["status"]) == ("auth", 401)
    check_confirmation(field, answer)
    assert PLANTED not in json.dumps(answer)


async def test_the_url_is_judged_again_by_the_shared_profile() -> None:
    """Without an administrator's leave a brought loopback address is refused, and nothing is sent there."""
    async with Simulator(models=["own"]) as own, Simulator() as brought:
        async with Receiver(own.endpoint) as receiver:
            status, answer = await ask(receiver, encode_endpoint(brought.endpoint))
        assert sum(brought._visits.values()) + sum(own._visits.values()) == 0
    assert (status, answer["error"]["kind"], answer["error"]["phase"]) == (502, "egress", "policy")
    assert answer["error"]["code"]


async def test_a_teams_endpoint_is_resolved_by_the_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference is enough: address, model and key are the receiver's own; an unknown one is refused."""
    monkeypatch.setenv("TEAM_KEY", PLANTED)
    async with Simulator(models=["own"]) as own, Simulator(models=["team-model"], api_key=PLANTED) as brought:
        team = an_endpoint("Team", base_url=brought.base_url, key=KeyRef.env("TEAM_KEY"), models=[Model("team-model")])
        async with Receiver(own.endpoint, team=[team], policy=permitted(own, brought)) as receiver:
            field = encode_endpoint(team, team=True)
            status, answer = await ask(receiver, field)
            refused = await ask(receiver, encode_endpoint(an_endpoint(), team=True))
    assert (status, answer["output"]["served_model"]) == (200, "team-model")
    check_confirmation(field, answer)
    assert (refused[0], refused[1]["error"]["code"]) == (400, "config_key_unknown")


async def test_the_key_is_held_for_the_call_alone(caplog: pytest.LogCaptureFixture) -> None:
    """After good and bad calls no session key is left, and no log line, at any level, has the key."""
    caplog.set_level(logging.DEBUG)
    async with Simulator(models=["own"]) as own, Simulator(api_key=PLANTED) as brought:
        good = encode_endpoint(brought.endpoint)
        before = set(keys._SESSION)
        dead = {**good, "base_url": "http://127.0.0.1:9/v1"}
        wrong = {**good, "auth": {"style": "bearer", "secret": f"{PLANTED}\n."}}
        async with Receiver(own.endpoint, policy=permitted(own, brought)) as receiver:
            answers = await asyncio.gather(*(ask(receiver, field) for field in (good, dead, wrong)))
        assert set(keys._SESSION) == before
    assert [status for status, _ in answers] == [200, 502, 400]
    gc.collect()
    assert PLANTED not in json.dumps(answers) + caplog.text


async def test_a_key_that_the_endpoint_echoes_is_not_handed_back() -> None:
    """Neither the key nor a secret header value of no known shape comes back in an answer."""
    async with Simulator(models=["own"]) as own, Echo("echo") as brought:
        endpoint = an_endpoint(
            base_url=brought.base_url,
            key=KeyRef.session("plain-looking-words"),
            headers={"x-team": KeyRef.session("other-looking-words")},
        )
        async with Receiver(own.endpoint, policy=permitted(own, brought)) as receiver:
            status, answer = await ask(receiver, encode_endpoint(endpoint))
    assert (status, answer["output"]["text"]) == (200, "you said [redacted] and [redacted]")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/agent", b"", 405),
        ("POST", "/v1/elsewhere", b"{}", 404),
        ("POST", "/v1/agent", b"{", 400),
        ("POST", "/v1/agent", b"[" * 100_000, 400),
        ("POST", "/v1/agent", b"[]", 400),
        ("POST", "/v1/agent", b'{"prompt": 1}', 400),
        ("POST", "/v1/agent", b'{"prompt": "a", "custom_model_endpoint": null}', 400),
    ],
)
async def test_requests_that_are_none_are_refused(method: str, path: str, body: bytes, status: int) -> None:
    """Whatever arrives is answered with a status and an error, never with a model."""
    async with Receiver(Endpoint(label="never asked")) as receiver:
        root = receiver.base_url.removesuffix("/v1")
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.request(method, root + path, content=body)
    assert answer.status_code == status
    assert answer.json()["output"] is None
    assert answer.json()["error"]["message"]
