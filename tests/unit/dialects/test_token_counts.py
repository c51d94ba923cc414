"""What a server says that it counted and charged, in every dialect."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from byok_bench.dialects.messages.output import read_message_usage
from byok_bench.dialects.output import Usage
from byok_bench.dialects.responses.output import read_response_usage
from byok_bench.dialects.token_counts import read_chat_usage

READERS: dict[str, Callable[[Mapping[str, Any]], Usage | None]] = {
    "chat": read_chat_usage,
    "responses": lambda usage: read_response_usage({"usage": usage}),
    "messages": read_message_usage,
}
COSTS = [(0.25, 0.25), (0, 0.0), (3, 3.0), (True, None), ("0.25", None), (-1, None), (10**400, None),
         (float("inf"), None), (float("nan"), None), (None, None)]  # fmt: skip


@pytest.mark.parametrize("dialect", READERS)
@pytest.mark.parametrize(("said", "cost"), COSTS)
def test_a_charge_is_an_amount_from_0_on(dialect: str, said: Any, cost: float | None) -> None:
    """A gateway tells it in whatever dialect it was asked; a charge below 0 would give a limit back what is gone."""
    usage = READERS[dialect]({"cost": said})
    assert usage is not None
    assert usage.cost == cost
