"""What features make of good, bad and useless answers, and what two records say of each other."""

import json
import re
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from support.probe_cases import answer_of

from byok_bench.checks.capabilities.catalogue import FEATURES, list_features
from byok_bench.checks.capabilities.fallback import compare_records
from byok_bench.checks.capabilities.feature import Subject
from byok_bench.checks.capabilities.images import draw_word
from byok_bench.checks.capabilities.windows import choose_words, judge_window, read_search
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model import SCHEMAS
from byok_bench.endpoints.model_record import Capability, ModelRecord, ModelTraits
from byok_bench.errors import EndpointError

CASES = json.loads((Path(__file__).parents[2] / "cases/capabilities.json").read_text())
SUBJECT = Subject(model="m", schema="chat", window_budget=20_000)
BY_NAME = {one.name: one for one in FEATURES}


@pytest.mark.parametrize("case", [pytest.param(one, id=f"{one['feature']}: {one['name']}") for one in CASES])
def test_a_state_is_what_the_answers_show(case: dict[str, Any]) -> None:
    """A refusal is a no, a 5xx is none, and what proves nothing is unknown."""
    found = BY_NAME[case["feature"]].judge(SUBJECT, [answer_of(one) for one in case["answers"]])
    assert (found.state, found.value) == (case["state"], case.get("value")), found.evidence
    assert found.exchange_id


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("feature", FEATURES, ids=lambda one: one.name)
def test_a_feature_asks_no_more_than_it_says(feature: Any, schema: str) -> None:
    """The expense that is told before is the most that can come."""
    asks = feature.ask(replace(SUBJECT, schema=schema))
    sent = 0
    try:
        wanted = next(asks)
        while sent < 100:
            sent += 1
            said = {"text": "one two three four", "finish": "stop", "usage": [len(str(wanted.body)) // 5, 2]}
            wanted = asks.send(answer_of({**said, "request": wanted.body}))
    except StopIteration:
        pass
    assert sent <= feature.requests


EFFORTS = {
    ("low", "medium", "high"): ("low", "high"),
    ("none", "low", "max"): ("low", "max"),
    ("none", "high"): ("none", "high"),
    ("high",): (None, "high"),
    ("none",): ("none", None),
}


@pytest.mark.parametrize(("known", "asked"), EFFORTS.items())
def test_efforts_are_compared_that_the_model_has(known: tuple[str, ...], asked: tuple[str | None, str]) -> None:
    """The least and the most; thinking turned off only where there is nothing else."""
    asks = BY_NAME["reasoning.effort"].ask(replace(SUBJECT, efforts=known))
    sent = [next(asks), asks.send(answer_of({"text": "No.", "finish": "stop"}))]
    assert tuple(one.body.get("reasoning_effort") for one in sent) == asked


def test_reasoning_is_echoed_in_the_member_that_it_came_in() -> None:
    """vLLM says `reasoning`, others `reasoning_content`: a rule about one says nothing of the other."""
    asks = BY_NAME["reasoning.echo"].ask(SUBJECT)
    next(asks)
    message = {"role": "assistant", "content": "No.", "reasoning": "7 * 13"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    turn = asks.send(answer_of({"body": json.dumps({"object": "chat.completion", "choices": [choice]})}))
    assert turn.body["messages"][1]["reasoning"] == "7 * 13"
    assert "reasoning_content" not in turn.body["messages"][1]


def test_names_are_found_with_the_nearest_one() -> None:
    """A typo is told with what was meant; a group stands for all of it."""
    assert {one.name.partition(".")[0] for one in list_features("chat", ["tools"])} == {"tools"}
    with pytest.raises(EndpointError, match=r"did you mean 'tools\.named'"):
        list_features("chat", ["tools.nmaed"])


def test_the_image_is_a_png_that_anybody_reads() -> None:
    """Signature, size and rows are those of the standard: one bit a pixel, one filter byte a row."""
    image = draw_word()
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    wide, high = int.from_bytes(image[16:20], "big"), int.from_bytes(image[20:24], "big")
    data = image[image.index(b"IDAT") + 4 : image.index(b"IEND") - 8]
    assert len(zlib.decompress(data)) == high * (1 + -(-wide // 8))


def prompt_of(words: int, said: dict[str, Any]) -> Exchange:
    """An answer to a prompt of so many words."""
    answer = answer_of(said)
    answer.raw.request = replace(answer.raw.request, body=b"river " * words)
    return answer


def play_window(window: int, subject: Subject, *, cut: bool = False) -> list[Exchange]:
    """Every prompt that is asked of a server with such a window."""
    seen: list[Exchange] = []
    words = 64
    while words:
        tokens = words * 2 + 30
        if tokens <= window or cut:
            seen.append(prompt_of(words, {"text": "a", "finish": "stop", "usage": [min(tokens, window), 1]}))
        else:
            message = {"message": f"maximum context length is {window}", "code": "context_length_exceeded"}
            seen.append(prompt_of(words, {"status": 400, "error": message}))
        words = choose_words(read_search(seen), subject)
    return seen


@pytest.mark.parametrize("known", [None, 4096, 3000, 9999], ids=["nothing known", "right", "too low", "too high"])
def test_the_window_is_found_whatever_is_declared(known: int | None) -> None:
    """The two ends lie on both sides of it, a fiftieth apart, and the budget holds."""
    subject = replace(SUBJECT, declared_window=known, window_budget=60_000)
    seen = play_window(4096, subject)
    found = judge_window(subject, seen)
    assert found.state == "yes"
    low, high = (int(end) for end in (found.value or "").split("–"))
    assert low <= 4096 < high <= low * 1.03
    assert read_search(seen).expense <= 60_000


def test_a_window_beyond_the_budget_is_a_lower_bound() -> None:
    """What was answered is told, and that the budget ended it."""
    subject = replace(SUBJECT, window_budget=2_000)
    seen = play_window(1_000_000, subject)
    found = judge_window(subject, seen)
    assert (found.state, (found.value or "")[:2]) == ("partly", "≥ ")
    assert read_search(seen).expense <= 2_000


def test_a_prompt_that_is_cut_in_silence_is_seen_by_its_count() -> None:
    """It was answered, and counted as far shorter than it is."""
    found = judge_window(SUBJECT, play_window(1_000, SUBJECT, cut=True))
    assert (found.state, found.value) == ("partly", "cut at 1000")


THEN = datetime(2026, 11, 14, 9, 0, tzinfo=UTC)
TRAITS = ModelTraits(served_model="m-1", prompt_tokens=(10, 12, 14), greedy_text="once upon a time", tokens_per_s=100.0)


def test_every_capability_is_on_its_page() -> None:
    """docs/capabilities.md says what each asks and how it is judged, and of nothing else."""
    page = (Path(__file__).parents[3] / "docs/capabilities.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert [name for row in rows for name in re.findall(r"`([^`]+)`", row)] == [one.name for one in FEATURES]


def record(**traits: Any) -> ModelRecord:
    """A record whose traits differ in these."""
    found = {name: Capability(state="yes", exchange_id=f"{name}-id") for name in ("model.tokenizer", "model.served")}
    return ModelRecord(
        at=THEN,
        origin="https://llm.example.com:443",
        schema="chat",
        model="m",
        traits=replace(TRAITS, **traits),
        found=found,
    )


@pytest.mark.parametrize(
    ("traits", "opening", "what"),
    [
        ({}, "Looks like the same model as on 14 Nov", []),
        ({"prompt_tokens": (10, 13, 14)}, "Looks like another model than on 14 Nov: tokenizer differs", ["tokenizer"]),
        ({"prompt_tokens": (15, 17, 19)}, "Not quite as on 14 Nov: prompt template", ["prompt template"]),
        ({"served_model": "m-2"}, "Looks like another model than on 14 Nov: model name", ["model name"]),
        ({"greedy_text": "once upon the time"}, "Not quite as on 14 Nov: greedy answer", ["greedy answer"]),
        ({"tokens_per_s": 45.0}, "Not quite as on 14 Nov: speed differs: 100 tokens/s then, 45 now", ["speed"]),
        ({"tokens_per_s": 60.0}, "Looks like the same model", []),
        ({"prompt_tokens": ()}, "Looks like the same model", []),
    ],
    ids=["nothing", "a count", "an offset", "the name", "a word", "half the speed", "a slow day", "no counts"],
)
def test_an_earlier_record_is_evidence(traits: dict[str, Any], opening: str, what: list[str]) -> None:
    """Tokenizer and name speak of another model, the rest only of another answer."""
    compared = compare_records(record(), replace(record(**traits), at=datetime(2026, 11, 30, tzinfo=UTC)))
    assert compared is not None
    assert compared.sentence.startswith(opening)
    assert [one.what for one in compared.differences] == what


def test_a_difference_names_the_exchanges_of_both_days() -> None:
    """Before and now can be looked at."""
    compared = compare_records(record(), record(prompt_tokens=(1, 2, 4)))
    assert compared is not None
    assert compared.differences[0].exchange_ids == ("model.tokenizer-id", "model.tokenizer-id")


def test_records_of_different_addresses_say_nothing() -> None:
    """Another origin, dialect or model is no fallback."""
    assert compare_records(record(), replace(record(), origin="http://127.0.0.1:1")) is None
