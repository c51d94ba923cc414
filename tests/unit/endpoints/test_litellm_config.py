"""LiteLLM configurations: what decides where prompts and keys go is read whole, or the entry is left out by its name.

The forms are those of LiteLLM's documentation and of public reports, in configurations of our own.
"""

from pathlib import Path
from typing import Any

import pytest
from support.books import PLANTED, written

from byok_bench.endpoints.importing import Imported, from_litellm
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.litellm_providers import load_providers
from byok_bench.wire.egress.verdicts import judge

AT_HOME = 'api_base: "http://127.0.0.1:9000/v1"'


def read(folder: Path, entry: str, rest: str = "") -> Imported:
    """What a configuration with one entry gives."""
    return from_litellm(written(folder, f"model_list:\n  - {entry}\n{rest}", "config.yaml"))


def params(text: str, more: str = "") -> str:
    """An entry called `chat` with these parameters."""
    return f"{{model_name: chat, litellm_params: {{{text}}}{more}}}"


FIELDS: dict[str, tuple[str, dict[str, Any]]] = {
    "a dummy for a key means none (vLLM's users)": (
        params(f"model: hosted_vllm/org/m, {AT_HOME}, api_key: not-needed"),
        {"key": KeyRef.none(), "base_url": "http://127.0.0.1:9000/v1"},
    ),
    "EMPTY for a key means none": (
        params(f"model: openai/m, {AT_HOME}, api_key: EMPTY"),
        {"key": KeyRef.none()},
    ),
    "the prefix responses/ is the route (freelabz/secator#1401)": (
        params(f"model: openai/responses/m, {AT_HOME}"),
        {"schema": "responses"},
    ),
    "the mode responses is the route, too": (
        params(f"model: openai/m, {AT_HOME}", ", model_info: {mode: responses}"),
        {"schema": "responses"},
    ),
    "an extra header comes over": (
        params(f"model: openai/m, {AT_HOME}, extra_headers: {{X-Title: Bench}}"),
        {"headers": {"X-Title": "Bench"}},
    ),
    "an extra header by variable comes over as a reference": (
        params(f"model: openai/m, {AT_HOME}, extra_headers: {{X-Team: os.environ/TEAM}}"),
        {"headers": {"X-Team": KeyRef.env("TEAM")}},
    ),
    "a header that carries the key is the key": (
        params(f"model: openai/m, {AT_HOME}, extra_headers: {{api-key: os.environ/APIM}}"),
        {"key": KeyRef.env("APIM"), "key_style": "api-key", "headers": {}},
    ),
    "an organization is a header": (
        params(f"model: openai/m, {AT_HOME}, organization: org-1"),
        {"headers": {"OpenAI-Organization": "org-1"}},
    ),
    "the provider is named beside the model": (
        params(f"model: org/m, custom_llm_provider: openai, {AT_HOME}"),
        {"base_url": "http://127.0.0.1:9000/v1"},
    ),
    "Azure's address holds the deployment, its version goes into the query": (
        params("model: azure/mine, api_base: 'https://h.example.com', api_version: 2026-02-01-preview"),
        {
            "base_url": "https://h.example.com/openai/deployments/mine",
            "query": {"api-version": "2026-02-01-preview"},
            "key_style": "api-key",
        },
    ),
    "a name without a provider is OpenAI's where LiteLLM's list says so": (
        params("model: gpt-4o-mini, api_key: os.environ/MINE"),
        {"base_url": "https://api.openai.com/v1", "key": KeyRef.env("MINE")},
    ),
    "a usual server is called with its usual key": (
        params("model: groq/some-model"),
        {"base_url": "https://api.groq.com/openai/v1", "key": KeyRef.env("GROQ_API_KEY")},
    ),
}


@pytest.mark.parametrize("name", FIELDS)
def test_what_an_entry_says_of_its_server_is_read(tmp_path: Path, name: str) -> None:
    """Address, route, key and headers are those that LiteLLM would use."""
    entry, wanted = FIELDS[name]
    [endpoint] = read(tmp_path, entry).endpoints
    assert {field: getattr(endpoint, field) for field in wanted} == wanted


