"""What one model of an endpoint changes in its requests: entered, kept, and seen on the wire."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from support.hostile import hostile
from unit.endpoints.test_send import ASK, KEY, Witness, endpoint

from byok_bench.dialects.output import Usage
from byok_bench.endpoints.book_edits import as_toml
from byok_bench.endpoints.book_format import parse_book
from byok_bench.endpoints.efforts import find_effort_members, load_effort_shapes
from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model, Price
from byok_bench.endpoints.model_requests import change_body
from byok_bench.endpoints.model_text_fields import read_model_field
from byok_bench.endpoints.prices import compute_cost
from byok_bench.endpoints.send import send
from byok_bench.endpoints.text_fields import TEXT_FIELDS
from byok_bench.errors import EndpointError
from byok_bench.wire.limits import Timeouts

BODY = {"model": "m", "max_tokens": 9, "temperature": 0, "stream_options": {"include_usage": True, "x": 1}}
ALTERED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, BODY),
    "a member is dropped": ({"drop": ["temperature"]}, {k: v for k, v in BODY.items() if k != "temperature"}),
    "a member of a member is dropped": (
        {"drop": ["stream_options.x"]}, {**BODY, "stream_options": {"include_usage": True}},
    ),
    "a member that is not there is dropped": ({"drop": ["seed", "temperature.x", "a.b"]}, BODY),
    "a member is renamed in its place": (
        {"rename": {"max_tokens": "max_completion_tokens"}},
        {"model": "m", "max_completion_tokens": 9, "temperature": 0, "stream_options": BODY["stream_options"]},
    ),
    "a member that is there under the new name stays": (
        {"rename": {"max_tokens": "temperature"}}, {k: v for k, v in BODY.items() if k != "max_tokens"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ALTERED)
def test_a_body_is_altered_as_the_model_says(name: str) -> None:
    """Dropped members are gone, renamed ones keep value and place."""
    fields, wanted = ALTERED[name]
    altered = change_body(BODY, Model("m", **fields))
    assert json.dumps(altered) == json.dumps(wanted)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a request without messages": ({"drop": ["messages"]}, "drop: without messages there is no request"),
    "a dropped text with a space": ({"drop": ["max tokens"]}, "drop: 'max tokens' is no name"),
    "a dropped member of nothing": ({"drop": ["a..b"]}, "drop: 'a..b' is no name"),
    "a renamed model": ({"rename": {"model": "m"}}, "rename: without model"),
    "a member renamed to itself": ({"rename": {"a": "a"}}, "rename of a"),
    "a circle": ({"rename": {"a": "b", "b": "c"}}, "rename of a leads to b"),
    "two for one": ({"rename": {"a": "c", "b": "c"}}, "two members are renamed"),
    "dropped and renamed": ({"drop": ["a"], "rename": {"a": "b"}}, "both dropped and renamed"),
    "a renamed part": ({"rename": {"a.b": "c"}}, "only whole members"),
    "no answer": ({"max_output_tokens": 0}, "max_output_tokens must be a whole number of tokens"),
    "half an answer": ({"max_output_tokens": 1.5}, "max_output_tokens must be a whole number of tokens"),
    "a number in place of a member": ({"drop": [5]}, "drop: 5 is no name"),
    "a list in place of a body": ({"body": [1]}, "body must be a table"),
    "a word in place of members": ({"effort": {"low": "think"}}, "effort.low must be a table"),
    "a number as a header": ({"headers": {"x-n": 5}}, "header x-n must be text, or a reference"),
    "a number as a price": ({"price": 5}, "price must be bb.Price"),
    "an unknown dialect": ({"schema": "soap"}, "schema must be one of chat"),
    "an unknown rule": ({"echo_reasoning": "sometimes"}, "echo_reasoning must be one of unknown, required"),
    "a key in a header": ({"headers": {"x-thing": KEY}}, "header x-thing holds a key"),
    "a key's header without the key": ({"headers": {"Authorization": "x"}}, "header Authorization carries a key"),
    "another template": ({"headers": {"X-A": "${KEY}"}}, "${key} stands for the endpoint's key"),
    "a key in the body": ({"body": {"who": KEY}}, "body.who holds a key"),
    "a key in an effort": ({"effort": {"low": {"who": KEY}}}, "effort.low.who holds a key"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_field_that_cannot_be_is_refused_in_a_line(name: str) -> None:
    """Whoever entered it is told which member, and why; a key is not shown."""
    fields, says = WRONG[name]
    with pytest.raises(EndpointError) as caught:
        Model("m", **fields)
    assert says in str(caught.value)
    assert KEY not in str(caught.value)


WRONG_RECORD: dict[str, tuple[dict[str, Any], str]] = {
    "the key itself": ({"key": KEY}, "key must be where the key is found"),
    "names in place of models": ({"models": ["m"]}, "models must be a list of bb.Model"),
    "one name": ({"models": "m"}, "models must be a list of bb.Model"),
    "no label": ({"label": None}, "label must be text"),
    "a list as headers": ({"headers": [KEY]}, "headers must be a table"),
    "seconds": ({"timeouts": 5}, "timeouts must be bb.Timeouts"),
    "a number among hosts": ({"no_proxy": ["h", 5]}, "no_proxy must be a list of hosts"),
}


@pytest.mark.parametrize("name", WRONG_RECORD)
def test_a_record_of_another_type_is_refused_in_a_line(name: str) -> None:
    """Whoever writes one in Python is told the field and what belongs there; what was given is not shown."""
    fields, says = WRONG_RECORD[name]
    with pytest.raises(EndpointError) as caught:
        Endpoint(**({"label": "e", "base_url": "https://h.example/v1"} | fields))
    assert says in str(caught.value)
    assert KEY not in str(caught.value)


WRONG_PARTS: dict[str, Callable[[], object]] = {
    "a number as a variable": lambda: KeyRef.env(5),  # type: ignore[arg-type]
    "nothing as a written reference": lambda: KeyRef.parse(None),  # type: ignore[arg-type]
    "bytes as a key of the session": lambda: KeyRef.session(KEY.encode()),  # type: ignore[arg-type]
    "a reference of no kind": lambda: KeyRef(kind=KEY),  # type: ignore[arg-type]
    "a path as a number": lambda: Tls(ca_file=5),  # type: ignore[arg-type]
    "a word in place of a choice": lambda: Tls(verify="no"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", WRONG_PARTS)
def test_a_part_of_a_record_of_another_type_is_refused_where_it_is_made(name: str) -> None:
    """Not as late as a request, and not with an error of Python's own."""
    with pytest.raises(EndpointError) as caught:
        WRONG_PARTS[name]()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("seconds", ["5", True, None, float("nan")])
