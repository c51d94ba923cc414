"""Remedies: what servers say when they refuse a member, and what of the model mends it."""

import pytest

from byok_bench.checks.remedies import find_remedy, load_lines, render_command
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.text_fields import TEXT_FIELDS

SAID = {
    "OpenAI names another member": (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        ("rename", "max_tokens:max_completion_tokens"),
    ),
    "OpenAI refuses a value": (
        "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
        ("drop", "temperature"),
    ),
    "OpenAI refuses a parameter": (
        "Unsupported parameter: 'presence_penalty' is not supported with this model.", ("drop", "presence_penalty"),
    ),
    "OpenAI knows no such parameter": ("Unknown parameter: 'top_k'.", ("drop", "top_k")),
    "OpenAI knows no such argument": (
        "Unrecognized request argument supplied: reasoning_effort", ("drop", "reasoning_effort"),
    ),
    "pydantic, as Mistral sends it": (
        '{"detail":[{"type":"extra_forbidden","loc":["body","metadata"],"msg":"Extra inputs are not permitted"}]}',
        ("drop", "metadata"),
    ),
    "pydantic, as Python prints it": (
        "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are …'}]",
        ("drop", "max_completion_tokens"),
    ),
    "pydantic, read as loc and msg": ("body.seed: Extra inputs are not permitted", ("drop", "seed")),
    "pydantic of the first version": ("seed: extra fields not permitted", ("drop", "seed")),
    "Anthropic refuses a member": ("top_logprobs: Extra inputs are not permitted", ("drop", "top_logprobs")),
    "Anthropic has given one up": ("`temperature` is deprecated for this model.", ("drop", "temperature")),
    "Anthropic thinks": (
        "`temperature` may only be set to 1 when thinking is enabled. Please consult …", ("drop", "temperature"),
    ),
    "Gemini, several at once": (
        'Invalid JSON payload received. Unknown name "seed": Cannot find field.\n'
        'Invalid JSON payload received. Unknown name "top_k": Cannot find field.',
        ("drop", "seed, top_k"),
    ),
    "xAI, in its own letters": ("Argument not supported on this model: presencePenalty", ("drop", "presence_penalty")),
    "xAI, newer": ("Model grok-x does not support parameter logitBias.", ("drop", "logit_bias")),
    "LiteLLM": (
        "litellm.UnsupportedParamsError: openai does not support parameters: ['seed'], for model=m", ("drop", "seed"),
    ),
    "LiteLLM, of a value": (
        "litellm.UnsupportedParamsError: gpt-5 models don't support temperature=0. Only temperature=1 is supported.",
        ("drop", "temperature"),
    ),
    "Groq": ("property 'seed' is unsupported", ("drop", "seed")),
    "DeepSeek wants its reasoning back": (
        "The `reasoning_content` in the thinking mode must be passed back to the API.", ("echo_reasoning", "required"),
    ),
    "Kimi wants its reasoning back": (
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2",
        ("echo_reasoning", "required"),
    ),
    "another of Groq's": (
        "messages[3].reasoning: reasoning is not supported with this model", ("echo_reasoning", "refused"),
    ),
    "a proxy of Anthropic": ("temperature is not supported when thinking is enabled", ("drop", "temperature")),
    "Groq takes none": (
        "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property "
        "'reasoning_content' is unsupported)]",
        ("echo_reasoning", "refused"),
    ),
    "Cerebras takes none": (
        "messages.2.assistant.reasoning_content: property 'messages.2.assistant.reasoning_content' is unsupported",
        ("echo_reasoning", "refused"),
    ),
    "Mistral takes none": (
        '{"type":"extra_forbidden","loc":["body","messages",3,"assistant","reasoning_content"],"msg":"Extra inputs"}',
        ("echo_reasoning", "refused"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_the_words_of_a_refusal_name_what_to_set(name: str) -> None:
    """The field and its text; and setting it is what the form would take."""
    message, (field, value) = SAID[name]
    remedy = find_remedy(message, Model("m"))
    assert remedy is not None
    assert (remedy.field, remedy.value) == (field, value)
    endpoint = Endpoint(label="e", models=[Model("m")])
    assert TEXT_FIELDS[field].show(TEXT_FIELDS[field].read(endpoint, value)) == value


NOTHING = (
    "Unsupported parameter: 'tools' is not supported with this model.",
    "Unknown parameter: 'messages[0].foo'.",
    "Unrecognized request argument supplied: stream",
    "messages.1.content.0.thinking.cache_control: Extra inputs are not permitted",
    "The model `m` does not exist",
    "Invalid value for temperature: must be at most 2",
    "",
)


@pytest.mark.parametrize("message", NOTHING)
def test_what_would_change_the_question_has_no_remedy(message: str) -> None:
    """A scenario without its tools measures something else; and other errors are none of this."""
    assert find_remedy(message, Model("m")) is None


def test_a_member_that_was_not_sent_was_not_refused() -> None:
    """A server may name one in passing."""
    assert find_remedy("Unknown parameter: 'seed'.", Model("m"), {"model": "m", "messages": []}) is None
    assert find_remedy("Unknown parameter: 'seed'.", Model("m"), {"model": "m", "seed": 1}) is not None
    nested = {"stream_options": {"include_usage": True}}
    assert find_remedy("Unknown parameter: 'stream_options.include_usage'.", Model("m"), nested) is not None


def test_what_was_set_before_stays_set() -> None:
    """The text is the whole field."""
    model = Model("m", drop=["seed"], rename={"a": "b"})
    dropped = find_remedy("Unknown parameter: 'temperature'.", model)
    assert dropped is not None
    assert dropped.value == "seed, temperature"
    renamed = find_remedy(SAID["OpenAI names another member"][0], model)
    assert renamed is not None
    assert renamed.value == "a:b, max_tokens:max_completion_tokens"
    undone = find_remedy("Unknown parameter: 'b'.", model)
    assert undone is not None
    assert (undone.field, undone.value) == ("rename", "")


def test_the_command_names_endpoint_and_model() -> None:
    """It can be pasted as it stands."""
    endpoint = Endpoint(label="My gateway", models=[Model("m"), Model("n")])
    commands = [
        render_command(remedy, endpoint)
        for name in ("m", "n")
        if (remedy := find_remedy("Unknown parameter: 'seed'.", Model(name)))
    ]
    assert commands == [
        "byok-bench endpoints edit 'My gateway' --set drop=seed",
        "byok-bench endpoints edit 'My gateway' --set drop@n=seed",
    ]


def test_every_line_of_words_has_a_source_and_is_tried() -> None:
    """Words that no case speaks may be wrong."""
    tried = {
        next(line.pattern for pattern, line in load_lines() if pattern.search(message)) for message, _ in SAID.values()
    }
    lines = [line for _, line in load_lines()]
    assert all(line.source for line in lines)
    assert {line.pattern for line in lines} - tried == set()