MODELS = {
    "openai/m-1": "m-1",
    "openai/org/m-1": "org/m-1",
    "openai/responses/m-1": "m-1",
    "openrouter/vendor/m-1": "vendor/m-1",
    "openrouter/auto": "openrouter/auto",
    "gpt-4.1": "gpt-4.1",
    "o3": "o3",
}


@pytest.mark.parametrize(("given", "name"), MODELS.items())
def test_a_model_has_the_server_s_own_id(tmp_path: Path, given: str, name: str) -> None:
    """Prefixes are LiteLLM's; what is behind them is the server's."""
    [endpoint] = read(tmp_path, params(f"model: {given}")).endpoints
    assert [one.name for one in endpoint.models] == [name]


LEFT_OUT = {
    "another format": (params("model: bedrock/some-model"), "format of its own"),
    "a name that only LiteLLM's list knows": (params("model: some-model"), "names no provider"),
    "a name of no known provider at an own address": (
        params(f"model: org/m, {AT_HOME}"),
        "format of its own",
    ),
    "a server that is nowhere named": (params("model: hosted_vllm/m"), "HOSTED_VLLM_API_BASE is not set"),
    "Azure without a version": (
        params("model: azure/mine, api_base: 'https://h.example.com'"),
        "no api_version",
    ),
    "Azure with a token in place of a key": (
        params("model: azure/mine, api_base: 'https://h.example.com', api_version: v, azure_ad_token: os.environ/T"),
        "azure_ad_token",
    ),
    "a credential that is not listed": (
        params("model: openai/m, litellm_credential_name: gone"),
        "'gone' is not in credential_list",
    ),
    "a key written into a header": (
        params(f"model: openai/m, {AT_HOME}, extra_headers: {{X-Api-Key: {PLANTED}}}"),
        "holds a key written out",
    ),
    "an Authorization of its own": (
        params(f"model: openai/m, {AT_HOME}, extra_headers: {{Authorization: os.environ/WHOLE}}"),
        "carries a key",
    ),
    "two keys": (
        params(f"model: openai/m, {AT_HOME}, api_key: os.environ/A, extra_headers: {{api-key: os.environ/B}}"),
        "an api_key and a header",
    ),
    "an answer out of the file": (params("model: openai/m, mock_response: hello"), "mock_response"),
    "an embedding model": (params("model: openai/m", ", model_info: {mode: embedding}"), "no chat model"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_an_entry_whose_server_or_key_is_not_known_is_left_out_by_name(tmp_path: Path, name: str) -> None:
    """No endpoint is made of it, and the reason names entry and cause, without a key."""
    entry, reason = LEFT_OUT[name]
    found = read(tmp_path, entry)
    assert found.endpoints == ()
    assert found.notes[0].startswith("entry 1 (chat) was left out: ")
    assert reason in found.notes[0]
    assert PLANTED not in repr(found)


CREDENTIALS = """
credential_list:
  - credential_name: in-house
    credential_values: {api_base: "http://127.0.0.1:8000/v1", api_key: os.environ/IN_HOUSE_KEY}
"""


def test_address_and_key_come_from_the_credential_that_an_entry_names(tmp_path: Path) -> None:
    """Not from the provider's usual address and variable."""
    found = read(tmp_path, params("model: openai/m, litellm_credential_name: in-house"), CREDENTIALS)
    assert [(one.base_url, one.key) for one in found.endpoints] == [
        ("http://127.0.0.1:8000/v1", KeyRef.env("IN_HOUSE_KEY"))
    ]


def test_what_an_entry_says_itself_wins_over_its_credential(tmp_path: Path) -> None:
    """As in LiteLLM, which fills in only what is not there."""
    found = read(tmp_path, params(f"model: openai/m, {AT_HOME}, litellm_credential_name: in-house"), CREDENTIALS)
    assert found.endpoints[0].base_url == "http://127.0.0.1:9000/v1"


def test_a_wildcard_is_no_model(tmp_path: Path) -> None:
    """The endpoint is there and waits for models (BerriAI/litellm#8095)."""
    found = read(tmp_path, '{model_name: "openai/*", litellm_params: {model: openai/*, api_key: os.environ/MINE}}')
    [endpoint] = found.endpoints
    assert (endpoint.base_url, endpoint.key, endpoint.models) == (
        "https://api.openai.com/v1", KeyRef.env("MINE"), (),
    )  # fmt: skip
    assert "entry 1 (openai/*): it stands for every model" in found.notes[0]


def test_a_pattern_is_no_alias(tmp_path: Path) -> None:
    """`claude-*` routes requests in LiteLLM; it names nothing here."""
    [endpoint] = read(tmp_path, f'{{model_name: "claude-*", litellm_params: {{model: openai/m, {AT_HOME}}}}}').endpoints
    assert endpoint.models[0].alias is None


def test_the_usual_address_of_a_provider_may_be_in_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM reads it there, so the key would go there."""
    monkeypatch.setenv("OPENAI_API_BASE", "http://127.0.0.1:7000/v1")
    found = read(tmp_path, params("model: openai/m"))
    assert found.endpoints[0].base_url == "http://127.0.0.1:7000/v1"
    assert "its address is in OPENAI_API_BASE" in found.notes[0]


def test_variables_that_the_file_sets_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy sets them when it starts."""
    monkeypatch.setenv("WHERE", "http://127.0.0.1:1/v1")
    rest = f"environment_variables: {{WHERE: 'http://127.0.0.1:2/v1', MINE: {PLANTED}}}\n"
    found = read(tmp_path, params("model: openai/m, api_base: os.environ/WHERE, api_key: os.environ/MINE"), rest)
    assert found.endpoints[0].base_url == "http://127.0.0.1:2/v1"
    assert "MINE is written in the file's environment_variables" in found.notes[0]
    assert PLANTED not in repr(found)


def test_every_member_that_was_not_taken_over_is_listed(tmp_path: Path) -> None:
    """Of the entry, of its model_info, and of the file."""
    entry = params(
        f"model: openai/m, {AT_HOME}, api_key: none, rpm: 5, drop_params: true, api_version: v1",
        ", model_info: {id: x, max_input_tokens: 9}, access_groups: [a]",
    )
    found = read(tmp_path, entry, "litellm_settings: {drop_params: true}\ninclude: [other.yaml]\n")
    assert found.notes == (
        "`include` names other files: they were not read; import each of them",
        "not taken over from the file: litellm_settings",
        "entry 1 (chat): not taken over: api_version, which this provider's routes do not have",
        "entry 1 (chat): not taken over: rpm, drop_params, model_info.id, access_groups",
    )


def test_window_and_price_come_over(tmp_path: Path) -> None:
    """Tokens as they are, prices for a million of them."""
    info = ", model_info: {max_input_tokens: 32000, input_cost_per_token: 0.00000015}"
    [endpoint] = read(tmp_path, params(f"model: openai/m, {AT_HOME}, output_cost_per_token: 6e-07", info)).endpoints
    [model] = endpoint.models
    assert model.price is not None
    assert (model.context_window_tokens, model.price.input, model.price.output) == (32000, 0.15, 0.6)


def test_a_second_name_of_a_model_is_said(tmp_path: Path) -> None:
    """Two entries of one server and model make one model; the second name is not lost in silence."""
    text = f"model_list:\n  - {params(f'model: openai/m, {AT_HOME}, api_key: none')}\n"
    text += f"  - {{model_name: other, litellm_params: {{model: openai/m, {AT_HOME}, api_key: none}}}}\n"
    found = from_litellm(written(tmp_path, text, "config.yaml"))
    assert [one.alias for one in found.endpoints[0].models] == ["chat"]
    assert found.notes == ("entry 2 (other): its model is listed already, so this name was not taken over",)


def test_every_known_provider_has_an_address_that_may_be_called_and_a_source() -> None:
    """Or none at all, and then a variable that names it."""
    for one in load_providers().values():
        assert one.source.startswith("https://docs.litellm.ai/")
        assert one.base_url or one.base_env
        if one.base_url:
            assert judge(one.base_url, "local", resolver=lambda _: ["8.8.8.8"]).action == "allow"
