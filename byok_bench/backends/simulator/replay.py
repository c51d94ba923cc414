"""The replay server: recorded exchanges, answered again with the bytes and gaps they had.

A request is matched to a recording by route and body (as JSON, so that the order of members means nothing), or the
recordings are served in their order. Several recordings of one request take turns. Where recordings come from is
not known in here.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from byok_bench.backends.simulator.http import Request, Schedule, Wire
from byok_bench.backends.simulator.http_backend import HttpBackend
from byok_bench.backends.simulator.refusal import Refusal
from byok_bench.backends.simulator.reply import Ending, Event, Headers, Reply, make_json_reply

MARK: Headers = {"x-simulation": "a replay of recorded exchanges by byok-bench"}
_ROUTES = ("chat/completions", "responses", "messages", "models")
_FRAMING = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
"""Headers of one connection, which the replay has to write anew."""
_AT_ONCE = Schedule(0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One exchange, as plain data. Times in ns from the request written."""

    path: str
    """Path of the request URL."""
    body: bytes
    """The request's body; empty for GET."""
    status: int | None
    """None if no answer came."""
    headers: tuple[tuple[str, str], ...] = ()
    head_ns: int = 0
    """When status and headers came."""
    chunks: tuple[tuple[int, bytes], ...] = ()
    """Body bytes with the time they came at."""
    ending: Ending = "clean"

    @property
    def route(self) -> str:
        """The part of the path after the base URL."""
        return next((route for route in _ROUTES if self.path.endswith(f"/{route}")), self.path)

    @property
    def model(self) -> str | None:
        """The model asked for."""
        value = _read_json(self.body)
        model = value.get("model") if isinstance(value, dict) else None
        return model if isinstance(model, str) else None


class Replay(HttpBackend):
    """Serves recordings. speed: 1 as recorded, 2 twice as fast, 0 at once. in_order: the n-th request for a route gets
    its n-th recording, whatever it asks for."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        *,
        speed: float = 1.0,
        in_order: bool = False,
        port: int = 0,
        label: str = "replay",
    ) -> None:
        super().__init__(label, port)
        self.models = tuple(dict.fromkeys(one.model for one in recordings if one.model)) or ("recorded",)
        self._scale = 1 / speed / 1e6 if speed else 0.0
        self._in_order = in_order
        self._found: dict[tuple[str, str], list[Recording]] = {}
        for one in recordings:
            self._found.setdefault(self._make_lookup(one.route, one.body), []).append(one)
        self._served: Counter[tuple[str, str]] = Counter()

    async def answer_request(self, request: Request, wire: Wire) -> bool:
        """Answer with the next recording of this request."""
        reply = self._find_reply(request)
        return await wire.send_reply(reply, _AT_ONCE, request.arrived, keep_alive=request.is_keep_alive)

    def _make_lookup(self, route: str, body: bytes) -> tuple[str, str]:
        return route, "" if self._in_order else normalize_body(body)

    def _find_reply(self, request: Request) -> Reply:
        route = request.path.removeprefix("/v1/")
        key = self._make_lookup(route, request.body)
        recordings = self._found.get(key, [])
        if recordings:
            self._served[key] += 1
            return self._replay_recording(recordings[(self._served[key] - 1) % len(recordings)])
        if route == "models":
            data = [{"id": m, "object": "model", "created": 0, "owned_by": "byok-bench-replay"} for m in self.models]
            return make_json_reply({"object": "list", "data": data}, 200, **MARK)
        return Refusal(404, "There is no recording of this request.", code="not_recorded", headers=dict(MARK)).to_reply(
            "messages" if route == "messages" else "chat"
        )

    def _replay_recording(self, one: Recording) -> Reply:
        if one.status is None:
            return Reply(silent="hang" if one.ending == "stall" else "close")
        headers = {name.lower(): value for name, value in one.headers}
        return Reply(
            status=one.status,
            headers={**{name: value for name, value in headers.items() if name not in _FRAMING}, **MARK},
            events=[Event(raw=content, due_ms=at_ns * self._scale) for at_ns, content in one.chunks],
            head_ms=one.head_ns * self._scale,
            is_sized="content-length" in headers and one.ending == "clean",
            ending=one.ending,
        )


def normalize_body(body: bytes) -> str:
    """The same text for bodies that mean the same JSON; the bytes themselves for what is none."""
    value = _read_json(body)
    return json.dumps(value, sort_keys=True) if value is not None else body.decode("latin-1")


def _read_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
