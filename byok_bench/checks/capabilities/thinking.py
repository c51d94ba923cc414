"""Reasoning: where it comes, whether effort changes it, and whether a second turn must or must not echo it."""

from collections.abc import Sequence
from typing import Any, Final

from byok_bench.checks.capabilities.feature import (
    Asks,
    Feature,
    Subject,
    judge_failure,
    judge_first_failure,
    make_capability,
)
from byok_bench.checks.probes.bodies import build_question, make_echo
from byok_bench.checks.probes.probe import ProbeRequest
from byok_bench.dialects.chat.deltas import REASONING_FIELDS
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_record import Capability
from byok_bench.wire.bodies import bounded_json

QUESTION: Final = "Is 91 a prime number? Answer in one sentence."
BUDGET: Final = 400
TAGS: Final = ("<think>", "<thinking>", "<reasoning>")
ELSEWHERE: Final = {"responses": "reasoning items", "messages": "thinking blocks"}
"""Where the typed dialects have it."""
MORE: Final = 1.2
"""High effort thinks by so much longer than low, at least."""


def build_thought(**fields: Any) -> dict[str, Any]:
    """A question worth a thought."""
    return build_question(QUESTION, max_tokens=BUDGET, **fields)


def ask_thought(subject: Subject) -> Asks:
    """As a client does that says nothing of reasoning; then with an effort, if none came."""
    answer = yield ProbeRequest(body=build_thought(stream=True))
    level = "medium" if "medium" in subject.efforts else subject.efforts[-1]
    if answer.error is None and not has_reasoning(answer) and level != "none":
        yield ProbeRequest(body=build_thought(stream=True, reasoning_effort=level))


def judge_thought(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """Reasoning that comes, and in which member."""
    thinking = next((one for one in exchanges if one.error is None and has_reasoning(one)), None)
    if thinking is None:
        failed = judge_failure(exchanges[0])
        return failed or make_capability("no", "no answer held reasoning", exchanges[-1])
    asked = "" if thinking is exchanges[0] else ", once it was asked for"
    place = find_reasoning_place(thinking)
    if thinking.output.reasoning:
        return make_capability("yes", f"reasoning comes in {place}{asked}", thinking, place)
    return make_capability("partly", f"reasoning comes between tags in the text{asked}", thinking, place)


def has_reasoning(answer: Exchange) -> bool:
    """Whether an answer holds reasoning, be it between tags in its text."""
    return bool(answer.output.reasoning) or answer.output.text.lstrip().startswith(TAGS)


def find_reasoning_place(answer: Exchange) -> str:
    """The member that reasoning came in, or `tags in the text`."""
    if not answer.output.reasoning:
        return "tags in the text"
    if answer.schema in ELSEWHERE:
        return ELSEWHERE[answer.schema]
    documents = [bounded_json.decode_json(one.data) for one in answer.events] or [answer.reading.body.document]
    names = [name for one in documents for name in REASONING_FIELDS if _has_member(one, name)]
    return names[0] if names else "reasoning_details"


def _has_member(document: Any, name: str) -> bool:
    choices = document.get("choices") if isinstance(document, dict) else None
    said = [
        one.get("delta") or one.get("message")
        for one in (choices if isinstance(choices, list) else ())
        if isinstance(one, dict)
    ]
    return any(isinstance(one, dict) and isinstance(one.get(name), str) and one[name] for one in said)


def ask_efforts(subject: Subject) -> Asks:
    """Little, then much: low and high, or the least and the most that the model has."""
    for effort in choose_efforts(subject):
        yield ProbeRequest(body=build_thought(**({} if effort is None else {"reasoning_effort": effort})))


def choose_efforts(subject: Subject) -> tuple[str | None, str | None]:
    """Two levels to compare; None: no effort is asked for, since the model has one level alone.

    One that turns reasoning off is taken only where there are not two others.
    """
    levels: list[str | None] = [level for level in subject.efforts if level != "none"]
    levels = levels if len(levels) > 1 else list(subject.efforts)
    if levels == ["none"]:
        return "none", None
    return (levels[0] if len(levels) > 1 else None), levels[-1]


def judge_efforts(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """High effort thinks longer than low."""
    if refused := judge_first_failure(exchanges):
        return refused
    low, high = (count_reasoning(one) for one in exchanges)
    if not low and not high:
        return make_capability("no", "accepted, and no reasoning came for it to change", exchanges[-1], "ignored")
    less, more = (level or "no effort asked for" for level in choose_efforts(subject))
    said = f"reasoning of {low} tokens or characters with {less}, {high} with {more}"
    if high > low * MORE:
        return make_capability("yes", said, exchanges[-1], "effect")
    return make_capability("partly", f"accepted, no effect seen: {said}", exchanges[-1], "ignored")


def count_reasoning(answer: Exchange) -> int:
    """Tokens of reasoning if the server counts them, else characters, be they between tags in the text."""
    usage, output = answer.output.usage, answer.output
    tag = next((one for one in TAGS if output.text.lstrip().startswith(one)), None)
    tagged = output.text.partition(f"</{tag[1:]}")[0].lstrip().removeprefix(tag) if tag else ""
    return (usage.reasoning_tokens if usage else None) or len(output.reasoning) or len(tagged)


def ask_echo(subject: Subject) -> Asks:
    """A second turn that echoes the reasoning of the first, and one that does not; foreign reasoning if it had none."""
    first = build_thought()
    answer = yield ProbeRequest(body=first)
    if answer.error is not None:
        return
    own = answer.output.reasoning
    more = {"role": "user", "content": "And 97?"}
    plain = {**make_echo(answer.output), "content": answer.output.text or "No."}
    echoed = {**plain, find_echoed_member(answer): own or "91 = 7 * 13."}
    for message in (echoed, plain)[: 2 if own else 1]:
        yield ProbeRequest(body={**first, "messages": [*first["messages"], message, more]})


def find_echoed_member(answer: Exchange) -> str:
    """The member in which reasoning goes back: the one that it came in, else the one that most servers know."""
    place = find_reasoning_place(answer)
    return place if place in REASONING_FIELDS else "reasoning_content"


def judge_echo(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """required, accepted or refused; unknown where a turn failed for another reason."""
    first, *turns = exchanges
    if not turns:
        return judge_failure(first) or make_capability("unknown", "there was no first answer", first)
    member = find_echoed_member(first)
    shown = [judge_failure(one) for one in turns]
    if failed := next((one for one in shown if one and one.value == "error"), None):
        return failed
    if shown[0] is not None:
        return make_capability("no", f"{member} in the history is {shown[0].evidence}", turns[0], "refused")
    if len(shown) == 2 and shown[1] is not None:
        said = f"a turn without its {member} is {shown[1].evidence}"
        return make_capability("yes", said, turns[1], "required")
    own = "" if len(shown) == 2 else "; it had none of its own"
    return make_capability("yes", f"{member} in the history is accepted{own}", turns[0], "accepted")


THINKING_FEATURES: Final = (
    Feature(
        name="reasoning.output",
        about="does reasoning come, and where?",
        ask=ask_thought, judge=judge_thought, requests=2, tokens=900,
    ),
    Feature(
        name="reasoning.effort",
        about="does more effort make more reasoning?",
        ask=ask_efforts, judge=judge_efforts, requests=2, tokens=900,
    ),
    Feature(
        name="reasoning.echo",
        about="must reasoning of an earlier turn be sent back, may it, or must it not?",
        ask=ask_echo, judge=judge_echo, requests=3, tokens=1400, schemas=("chat",),
    ),
)  # fmt: skip
