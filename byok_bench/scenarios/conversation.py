"""Conversation: what follows upon each answer of a sample, and whether anything does.

The turn loop (agent.py) asks it what to send next; judging plays the recorded answers through it again. So it looks at
nothing but the scenario and the answers, sends nothing, and knows no dialect.

A user turn is over with an answer without calls and no late result still to come, after `max_rounds` answers, or when
it was cancelled; then the next user turn follows. A failure ends the sample.
"""

import random
from collections.abc import Sequence

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import Output, ToolCall
from byok_bench.endpoints.model import Price
from byok_bench.scenarios.sample_limits import find_reached_limit
from byok_bench.scenarios.scenario import Request, Scenario, UserTurn, find_rounds, find_turn_request
from byok_bench.scenarios.toolbox import Snapshot, open_toolbox
from byok_bench.scenarios.tools import to_result_text

PENDING = to_result_text({"pending": True})
"""What a call is answered with whose result comes later."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What the next request adds to the history."""

    turn: int
    """User turn that it belongs to, counted from 0."""
    output: Output
    """The answer to echo."""
    exchange: Exchange | None = None
    """The same as it was recorded; None if only the output is known."""
    request: Request = Request()
    """What was asked for in the user turn that it answers."""
    calls: tuple[ToolCall, ...] = ()
    """Its calls, each with an id."""
    results: tuple[tuple[str, str], ...] = ()
    """(id, text) for each id, in the order to send them."""
    notes: tuple[str, ...] = ()
    """Late results, each a message of the user."""
    user: str = ""
    """What the user says; empty within a user turn."""
    restart: UserTurn | None = None
    """The opening anew: nothing of the history is sent."""
    back_to: int | None = None
    """In place of the history so far, that of the end of this user turn."""


class LateResult(msgspec.Struct):
    """A result that is still to come."""

    text: str
    due_in: int
    """Answers until then."""


class Conversation:
    """One sample being played, or looked at again."""

    def __init__(self, task: Scenario, price: Price | None = None) -> None:
        """`task`: the scenario with the sample's own settings (`lay_over`). `price`: what a limit of cost counts by."""
        self.task = task
        self._price = price
        self._reached = ""
        """The limit that ended the sample, although something would have followed."""
        self.toolbox = open_toolbox(task)
        self.parts: list[list[Exchange]] = [[]]
        """The answers, by user turn."""
        self._start = self.toolbox.take_snapshot()
        self._ends: list[Snapshot] = []
        self._late: list[LateResult] = []

    def take_answer(self, exchange: Exchange) -> Step | None:
        """What to send after an answer; None if the sample is over. The answer is read only if something may follow."""
        self.parts[-1].append(exchange)
        turn = len(self.parts) - 1
        has_room = len(self.parts[-1]) < find_rounds(self.task, turn)
        is_last = turn == len(self.task.turns)
        if not has_room and is_last:
            return None
        if exchange.error is not None:
            return None
        if reached := find_reached_limit(self.task.limits, self._list_answers(), self._price):
            self._reached = reached if not is_last or self._late or exchange.output.tool_calls else ""
            return None
        cancelled = exchange.raw.end == "cancelled"
        calls = [] if cancelled else fill_in_call_ids(exchange.output.tool_calls, sum(map(len, self.parts)))
        notes = self._take_due_results(is_silent=not calls)
        results = self._answer_calls(calls)
        if has_room and not cancelled and (calls or notes):
            return Step(
                turn=turn,
                output=exchange.output,
                exchange=exchange,
                request=find_turn_request(self.task, turn),
                calls=tuple(calls),
                results=results,
                notes=notes,
            )
        return self._begin_user_turn(exchange, calls, results, notes)

    def find_stop(self) -> str:
        """Why it ended although something would have followed, in a sentence; empty if it did not end so."""
        answers = self._list_answers()
        ended = f"ended after {len(answers)} answer{'' if len(answers) == 1 else 's'}"
        if self._reached:
            return f"{ended}: {self._reached}"
        turn = len(self.parts) - 1
        if turn < len(self.task.turns) or not 1 < find_rounds(self.task, turn) <= len(self.parts[-1]):
            return ""
        last = answers[-1]
        return (
            f"{ended}: its rounds are over, and it asks for a tool" if not last.error and last.output.tool_calls else ""
        )

    def _list_answers(self) -> list[Exchange]:
        return [answer for part in self.parts for answer in part]

    def _begin_user_turn(
        self, answer: Exchange, calls: Sequence[ToolCall], results: tuple[tuple[str, str], ...], notes: tuple[str, ...]
    ) -> Step | None:
        turn = len(self.parts)
        if turn > len(self.task.turns):
            return None
        self._ends.append(self.toolbox.take_snapshot())
        self._late.clear()
        self.parts.append([])
        script = self.task.turns[turn - 1]
        if script.again:
            self.toolbox.restore(self._start)
        elif script.back_to is not None:
            self.toolbox.restore(self._ends[script.back_to])
        return Step(
            turn=turn,
            output=answer.output,
            exchange=answer,
            request=find_turn_request(self.task, turn - 1),
            calls=tuple(calls),
            results=results,
            notes=notes,
            user=script.user,
            restart=script if script.again else None,
            back_to=script.back_to,
        )

    def _take_due_results(self, *, is_silent: bool) -> tuple[str, ...]:
        """Late results that come now: those whose time it is, and all if the answer asked for nothing."""
        for late in self._late:
            late.due_in -= 1
        due = tuple(late.text for late in self._late if is_silent or late.due_in <= 0)
        self._late = [late for late in self._late if not is_silent and late.due_in > 0]
        return due

    def _answer_calls(self, calls: Sequence[ToolCall]) -> tuple[tuple[str, str], ...]:
        """(id, text) for each distinct id; the results of calls that share an id are joined by line ends."""
        texts: dict[str, list[str]] = {}
        for call in calls:
            answer = self.toolbox.answer_call(call.name, call.arguments)
            if answer.delay:
                self._late.append(LateResult(f"Late result of {call.name}: {answer.text}", answer.delay))
            texts.setdefault(str(call.id), []).append(PENDING if answer.delay else answer.text)
        results = [(id_, "\n".join(lines)) for id_, lines in texts.items()]
        return tuple(self._order_results(results))

    def _order_results(self, results: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """As the scenario wants them; shuffled ones the same at every play of the same answer."""
        if self.task.result_order == "reversed":
            return results[::-1]
        if self.task.result_order == "shuffled":
            return random.Random(f"{self.task.name} {len(self._list_answers())}").sample(results, len(results))
        return results


def fill_in_call_ids(calls: Sequence[ToolCall], turn: int) -> list[ToolCall]:
    """The calls, with an id of ours where the server sent none: a tool message needs one."""
    return [
        call if call.id else msgspec.structs.replace(call, id=f"call_{turn}_{position}")
        for position, call in enumerate(calls)
    ]


def replay_answers(
    task: Scenario, answers: Sequence[Exchange], price: Price | None = None
) -> tuple[Conversation, bool]:
    """The conversation as recorded answers made it, and whether it was over with the last of them."""
    conversation = Conversation(task, price)
    step: Step | None = None
    for answer in answers:
        step = conversation.take_answer(answer)
        if step is None:
            break
    return conversation, bool(answers) and step is None