def test_a_timeout_is_a_number(seconds: Any) -> None:
    """A text or a yes is none."""
    with pytest.raises(ValueError, match="timeout total must be"):
        Timeouts(total=seconds)


def test_one_member_or_host_may_stand_without_a_list() -> None:
    """A text is one member, not its letters; hosts have commas between them, as in NO_PROXY."""
    assert Model("m", drop="temperature").drop == ("temperature",)
    assert endpoint("https://h.example/v1", no_proxy="localhost, .corp").no_proxy == ("localhost", ".corp")


async def test_what_a_model_adds_and_takes_is_on_the_wire_and_in_the_record() -> None:
    """Dialect, headers, members: of the model that is asked, and of no other."""
    own = Model(
        "m-2",
        schema="responses",
        headers={"x-team": "two", "X-Own": "own"},
        body={"top_k": 3},
        drop=["temperature"],
        rename={"max_tokens": "max_completion_tokens"},
    )
    async with hostile(witness := Witness()) as server:
        two = endpoint(server.base_url, models=[Model("m-1"), own], headers={"X-Team": "one"}, body={"seed": 1})
        await send(two, {**ASK, "temperature": 0, "max_tokens": 5}, model="m-1")
        first, first_line = witness.body, witness.line
        fields = dict(witness.fields)
        exchange = await send(two, {**ASK, "temperature": 0, "max_tokens": 5}, model="m-2")
    assert first_line == "POST /v1/chat/completions HTTP/1.1"
    assert first | {"messages": 0} == {
        "seed": 1, "stream": True, "temperature": 0, "max_tokens": 5, "model": "m-1", "messages": 0,
    }  # fmt: skip
    assert fields["x-team"] == "one"
    assert "x-own" not in fields
    assert witness.line == "POST /v1/responses HTTP/1.1"
    assert (dict(witness.fields)["x-team"], dict(witness.fields)["x-own"]) == ("two", "own")
    assert witness.body["max_completion_tokens"] == 5
    assert not {"temperature", "max_tokens"} & witness.body.keys()
    assert (witness.body["seed"], witness.body["top_k"]) == (1, 3)
    assert exchange.request.body == witness.body
    assert exchange.schema == "responses"


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"X-Gateway": "Key ${key}!"}, {"x-gateway": f"Key {KEY}!", "authorization": f"Bearer {KEY}"}),
        ({"Authorization": "Token ${key}"}, {"authorization": f"Token {KEY}"}),
        ({"X-Two": "${key}/${key}"}, {"x-two": f"{KEY}/{KEY}"}),
    ],
)
async def test_the_key_is_put_into_a_header_and_nowhere_else(headers: dict[str, str], wanted: dict[str, str]) -> None:
    """It goes out where it is marked; the record shows neither it nor what stood around it."""
    async with hostile(witness := Witness()) as server:
        exchange = await send(endpoint(server.base_url, key=KeyRef.session(KEY), headers=headers), ASK)
    assert wanted.items() <= dict(witness.fields).items()
    assert len([name for name, _ in witness.fields if name == "authorization"]) == 1
    recorded = dict(exchange.raw.request.headers)
    assert {recorded[name] for name in wanted} == {"[redacted]"}
    assert KEY not in json.dumps(exchange.to_json())


