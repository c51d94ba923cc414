"""Parameters: accepted with an effect, accepted and ignored, refused, or an error; a 5xx is never a refusal.

Values: `effect` (yes), `ignored` (partly), `refused` (no), `error` and `accepted` (unknown: an effect could not show).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from byok_bench.checks.capabilities.feature import Asks, Feature, Subject, judge_first_failure, make_capability
from byok_bench.checks.probes.bodies import build_question
from byok_bench.checks.probes.probe import ProbeRequest
from byok_bench.dialects.answer import AnswerReading
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_record import Capability

Verdict = Callable[[Subject, Sequence[Exchange]], Capability]
CEILING: Final = 16
"""The least that OpenAI's Responses takes as max_output_tokens:
https://platform.openai.com/docs/api-reference/responses/create."""
ONLY_CHAT: Final = ("chat",)
COLD: Final = build_question("Write the first sentence of a story.", max_tokens=32)
HOT: Final = {**COLD, "temperature": 1}
COUNTING: Final = build_question("Count from one to ten in words.", max_tokens=48)
ECHOES: Final = build_question("Repeat the word echo thirty times, with a blank between.", max_tokens=64)
LONG: Final = build_question("Count from 1 to 300 in words, without leaving out a number.")


def make_asker(*bodies: Mapping[str, Any]) -> Callable[[Subject], Asks]:
    """What asks these bodies, in order."""

    def ask_bodies(subject: Subject) -> Asks:
        for body in bodies:
            yield ProbeRequest(body=dict(body))

    return ask_bodies


