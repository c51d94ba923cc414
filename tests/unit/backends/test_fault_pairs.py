"""Any two faults can act together."""

import itertools
import json

import pytest
from support.simulated import body_for

from byok_bench.backends.simulator.faults import list_faults
from byok_bench.backends.simulator.http import Request
from byok_bench.backends.simulator.server import DEFAULT_MODEL, Simulator

IDS = [one.id for one in list_faults() if one.route in (None, "chat")]
NEEDS = (("tools", "include_usage"), ("json_schema",), ("tools", "document"))


@pytest.mark.parametrize("needs", NEEDS, ids=str)
def test_any_two_faults_leave_a_reply(needs: tuple[str, ...]) -> None:
    """Whatever one fault took away, another does not fall over it."""
    body = json.dumps({"model": DEFAULT_MODEL, **body_for("chat", *needs)}).encode()
    for pair in itertools.combinations(IDS, 2):
        reply = Simulator(faults=pair, together=True, tokens=6).make_reply(
            Request("POST", "/v1/chat/completions", {}, body)
        )
        assert [event.encode() for event in reply.events or []] or reply.encode_body() or reply.status == 307
