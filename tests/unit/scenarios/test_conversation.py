"""What follows upon an answer: results, late ones, user turns, forks; the same when it is looked at again."""

import msgspec
import pytest
from support.recorded import answer, calls, refusal

from byok_bench.dialects.exchange import Exchange
from byok_bench.scenarios.conversation import Conversation, replay_answers
from byok_bench.scenarios.scenario import Scenario, count_most_answers
from byok_bench.scenarios.scenario_file import parse_scenario

TASK = parse_scenario(
    b"""
version = 2
name = "n"
title = "t"
max_rounds = 4
environment = { name = "store" }
[[tools]]
name = "slow"
results = [{ result = "done", delay = 2 }]
[[turns]]
user = "next"
max_rounds = 1
[[turns]]
user = "other"
back_to = 0
[[samples]]
name = "s"
messages = [{ role = "user", content = "go" }]
""",
    "n.toml",
)
SLOW = calls(("a", "slow", "{}"))
SET = calls(("b", "set_value", '{"key": "k", "value": 1}'), ("c", "list_keys", "{}"))
DONE = answer("done")


def follow(*answers: Exchange, task: Scenario = TASK) -> Conversation:
    """The conversation after these answers."""
    return replay_answers(task, answers)[0]


def test_a_late_result_comes_when_its_time_is_there() -> None:
    """Pending at once; two answers later as a message of the user."""
    conversation = Conversation(TASK)
    steps = [conversation.take_answer(one) for one in (SLOW, SET, SET)]
    assert [step.notes for step in steps if step] == [(), (), ("Late result of slow: done",)]
    assert steps[0] is not None
    assert steps[0].results == (("a", '{"pending":true}'),)


def test_a_late_result_keeps_the_user_turn_open() -> None:
    """An agent that asks for nothing more gets it at once, and may speak again."""
    conversation = Conversation(TASK)
    conversation.take_answer(SLOW)
    step = conversation.take_answer(DONE)
    assert step is not None
    assert (step.turn, step.notes, step.user) == (0, ("Late result of slow: done",), "")
    after = conversation.take_answer(DONE)
    assert after is not None
    assert (after.turn, after.user) == (1, "next")


@pytest.mark.parametrize(("order", "ids"), [("as_called", ["b", "c"]), ("reversed", ["c", "b"])])
def test_results_come_in_the_order_that_the_scenario_wants(order: str, ids: list[str]) -> None:
    """Some servers want the order of the calls, and a good one takes any."""
    step = Conversation(msgspec.structs.replace(TASK, result_order=order)).take_answer(SET)
    assert step is not None
    assert [id_ for id_, _ in step.results] == ids


def test_shuffled_results_are_shuffled_alike_each_time() -> None:
    """All of them, in an order that a second play has too."""
    task = msgspec.structs.replace(TASK, result_order="shuffled")
    many = calls(*((f"call_{at}", "set_value", '{"key": "k", "value": 1}') for at in range(16)))
    steps = [Conversation(task).take_answer(many) for _ in range(2)]
    orders = [[id_ for id_, _ in step.results] for step in steps if step is not None]
    assert orders[0] == orders[1]
    assert orders[0] != sorted(orders[0], key=lambda id_: int(id_.removeprefix("call_")))
    assert len(set(orders[0])) == 16


def test_a_fork_goes_back_to_the_state_that_was() -> None:
    """What the branch before did to the environment is not there."""
    later = calls(("d", "set_value", '{"key": "later", "value": 2}'))
    conversation = follow(SET, DONE, later, DONE)
    assert conversation.toolbox.state == {"k": 1}
    assert [len(part) for part in conversation.parts] == [2, 1, 1]


@pytest.mark.parametrize(
    ("answers", "is_over"),
    [
        ((DONE, DONE, DONE), True),
        ((DONE, DONE), False),
        ((SET, SET, SET, SET), False),
        ((refusal(500, "boom"),), True),
        ((DONE, refusal(400, "no")), True),
        ((), False),
    ],
    ids=["all user turns", "one is left", "the rounds are used up", "a failure", "a failure later", "nothing yet"],
)
def test_a_sample_is_over_where_it_should_be(answers: tuple[Exchange, ...], is_over: bool) -> None:
    """After the last user turn, and at a failure; what is used up goes on with the next."""
    assert replay_answers(TASK, answers)[1] is is_over


def test_the_most_answers_are_counted_over_all_user_turns() -> None:
    """Four rounds, one, and four again."""
    assert count_most_answers(TASK) == 9


def test_calls_that_are_open_when_the_rounds_are_used_up_are_answered_first() -> None:
    """No server takes a user's message where a result is due."""
    conversation = Conversation(TASK)
    steps = [conversation.take_answer(SET) for _ in range(4)]
    assert steps[3] is not None
    assert (steps[3].turn, steps[3].user, len(steps[3].results)) == (1, "next", 2)