def make_judge(decide: Callable[[Sequence[Exchange]], Capability]) -> Verdict:
    """What judges answers, once none of them failed."""

    def judge_parameter(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
        return judge_first_failure(exchanges[::-1]) or decide(exchanges)

    return judge_parameter


def report_effect(said: str, exchange: Exchange) -> Capability:
    """It did what it is for."""
    return make_capability("yes", said, exchange, "effect")


def report_ignored(said: str, exchange: Exchange) -> Capability:
    """It was taken, and did nothing."""
    return make_capability("partly", f"accepted, and ignored: {said}", exchange, "ignored")


def report_open(said: str, exchange: Exchange) -> Capability:
    """It was taken, and could not show whether it does anything."""
    return make_capability("unknown", f"accepted; {said}", exchange, "accepted")


def judge_temperature(exchanges: Sequence[Exchange]) -> Capability:
    """Cold answers are alike, hot ones are not."""
    _, again, hot, other = exchanges
    texts = [one.output.text for one in exchanges]
    if texts[0] != texts[1]:
        return report_open("answers at temperature 0 differ already", again)
    if {texts[2], texts[3]} == {texts[0]}:
        return report_ignored("answers at temperature 1 are those at 0", other)
    return report_effect("answers at temperature 0 are alike, those at 1 are not", hot)


def judge_narrowing(exchanges: Sequence[Exchange]) -> Capability:
    """Two hot answers differ, and no longer do once they are narrowed down."""
    hot, other, narrow, again = exchanges
    if hot.output.text == other.output.text:
        return report_open("answers do not vary without it, so it cannot show what it does", again)
    if narrow.output.text == again.output.text:
        return report_effect("answers that differ without it are alike with it", again)
    return report_ignored("answers differ as they do without it", again)


def ask_stop(subject: Subject) -> Asks:
    """To end before a word in the middle of what it said before."""
    answer = yield ProbeRequest(body=COUNTING)
    if word := find_middle_word(answer):
        yield ProbeRequest(body={**COUNTING, "stop": [word]})


def find_middle_word(answer: Exchange) -> str:
    """A word that comes once in an answer, not first; empty if there is none."""
    words = answer.output.text.split()
    once = [word for word in words[2:] if words.count(word) == 1 and answer.output.text.count(word) == 1]
    return once[0] if once else ""


def judge_stop(exchanges: Sequence[Exchange]) -> Capability:
    """The text ends before the word."""
    first, *rest = exchanges
    word = find_middle_word(first)
    if not rest:
        return report_open("the answer has no word that could end it", first)
    if word in rest[0].output.text:
        return report_ignored(f"the text goes past {word!r}", rest[0])
    return report_effect(f"the text ends before {word!r}", rest[0])


def judge_choices(exchanges: Sequence[Exchange]) -> Capability:
    """Two choices come."""
    (answer,) = exchanges
    came = len(answer.reading.choices) if isinstance(answer.reading, AnswerReading) else 0
    if came > 1:
        return report_effect(f"{came} choices came", answer)
    return report_ignored("one choice came where two were asked for", answer)


def judge_logprobs(exchanges: Sequence[Exchange]) -> Capability:
    """Probabilities come beside the text."""
    (answer,) = exchanges
    if has_logprobs(answer.reading.body.document):
        return report_effect("probabilities came beside the text", answer)
    return report_ignored("no probabilities came", answer)


def has_logprobs(value: Any) -> bool:
    """Whether a document holds a member `logprobs` with something in it."""
    if isinstance(value, dict):
        return any((name == "logprobs" and bool(one)) or has_logprobs(one) for name, one in value.items())
    return isinstance(value, list) and any(map(has_logprobs, value))


def judge_penalty(exchanges: Sequence[Exchange]) -> Capability:
    """An answer that repeats itself changes."""
    plain, fined = exchanges
    words = plain.output.text.split()
    if plain.output.text != fined.output.text:
        return report_effect("the answer is another one with it", fined)
    if len(words) - len(set(words)) < CEILING // 2:
        return report_open("the answer repeats nothing that could be fined", fined)
    return report_ignored("the answer repeats itself as it does without it", fined)


def judge_ceiling(exchanges: Sequence[Exchange]) -> Capability:
    """The answer is cut, and says so. A word is a token at least: more words than allowed prove that it is not cut."""
    (answer,) = exchanges
    usage = answer.output.usage
    tokens = (usage.completion_tokens if usage else None) or 0
    words = len(f"{answer.output.text} {answer.output.reasoning}".split())
    if max(tokens, words) > CEILING:
        return report_ignored(f"{max(tokens, words)} tokens came where {CEILING} were allowed", answer)
    if answer.output.finish_reason == "length":
        return report_effect(f"the answer was cut at {CEILING} tokens", answer)
    if tokens == CEILING:
        return report_effect(f"the answer ended at {CEILING} tokens, and does not say that it was cut", answer)
    return report_open(f"the answer ended by itself, after {tokens or words} tokens", answer)


def make_ceiling(member: str, schemas: tuple[str, ...], sent: str) -> Feature:
    """The feature of one of the members that bound an answer; `sent` is chat's word for it."""
    body = {name: value for name, value in LONG.items() if name != "max_tokens"} | {sent: CEILING}
    return Feature(
        name=f"params.{member}", about=f"does {member} cut the answer?",
        ask=make_asker(body), judge=make_judge(judge_ceiling), requests=1, tokens=60, schemas=schemas,
    )  # fmt: skip


def make_penalty(member: str) -> Feature:
    """The feature of one of the penalties."""
    return Feature(
        name=f"params.{member}", about=f"does {member} change an answer that repeats itself?",
        ask=make_asker(ECHOES, {**ECHOES, member: 2}), judge=make_judge(judge_penalty), requests=2, tokens=200,
        schemas=ONLY_CHAT,
    )  # fmt: skip


PARAMETER_FEATURES: Final = (
    Feature(
        name="params.temperature", about="does temperature change how answers vary?",
        ask=make_asker(COLD, COLD, HOT, HOT), judge=make_judge(judge_temperature), requests=4, tokens=240,
    ),
    Feature(
        name="params.top_p", about="does a small top_p make answers alike?",
        ask=make_asker(HOT, HOT, {**HOT, "top_p": 0.01}, {**HOT, "top_p": 0.01}),
        judge=make_judge(judge_narrowing), requests=4, tokens=240,
    ),
    Feature(
        name="params.seed", about="does a seed make answers alike?",
        ask=make_asker(HOT, HOT, {**HOT, "seed": 7}, {**HOT, "seed": 7}),
        judge=make_judge(judge_narrowing), requests=4, tokens=240, schemas=ONLY_CHAT,
    ),
    Feature(
        name="params.n", about="do two choices come if two are asked for?",
        ask=make_asker({**COUNTING, "n": 2, "max_tokens": 16}), judge=make_judge(judge_choices), requests=1, tokens=60,
        schemas=ONLY_CHAT,
    ),
    Feature(
        name="params.stop", about="does a stop sequence end the text?",
        ask=ask_stop, judge=make_judge(judge_stop), requests=2, tokens=150, schemas=("chat", "messages"),
    ),
    Feature(
        name="params.logprobs", about="do probabilities come beside the text?",
        ask=make_asker({**COUNTING, "max_tokens": 16, "logprobs": True, "top_logprobs": 2}),
        judge=make_judge(judge_logprobs), requests=1, tokens=60, schemas=("chat", "responses"),
    ),
    make_penalty("frequency_penalty"),
    make_penalty("presence_penalty"),
    make_ceiling("max_tokens", ("chat", "messages"), "max_tokens"),
    make_ceiling("max_completion_tokens", ONLY_CHAT, "max_completion_tokens"),
    make_ceiling("max_output_tokens", ("responses",), "max_tokens"),
)  # fmt: skip
