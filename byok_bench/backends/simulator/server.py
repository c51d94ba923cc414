"""Simulator: a correct model server with a schedule, that breaks what it is told to break.

    async with Simulator(faults=["stream.bom"]) as server:
        server.endpoint

Routes, keys, models and window are in here; answers, their wording in each dialect, and faults are elsewhere.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from byok_bench.backends.simulator import answer, chat, messages, responses
from byok_bench.backends.simulator.ask import Ask, decode
from byok_bench.backends.simulator.faults import Fault, FaultPlan
from byok_bench.backends.simulator.http import Request, Schedule, Wire
from byok_bench.backends.simulator.profiles import find_profile, mark
from byok_bench.backends.simulator.refusal import (
    Refusal,
    too_long,
    unknown_model,
    unknown_route,
    wrong_key,
    wrong_method,
)
from byok_bench.backends.simulator.reply import Reply, document
from byok_bench.backends.simulator.serving import HttpBackend
from byok_bench.backends.simulator.visit import Route, Visit

DEFAULT_MODEL = "simulator-1"
OWNER = "byok-bench-simulator"
_ROUTES: Mapping[str, Route] = {
    "/v1/chat/completions": "chat",
    "/v1/responses": "responses",
    "/v1/messages": "messages",
    "/v1/models": "models",
}
_DIALECTS: Mapping[str, Any] = {"chat": chat, "responses": responses, "messages": messages}
_CREATED = 1735689600
"""The models' date of birth: 1 January 2025."""


class Simulator(HttpBackend):
    """A simulated endpoint for chat, responses, messages and models.

    tokens: length of a plain answer, unless the prompt asks for a number of words. ttft_ms, gap_ms: its schedule.
    context: tokens of prompt that are accepted. reasoning: think before each answer. api_key: demanded if given.
    any_model: serve whatever model is asked for, not only those listed.
    faults: ids of faults.catalogue(). One acts at a time, in turn among those that fit the request, or all `together`;
    on every n-th request for a route (`every`), each with `probability` (drawn from `seed`).
    profile: name of a known server's behaviour (profiles.py); faults come on top.
    """

    def __init__(
        self,
        *,
        faults: Sequence[str] = (),
        profile: str | None = None,
        models: Sequence[str] = (),
        any_model: bool = False,
        api_key: str | None = None,
        tokens: int = 24,
        ttft_ms: float = 10.0,
        gap_ms: float = 2.0,
        context: int = 4096,
        reasoning: bool = False,
        together: bool = False,
        every: int = 1,
        probability: float = 1.0,
        seed: int = 0,
        port: int = 0,
        label: str | None = None,
    ) -> None:
        self.profile = find_profile(profile) if profile else None
        super().__init__(label or (f"simulated {profile}" if profile else "simulator"), port)
        self.models = tuple(models) or (self.profile.models if self.profile else (DEFAULT_MODEL,))
        self.api_key = api_key
        self.context_window_tokens = context
        self.faults = FaultPlan(faults, together=together, every=every, probability=probability, seed=seed)
        self._any_model = any_model
        self._tokens = tokens
        self._schedule = Schedule(ttft_ms, gap_ms)
        self._reasoning = reasoning
        self._visits: Counter[str] = Counter()

    async def respond(self, request: Request, wire: Wire) -> bool:
        """Serve one request, with the faults whose turn it is."""
        reply = self.reply_to(request)
        reply.headers.setdefault("server", OWNER)
        if "x-request-id" in request.headers:
            reply.headers.setdefault("x-request-id", request.headers["x-request-id"])
        return await wire.send(reply, self._schedule, request.arrived, keep_alive=request.keeps_alive)

    def reply_to(self, request: Request) -> Reply:
        """The reply to one request, faults included; nothing is sent."""
        route = _ROUTES.get(request.path, "unknown")
        self._visits[route] += 1
        visit = Visit(request, route, body=_lenient(request.body), models=self.models)
        faults = self.faults.due(visit, self._visits[route])
        try:
            for fault in faults:
                fault.before(visit)
            self._serve(visit, faults)
        except Refusal as refusal:
            visit.reply = refusal.reply(route)
        if self.profile is not None:
            self.profile.after(visit)
        for fault in faults:
            fault.after(visit)
        if self.profile is not None:
            mark(self.profile, visit)
        return visit.reply

    def _serve(self, visit: Visit, faults: Sequence[Fault]) -> None:
        """The good answer. Raises Refusal."""
        request = visit.request
        if visit.route == "unknown":
            raise unknown_route(request.method, request.path)
        allowed = "GET" if visit.route == "models" else "POST"
        if request.method != allowed:
            raise wrong_method(request.method, allowed)
        if self.api_key is not None and request.key != self.api_key:
            raise wrong_key()
        if visit.route == "models":
            visit.reply = self._list_models()
            return
        dialect = _DIALECTS[visit.route]
        ask: Ask = dialect.read(visit.body if visit.body is not None else decode(request.body))
        ask.reasoning = ask.reasoning or self._reasoning
        self._check(ask)
        visit.ask = ask
        if self.profile is not None:
            self.profile.amid(visit)
        for fault in faults:
            fault.amid(visit)
        visit.reply = dialect.write(ask, [answer.answer(ask, self._tokens) for _ in range(ask.n)])

    def _check(self, ask: Ask) -> None:
        """The model is one of ours, and the prompt fits its window. Raises Refusal."""
        if ask.model not in self.models and not self._any_model:
            raise unknown_model(ask.model)
        window = self.context_window_tokens
        cuts = self.profile is not None and self.profile.cuts_silently
        if window is not None and ask.prompt_tokens > window and not cuts:
            raise too_long(window, ask.prompt_tokens, "input" if ask.dialect == "responses" else "messages")

    def _list_models(self) -> Reply:
        models = [
            {"id": name, "object": "model", "created": _CREATED, "owned_by": OWNER} for name in self.models
        ]
        return document({"object": "list", "data": models})


def _lenient(raw: bytes) -> dict[str, Any] | None:
    """The body if it is a JSON object."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
