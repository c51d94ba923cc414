"""Memory: responses that were given, so that a later request can go on from one (`previous_response_id`)."""

import copy
from collections import OrderedDict
from typing import Any

from byok_bench.backends.simulator.ask import Ask, Body
from byok_bench.backends.simulator.refusal import make_unknown_previous, make_unknown_response
from byok_bench.backends.simulator.reply import Reply

_MOST = 256
"""Responses kept; the oldest goes first."""


class ResponseMemory:
    """What one simulator answered by the Responses API; `store: false` is obeyed."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = OrderedDict()

    def keep_response(self, ask: Ask, reply: Reply) -> None:
        """Keep what is about to be sent, before a fault changes it."""
        if ask.body.get("store") is False:
            return
        response = reply.events[-1].data["response"] if reply.events else reply.document
        response = copy.deepcopy(response)
        self._kept[response["id"]] = response, [*ask.items, *response["output"]]
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def find_conversation(self, body: Body) -> list[dict[str, Any]]:
        """The items that a request goes on from; none if it names no response. Raises Refusal for an unknown one."""
        id = body.get("previous_response_id")
        if id is None:
            return []
        if not isinstance(id, str) or id not in self._kept:
            raise make_unknown_previous(str(id))
        return self._kept[id][1]

    def find_response(self, id: str) -> dict[str, Any]:
        """A response as it was given. Raises Refusal."""
        if id not in self._kept:
            raise make_unknown_response(id)
        return self._kept[id][0]
