"""Script: what the simulator answers to which requests, as plain data that somebody else made.

A script is a list of objects, one for each answer:

    sample      to which run of answers it belongs, any text
    mistake     0: the right answers of the sample; from 1 on: a wrong run of them
    request     {system, opening, tools, answers, last}: by what the request is known (script_cues.py),
                or {begins}: what the user said last begins so, {raw}: the text of a body that is no JSON object,
                {method}: another method than POST
    settings    {stream, effort, temperature}: decide between requests that are known by the same
    answer      {text, reasoning, calls: [{name, arguments}], finish_reason, refusal: {status, message, code}, fault,
                choices, ignores, completion_tokens, cached_tokens}; `arguments` is the text that is sent
    anyway      true: answered even if the request is one that has to be refused

Where several entries fit as well as each other, they take turns. A request that none fits is answered as ever.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from byok_bench.backends.backend import BackendError
from byok_bench.backends.simulator.answer import Answer, Call, Stop, limit_answer, split_arguments, split_text
from byok_bench.backends.simulator.ask import Ask
from byok_bench.backends.simulator.refusal import Refusal
from byok_bench.backends.simulator.script_cues import Cue, read_cue, read_raw_text, read_settings
from byok_bench.backends.simulator.visit import Visit

Entry = Mapping[str, Any]
_STOPS: Mapping[str, Stop] = {"stop": "stop", "length": "length", "tool_calls": "tool"}
_DIALECTS = ("chat", "responses", "messages")


class Script:
    """The entries of a script, and whose turn it is. `faults` are those that its answers have."""

    def __init__(self, entries: Sequence[Entry], mistake: int = 0) -> None:
        """Raises BackendError for entries that are none."""
        self._by_request: dict[Any, list[Entry]] = {}
        self._wrong: set[tuple[str, int]] = set()
        self._visits: Counter[Any] = Counter()
        self._mistake = mistake
        self._beginnings: list[str] = []
        self.faults: list[str] = []
        for entry in entries:
            try:
                self._by_request.setdefault(_read_request(entry["request"]), []).append(entry)
                if "begins" in entry["request"]:
                    self._beginnings.append(entry["request"]["begins"])
                self._wrong.add((entry["sample"], entry["mistake"]))
                _ = entry["answer"], entry["settings"]
            except (KeyError, TypeError) as error:
                said = f"{error} is missing" if isinstance(error, KeyError) else "it is no object of the form"
                raise BackendError(
                    f"this is no entry of a script: {said}; bb.make_script makes one of scenarios", code="bad_script"
                ) from None
            if fault := entry["answer"].get("fault"):
                self.faults.append(fault)

    def choose_mistake(self, number: int) -> None:
        """From now on make the n-th mistake of every sample that has as many; 0: none."""
        self._mistake = number
        self._visits.clear()

    def find_entry(self, visit: Visit) -> Entry | None:
        """The entry that a request is answered by; None if it is none of the script's."""
        if visit.route not in _DIALECTS:
            return None
        key = self._find_key(visit)
        entries = [entry for entry in self._by_request.get(key, ()) if entry["mistake"] == self._choose_run(entry)]
        if not entries:
            return None
        settings = read_settings(visit.body or {})
        scores = [sum(settings[name] == value for name, value in entry["settings"].items()) for entry in entries]
        best = [entry for entry, score in zip(entries, scores, strict=True) if score == max(scores)]
        turn = (key, tuple(settings.items()))
        self._visits[turn] += 1
        return best[(self._visits[turn] - 1) % len(best)]

    def _find_key(self, visit: Visit) -> Any:
        if visit.request.method != "POST":
            return ("method", visit.request.method)
        if visit.body is None:
            return ("raw", read_raw_text(visit.request.body))
        cue = read_cue(visit.route, visit.body)
        if cue in self._by_request:
            return cue
        return next((("begins", text) for text in self._beginnings if cue.last.startswith(text)), cue)

    def _choose_run(self, entry: Entry) -> int:
        return self._mistake if (entry["sample"], self._mistake) in self._wrong else 0


def refuse_as_scripted(entry: Entry) -> None:
    """Raise the Refusal that an entry holds, if it holds one."""
    refusal = entry["answer"].get("refusal")
    if refusal:
        raise Refusal(refusal["status"], refusal["message"], code=refusal.get("code"))


def make_scripted_answers(entry: Entry, ask: Ask) -> list[Answer]:
    """The choices of the answer that an entry holds; what it says of no limits is held to those of the request."""
    said = entry["answer"]
    if "logprobs" in said.get("ignores", ()):
        ask.top_logprobs = None
    count = said.get("choices") or ask.n
    return [_make_answer(said, ask, is_wrong=entry["mistake"] > 0) for _ in range(count)]


def build_substitute_body(visit: Visit) -> dict[str, Any]:
    """A request that can be answered, in place of one that cannot."""
    model = visit.models[0] if visit.models else "any"
    body = {"model": model, "max_tokens": 64, "stream": bool(visit.body and visit.body.get("stream") is True)}
    if visit.route == "responses":
        body.pop("max_tokens")
        return body | {"input": "-"}
    return body | {"messages": [{"role": "user", "content": "-"}]}


def _make_answer(said: Mapping[str, Any], ask: Ask, *, is_wrong: bool) -> Answer:
    made = Answer(
        texts=split_text(said.get("text", "")),
        thoughts=split_text(said.get("reasoning", "")),
        calls=[
            Call(call["name"], call["arguments"], split_arguments(call["arguments"])) for call in said.get("calls", ())
        ],
        told_tokens=said.get("completion_tokens"),
        cached_tokens=said.get("cached_tokens") or 0,
    )
    made.stop = "tool" if made.calls else "stop"
    if said.get("finish_reason"):
        made.stop = _STOPS.get(said["finish_reason"], "stop")
    return made if is_wrong or said.get("finish_reason") else limit_answer(made, ask)


def _read_request(value: Mapping[str, Any]) -> Any:
    for kind in ("begins", "raw", "method"):
        if kind in value:
            return (kind, value[kind])
    return Cue(
        system=value["system"],
        opening=tuple(value["opening"]),
        tools=tuple(value["tools"]),
        answers=value["answers"],
        last=value["last"],
    )