def test_an_endpoint_whose_header_wants_a_key_waits_for_one() -> None:
    """`${key}` never goes out as it stands."""
    waiting = endpoint("https://h.example/v1", headers={"X-A": "${key}"})
    assert waiting.list_missing_fields() == ("key",)
    of_model = endpoint("https://h.example/v1", models=[Model("m", headers={"X-A": "${key}"})])
    assert "key" in of_model.list_missing_fields()


EVERYTHING = Endpoint(
    label="e",
    base_url="https://llm.example.com/v1",
    key=KeyRef.env("A_KEY"),
    proxy="http://127.0.0.1:3128",
    no_proxy=["localhost", "*.example.org"],
    retention="30 days",
    headers={"Authorization": "Token ${key}"},
    models=[
        Model(
            "m",
            max_output_tokens=100,
            schema="messages",
            effort={"low": {"reasoning_effort": "low"}, "none": {}},
            echo_reasoning="required",
            echo_evidence="turn 2: refused without it",
            drop=["seed", "stream_options.x"],
            rename={"max_tokens": "max_completion_tokens"},
            headers={"X-Team": KeyRef.env("TEAM"), "X-B": "b ${key}"},
            body={"provider": {}, "top_k": 3},
            price=Price(input=1, output=2, cached_input=0.5, reasoning=3, currency="EUR"),
        ),
        Model("n", rename={"a": "b"}),
    ],
)


def test_the_book_holds_every_field_of_a_model() -> None:
    """What is written is what is read."""
    text = f"version = 1\n{as_toml(EVERYTHING)}"
    assert parse_book(text, "here")[1] == [EVERYTHING]


