"""What run() is given: numbers as they are, whoever made them, and what no run can have in one line."""

from typing import Any

import numpy as np
import pytest

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.errors import ByokBenchError
from byok_bench.runs.planning.plan_arguments import make_plan_settings
from byok_bench.runs.runner import run

HOME = Endpoint(label="home", base_url="http://127.0.0.1:9/v1", models=[Model("m")])
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"repeats": "3"}, "repeats must be a whole number, not '3'"),
    ({"repeats": 2.5}, "repeats must be a whole number, not 2.5"),
    ({"warmup": None}, "warmup must be a whole number"),
    ({"attempts": "x"}, "attempts must be a whole number"),
    ({"seed": "a"}, "seed must be a whole number"),
    ({"processes": "2"}, "processes must be a whole number"),
    ({"concurrency": 1.5}, "concurrency must be whole numbers"),
    ({"rate": "x"}, "a rate must be more than 0"),
    ({"rate": 1, "ramp_to": "x"}, "a rate must be more than 0"),
    ({"shard": 3}, "shard"),
    ({"scenarios": 5}, "a scenario is a name, a path or a bb.Scenario, not 5"),
    ({"scenarios": [None]}, "a scenario is a name, a path or a bb.Scenario, not None"),
    ({"endpoints": "home"}, "an endpoint is a bb.Endpoint, not str"),
    ({"endpoints": None}, "an endpoint is a bb.Endpoint, not NoneType"),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
async def test_an_argument_of_another_kind_is_refused_in_a_line(number: int) -> None:
    """Before anything is opened, and by its name."""
    given, said = REFUSED[number]
    arguments: dict[str, Any] = {"endpoints": HOME, "scenarios": "plain-answer"} | given
    with pytest.raises(ByokBenchError, match=said):
        await run(**arguments)


def test_numbers_of_numpy_are_numbers() -> None:
    """A plan is written as JSON, which knows none of them."""
    made = make_plan_settings(repeats=np.int64(3), seed=np.int32(7))
    assert [type(one) for one in (made.repeats, made.seed)] == [int, int]
