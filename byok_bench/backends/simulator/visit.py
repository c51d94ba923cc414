"""Visit: one request on its way through the simulator, as faults and profiles see it."""

from dataclasses import dataclass, field
from typing import Literal

from byok_bench.backends.simulator.ask import Ask, Body
from byok_bench.backends.simulator.http import Request
from byok_bench.backends.simulator.reply import Reply

Route = Literal["chat", "responses", "messages", "models", "model", "response", "token-count", "health", "unknown"]
"""What is asked for: an answer in a dialect, the model list, one model, a response that was given before, how long a
prompt of the Messages API is, whether the server is up."""


@dataclass
class Visit:
    """Filled from top to bottom while the request is served."""

    request: Request
    route: Route
    body: Body | None = None
    """The request body if it is a JSON object; may be changed before it is read."""
    models: tuple[str, ...] = ()
    """What the server lists."""
    ask: Ask | None = None
    """What was asked for; None if the request was refused before that was clear."""
    reply: Reply = field(default_factory=Reply)

    @property
    def is_stream(self) -> bool:
        """Whether a good stream of events is about to go out."""
        return self.ask is not None and self.ask.stream and self.reply.is_stream

    @property
    def is_answer(self) -> bool:
        """Whether the request is about to be served, not refused."""
        return self.reply.status == 200 and self.route != "unknown"
