"""Every case over real sockets, through `send`: the transport has to hand on what the server did."""

import pytest
from support.case_server import serving
from support.cases import IDLE_S, Case
from support.corpus import PASSIVE, differences
from support.records import asked

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.send import list_models, send
from byok_bench.wire.limits import Timeouts

PATIENT = Timeouts(connect=5, first_byte=30, idle=30, total=60)
HASTY = Timeouts(connect=5, first_byte=2 * IDLE_S, idle=IDLE_S, total=60)


@pytest.mark.parametrize("case", PASSIVE, ids=str)
async def test_a_server_is_read_as_its_case_says(case: Case) -> None:
    """A server that sends the bytes of the case, with its pauses and cuts, gives its findings and output."""
    (turn,) = case.turns
    timeouts = HASTY if turn.reply.stalls else PATIENT
    async with serving([turn.reply]) as server:
        schema = "chat" if case.schema == "models" else case.schema
        endpoint = Endpoint(label="case", base_url=server.base_url, schema=schema, models=[Model("m")])
        if case.schema == "models":
            seen = await list_models(endpoint, timeouts=timeouts)
        else:
            seen = await send(endpoint, asked(turn), timeouts=timeouts)
    assert differences(case, seen, info_may_miss=True) == []