BROKEN = {
    "a dropped question": ('drop = ["messages"]', "models[0].drop"),
    "renames that are no table": ('rename = ["a:b"]', "models[0].rename"),
    "a count that is none": ("max_output_tokens = 0", "models[0].max_output_tokens"),
    "a header that is no text": ("headers.x-a = 3", "models[0].headers.x-a"),
    "an unknown rule": ('echo_reasoning = "no"', "models[0].echo_reasoning"),
    "a price that is none": ("price.cached_input = -1", "price"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_field_is_named_in_the_book(name: str) -> None:
    """By line and field, whatever is wrong with it."""
    line, field = BROKEN[name]
    text = f'version = 1\n[[endpoint]]\nlabel = "a"\n[[endpoint.models]]\nname = "m"\n{line}\n'
    with pytest.raises(Exception, match="here, line") as caught:
        parse_book(text, "here")
    assert f"field {field}" in str(caught.value)


TYPED = {
    "max_output_tokens": ("16_384", 16384, "16384"),
    "effort": ("reasoning_effort: low, high", {
        "low": {"reasoning_effort": "low"}, "high": {"reasoning_effort": "high"},
    }, "reasoning_effort: low, high"),
    "echo_reasoning": ("refused", "refused", "refused"),
    "drop": (" temperature,seed ", ("temperature", "seed"), "temperature, seed"),
    "rename": ("max_tokens : max_completion_tokens,a:b", {
        "max_tokens": "max_completion_tokens", "a": "b",
    }, "max_tokens:max_completion_tokens, a:b"),
    "model_schema": ("messages", "messages", "messages"),
    "model_headers": ("X-A: b\nX-B: env:TEAM", {"X-A": "b", "X-B": KeyRef.env("TEAM")}, "X-A: b\nX-B: env:TEAM"),
    "model_body": ('{"top_k": 3}', {"top_k": 3}, '{"top_k": 3}'),
    "price": ("1 / 2 / 0.5 EUR", Price(input=1, output=2, cached_input=0.5, currency="EUR"), "1 / 2 / 0.5 EUR"),
}  # fmt: skip
FIELDS = {"model_schema": "schema", "model_headers": "headers", "model_body": "body"}


@pytest.mark.parametrize("name", TYPED)
def test_a_typed_field_is_read_shown_and_taken_out(name: str) -> None:
    """The form and `--set` take the same text; an empty one is the field as it was before."""
    typed, value, shown = TYPED[name]
    before = endpoint("https://h.example/v1")
    after = TEXT_FIELDS[name].read(before, typed)
    assert getattr(after.models[0], FIELDS.get(name, name)) == value
    assert TEXT_FIELDS[name].show(after) == shown
    assert TEXT_FIELDS[name].read(after, "").models == before.models


def test_a_field_of_another_model_than_the_first_is_set_by_its_name() -> None:
    """`--set rename@n=…`: the order of the models stays."""
    before = endpoint("https://h.example/v1", models=[Model("m"), Model("n", alias="second"), Model("o")])
    after = read_model_field(before, "drop", "seed", "second")
    assert [(one.name, one.drop) for one in after.models] == [("m", ()), ("n", ("seed",)), ("o", ())]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("reasoning_efort", "did you mean reasoning_effort?"),
        ("reasoning_effort: lowest", "has no level 'lowest'; it has none, minimal, low"),
        ("{1}", "no JSON object of levels"),
        ('{"low": "low"}', "no JSON object of levels"),
    ],
)
def test_an_effort_that_is_none_is_refused(typed: str, says: str) -> None:
    """With the nearest name, and how it is written."""
    with pytest.raises(EndpointError) as caught:
        TEXT_FIELDS["effort"].read(endpoint("https://h.example/v1"), typed)
    assert says in str(caught.value)


def test_every_shape_of_effort_has_a_source_and_every_dialect_one_usual_shape() -> None:
    """A level can be asked for in three dialects without any setting."""
    shapes = load_effort_shapes().values()
    assert all(one.source.startswith("https://") and one.levels for one in shapes)
    for schema in ("chat", "responses", "messages"):
        assert sum(schema in one.schemas for one in shapes) == 1
        assert find_effort_members({}, schema, "low")
    assert find_effort_members({}, "chat", "lowest") is None
    assert find_effort_members({"low": {"think": 1}}, "chat", "high") is None


@pytest.mark.parametrize(
    ("price", "cost"),
    [
        (Price(input=1, output=10), 100 * 1 + 50 * 10),
        (Price(input=1, output=10, cached_input=0.5), 60 * 1 + 40 * 0.5 + 50 * 10),
        (Price(input=1, output=10, reasoning=2), 100 * 1 + 20 * 10 + 30 * 2),
        (Price(input=1), 100),
    ],
)
def test_cached_and_reasoning_tokens_cost_what_their_price_says(price: Price, cost: float) -> None:
    """And what the whole costs where they have no price of their own."""
    usage = Usage(prompt_tokens=100, completion_tokens=50, cached_tokens=40, reasoning_tokens=30)
    assert compute_cost(price, usage) == pytest.approx(cost / 1e6)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("", "unknown"), ("None", "none"), ("30", "30 days"), ("1d", "1 day"), ("0 days", "none"), ("kept", "kept")],
)
def test_a_retention_is_kept_in_one_form(typed: str, kept: str) -> None:
    """What is stated of it can be compared."""
    assert endpoint("https://h.example/v1", retention=typed).retention == kept


def test_a_retention_that_says_nothing_is_refused() -> None:
    """With what may be written."""
    with pytest.raises(EndpointError, match="unknown, none, kept"):
        replace(EVERYTHING, retention="a while")
