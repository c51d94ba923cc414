"""Scripts: the solutions and mistakes of scenarios as plain data, for a server that plays them.

Each sample is played here against its own answers, so that each answer is entered under the request that it answers:
by what it is known (the simulator's script.py says by what) and never by its bytes, so one script serves all dialects.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import Output, ToolCall
from byok_bench.scenarios.agent import History, build_opening
from byok_bench.scenarios.conversation import Conversation
from byok_bench.scenarios.phrasing import Body
from byok_bench.scenarios.prose import make_prose
from byok_bench.scenarios.scenario import Request, Sample, Scenario, find_turn_request, lay_over
from byok_bench.scenarios.selection import Wanted, find_scenarios
from byok_bench.scenarios.solutions import ScriptedAnswer, ScriptedCall
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawRequest


def make_script(scenarios: Wanted) -> list[dict[str, Any]]:
    """A script for `Simulator(script=…)`: every solution and every mistake of these scenarios.

    PlanError names a scenario that is not there.
    """
    return [
        entry
        for scenario in find_scenarios(scenarios)
        for sample in scenario.samples
        for number in range(len(sample.mistake) + 1)
        for entry in _iterate_entries(scenario, sample, number)
    ]


def list_scripted_answers(sample: Sample, mistake: int) -> Sequence[ScriptedAnswer]:
    """The answers of a sample's solution (0), or of its n-th mistake; a mistake goes on as the solution does."""
    if mistake == 0:
        return sample.solution
    wrong = sample.mistake[mistake - 1].turns
    return (*wrong, *sample.solution[len(wrong) :]) if sample.mistake[mistake - 1].goes_on else wrong


def _iterate_entries(scenario: Scenario, sample: Sample, mistake: int) -> Iterator[dict[str, Any]]:
    task = lay_over(scenario, sample)
    conversation = Conversation(task)
    history = History(task, sample, "chat", build_opening(scenario, sample, "chat"))
    for answer in list_scripted_answers(sample, mistake):
        turn = len(conversation.parts) - 1
        is_first = not conversation.parts[-1]
        yield {
            "sample": f"{scenario.name}/{sample.name}",
            "mistake": mistake,
            "request": _describe_request(task, sample, history.body),
            "settings": _list_settings(find_turn_request(task, turn)),
            "answer": write_answer(answer),
            "anyway": scenario.wants_failure,
        }
        step = conversation.take_answer(ScriptedExchange(answer, is_cut=is_first and _is_cut(task, turn)))
        if step is None:
            return
        history.add_step(step)


def _is_cut(task: Scenario, turn: int) -> bool:
    return find_turn_request(task, turn).cancel_after is not None


def _describe_request(task: Scenario, sample: Sample, body: Body) -> dict[str, Any]:
    """By what a request is known; `body` is the one of chat."""
    if task.spoil is not None and task.spoil.method is not None:
        return {"method": task.spoil.method}
    if task.spoil is not None and task.spoil.raw_body is not None:
        return {"raw": task.spoil.raw_body}
    if task.spoil is not None and (task.spoil.overflow or task.spoil.pad_bytes is not None):
        return {"begins": sample.messages[-1].content}
    messages = _list_objects(body.get("messages"))
    first = next((at for at, message in enumerate(messages) if message.get("role") == "assistant"), len(messages))
    said = [_join_text(message) for message in messages if message.get("role") == "user"]
    return {
        "system": "\n\n".join(_join_text(message) for message in messages if message.get("role") == "system"),
        "opening": [_join_text(message) for message in messages[:first] if message.get("role") == "user"],
        "tools": [_read_tool_name(tool) for tool in _list_objects(body.get("tools"))],
        "answers": sum(message.get("role") == "assistant" for message in messages),
        "last": said[-1] if said else "",
    }


def _list_objects(value: Any) -> list[Body]:
    """The objects of a list; what a scenario sends as it stands may be anything."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _read_tool_name(tool: Body) -> str:
    function = tool.get("function")
    return str((function if isinstance(function, dict) else tool).get("name"))


def _join_text(message: Body) -> str:
    """The text of a message, that of its parts joined by spaces."""
    content = message.get("content")
    parts = [part.get("text") for part in _list_objects(content)] if isinstance(content, list) else [content]
    return " ".join(part if isinstance(part, str) else "" for part in parts).strip()


def _list_settings(request: Request) -> dict[str, Any]:
    return {"stream": request.stream, "effort": request.reasoning, "temperature": request.temperature}


def write_answer(answer: ScriptedAnswer) -> dict[str, Any]:
    """An answer as a script has it: generated texts written out, arguments as the text that is sent."""
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    plain["text"] = make_scripted_text(answer)
    plain["calls"] = [{"name": call.name, "arguments": make_arguments_text(call)} for call in answer.calls]
    if answer.refusal is not None:
        plain["refusal"] = {
            "status": answer.refusal.status,
            "message": answer.refusal.message,
            "code": answer.refusal.code,
        }
    return plain


def make_scripted_text(answer: ScriptedAnswer) -> str:
    """What an answer says."""
    return answer.text if answer.words is None else f"{answer.text}{make_prose(answer.words)}"


def make_arguments_text(call: ScriptedCall) -> str:
    """The arguments of a call as JSON text, filled members included; or what stands in their place."""
    if call.arguments_text is not None:
        return call.arguments_text
    return msgspec.json.encode(
        call.arguments | {name: make_prose(words) for name, words in call.filled.items()}
    ).decode()


class ScriptedExchange(Exchange):
    """An answer that nobody sent, as what follows upon it sees it."""

    def __init__(self, answer: ScriptedAnswer, *, is_cut: bool = False) -> None:
        """`is_cut`: this side closes the stream before it is over."""
        raw = RawExchange(
            request=RawRequest(id="scripted", method="POST", url="", headers=(), body=b""),
            phases=Phases(start=0),
            end="cancelled" if is_cut else "done",
        )
        super().__init__(raw, label="script", base_url="")
        self._answer = answer

    @property
    def output(self) -> Output:
        """What is said."""
        return Output(
            text=make_scripted_text(self._answer),
            reasoning=self._answer.reasoning,
            tool_calls=tuple(
                ToolCall(id=None, name=call.name, arguments=make_arguments_text(call)) for call in self._answer.calls
            ),
        )

    @property
    def error(self) -> Failure | None:
        """A refusal, if it is one."""
        refusal = self._answer.refusal
        return None if refusal is None else make_failure("invalid_request", "headers", refusal.message)
