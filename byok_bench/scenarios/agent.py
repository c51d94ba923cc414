"""The turn loop of an agent: send, run the tools that were asked for, echo, go on until there is nothing to answer.

Sending is the caller's: it may store, retry, or hand out a stored answer instead. No storage in here, and no clock but
the one that says what lies between two turns.
What follows upon an answer is conversation.py's to say, how it is worded phrasing.py's.
"""

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter_ns
from typing import Final, NamedTuple

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model import Model
from byok_bench.scenarios.conversation import Conversation, Step, replay_answers
from byok_bench.scenarios.expectations.expected import AskedTurn, PlayedSample
from byok_bench.scenarios.expectations.judging import Outcome, judge_expectations
from byok_bench.scenarios.fill_text import put_fill
from byok_bench.scenarios.phrasing import Body, find_phrasing
from byok_bench.scenarios.scenario import CancelAfter, Message, Sample, Scenario, UserTurn, find_turn_request, lay_over


class TurnRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a sample, ready to be sent."""

    turn: int
    """Answers of the sample, this one included: its number, counted from 1."""
    body: Body
    cancel_after: CancelAfter | None = None
    """When this side closes the stream."""
    client_ms: float | None = None
    """What lay between the answer before and this request: reading it, running tools, wording; None for the first."""


SendTurn = Callable[[TurnRequest], Awaitable[Exchange]]
"""Sends one request, or hands out the exchange that was recorded of it."""

OVERFLOW_WORDS: Final = 40_000
"""Length of an over-long prompt where the model's context window is not declared."""


def build_opening(
    scenario: Scenario, sample: Sample, schema: str, context_window: int | None = None, model: Model | None = None
) -> Body:
    """The first request body of a sample in a dialect, as `model` is asked; no model in it."""
    task = lay_over(scenario, sample)
    messages: Sequence[Message] = put_fill(sample.messages, task.fill)
    if task.spoil is not None and task.spoil.overflow:
        words = context_window * 5 // 4 if context_window else OVERFLOW_WORDS
        *before, last = messages
        messages = (*before, Message(role=last.role, content=last.content + " apple" * words))
    if task.spoil is not None and task.spoil.pad_bytes is not None:
        *before, last = messages
        messages = (*before, Message(role=last.role, content=last.content.ljust(task.spoil.pad_bytes, "a")))
    return find_phrasing(schema, model).build_first(task, messages)


async def play_sample(
    scenario: Scenario, sample: Sample, schema: str, body: Body, send_turn: SendTurn, model: Model | None = None
) -> list[Exchange]:
    """All answers of one sample, from the first request's body on, as `model` is asked."""
    task = lay_over(scenario, sample)
    history = History(task, sample, schema, body, model)
    conversation = Conversation(task, model.price if model is not None else None)
    answers: list[Exchange] = []
    cancel, client_ms = task.request.cancel_after, None
    while True:
        request = TurnRequest(turn=len(answers) + 1, body=history.body, cancel_after=cancel, client_ms=client_ms)
        exchange = await send_turn(request)
        arrived_ns = perf_counter_ns()
        answers.append(exchange)
        step = conversation.take_answer(exchange)
        if step is None:
            return answers
        cancel = find_turn_request(task, step.turn).cancel_after if history.turn != step.turn else None
        history.add_step(step)
        client_ms = (perf_counter_ns() - arrived_ns) / 1e6


class History:
    """The request bodies of one sample, one after the other."""

    def __init__(self, task: Scenario, sample: Sample, schema: str, body: Body, model: Model | None = None) -> None:
        """`body`: of the first request."""
        self.body = body
        self._task = task
        self._sample = sample
        self._words = find_phrasing(schema, model)
        self._ends: list[Body] = []
        """Bodies as they stood when each user turn was over."""
        self.turn = 0
        """User turn that the body belongs to."""

    def add_step(self, step: Step) -> None:
        """Go on to the body of the next request."""
        answered = self._words.build_next(self.body, step)
        if step.turn == self.turn:
            self.body = answered
            return
        self._ends.append(answered)
        self.turn = step.turn
        task = msgspec.structs.replace(self._task, request=find_turn_request(self._task, step.turn))
        if step.restart is not None:
            self.body = self._open_again(task, step.restart)
            return
        history = answered if step.back_to is None else self._ends[step.back_to]
        settings = self._words.build_first(task, self._sample.messages)
        self.body = self._words.add_user_turn(settings, history, step.user)

    def _open_again(self, task: Scenario, script: UserTurn) -> Body:
        """The opening anew, with what the user turn puts in place of it."""
        messages = put_fill(script.messages or self._sample.messages, script.fill or task.fill)
        return self._words.build_first(task, messages, script.tools)


class Replay(NamedTuple):
    """A sample as its recorded turns made it."""

    sample: Sample
    turns: Sequence[Exchange]
    task: Scenario
    conversation: Conversation
    is_over: bool
    """No further request follows."""

    def find_stop(self) -> str | None:
        """Why it ended although something would have followed, in a sentence; None if it did not."""
        return self.conversation.find_stop() or None

    def judge(self) -> Outcome:
        """What the turns amount to."""
        return judge_expectations(self.sample.expect, self.look())

    def look(self) -> PlayedSample:
        """The turns as expectations look at them."""
        return _look(self.task, self.turns, self.conversation)


def replay_sample(scenario: Scenario, sample: Sample, turns: Sequence[Exchange], model: Model | None = None) -> Replay:
    """What recorded turns were. Reads an answer only where something might follow."""
    task = lay_over(scenario, sample)
    conversation, is_over = replay_answers(task, turns, model.price if model is not None else None)
    return Replay(sample, turns, task, conversation, is_over)


def _look(task: Scenario, turns: Sequence[Exchange], conversation: Conversation) -> PlayedSample:
    asked = _list_asked_turns(task)
    last = asked[max(turn for turn, part in enumerate(conversation.parts) if part or turn == 0)]
    return PlayedSample(
        turns,
        conversation.toolbox.tools,
        last.answer_schema,
        conversation.parts,
        conversation.toolbox.state,
        last.facts,
        asked,
    )


def _list_asked_turns(task: Scenario) -> list[AskedTurn]:
    """What each user turn demands of the text, and which facts its prompt hides: those of the fill that it begins with,
    of the fill before if the conversation goes on, and of that of the user turn that it goes back to.
    """
    fills = [task.fill]
    for script in task.turns:
        before = fills[-1 if script.back_to is None else script.back_to]
        fills.append((script.fill or task.fill) if script.again else before)
    return [
        AskedTurn(
            find_turn_request(task, turn).answer_schema,
            [fact.answer for fact in fill.facts] if fill is not None else [],
        )
        for turn, fill in enumerate(fills)
    ]
