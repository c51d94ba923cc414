"""How one request of a sample goes out: to which model, with which body and method, and what of it is spoiled.

One place for all who play samples: runs, pairs against a proxy, and proofs against the simulator.
"""

from typing import Any, Final

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model_requests import find_schema, rename_model
from byok_bench.scenarios.agent import TurnRequest
from byok_bench.scenarios.cancel_points import make_cancel
from byok_bench.scenarios.scenario import Scenario, Spoil

WRONG_KEY: Final = "byok-bench-key-that-nobody-issued-0000"


def make_send_arguments(endpoint: Endpoint, model: str, task: Scenario, request: TurnRequest) -> dict[str, Any]:
    """Arguments of `send` for a request to an endpoint's model; `task` is the scenario as the sample plays it."""
    spoil = task.spoil or Spoil()
    return {
        "endpoint": spoil_endpoint(endpoint, model, spoil),
        "body": request.body,
        "model": spoil.model or model,
        "raw_body": None if spoil.raw_body is None else spoil.raw_body.encode(),
        "method": spoil.method or "POST",
        "cancel": make_cancel(request.cancel_after, find_schema(endpoint, model)),
    }


def spoil_endpoint(endpoint: Endpoint, model: str, spoil: Spoil) -> Endpoint:
    """The endpoint with what is spoiled of it: a key that nobody issued, so on connections of its own; its model under
    a name that nobody has, all else of the requests being the same.
    """
    if spoil.wrong_key:
        endpoint = msgspec.structs.replace(endpoint, key=KeyRef.session(WRONG_KEY))
    return rename_model(endpoint, model, spoil.model) if spoil.model else endpoint
