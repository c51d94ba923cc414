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
from byok_bench.backends.simulator.ask import Ask, Body, decode
from byok_bench.backends.simulator.faults import Fault, FaultPlan
from byok_bench.backends.simulator.http import Request, Schedule, Wire
from byok_bench.backends.simulator.memory import Memory
from byok_bench.backends.simulator.models import OWNER, describe_model, list_models
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
from byok_bench.backends.simulator.routes import Place, envelope_of, find_place
from byok_bench.backends.simulator.serving import HttpBackend
from byok_bench.backends.simulator.visit import Visit

DEFAULT_MODEL = "simulator-1"
_DIALECTS: Mapping[str, Any] = {"chat": chat, "responses": responses, "messages": messages}


class Simulator(HttpBackend):
    """A simulated endpoint for chat, responses, messages and models, whose health can be asked as well.

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
        self._memory = Memory()

    async def respond(self, request: Request, wire: Wire) -> bool:
        """Serve one request, with the faults whose turn it is."""
        reply = self.reply_to(request)
        reply.headers.setdefault("server", OWNER)
        if "x-request-id" in request.headers:
            reply.headers.setdefault("x-request-id", request.headers["x-request-id"])
        return await wire.send(reply, self._schedule, request.arrived, keep_alive=request.keeps_alive)

    def reply_to(self, request: Request) -> Reply:
        """The reply to one request, faults included; nothing is sent."""
        place = find_place(request.path)
        self._visits[place.route] += 1
        visit = Visit(request, place.route, body=_lenient(request.body), models=self.models)
        faults = self.faults.due(visit, self._visits[place.route])
        try:
            for fault in faults:
                fault.before(visit)
            self._serve(visit, place, faults)
        except Refusal as refusal:
            visit.reply = refusal.reply(envelope_of(request))
        if self.profile is not None:
            self.profile.after(visit)
        for fault in faults:
            fault.finish(visit)
        if self.profile is not None:
            mark(self.profile, visit)
        return visit.reply

    def _serve(self, visit: Visit, place: Place, faults: Sequence[Fault]) -> None:
        """The good answer. Raises Refusal."""
        request = visit.request
        if place.route == "unknown":
            raise unknown_route(request.method, request.path)
        if request.method != place.method:
            raise wrong_method(request.method, place.method)
        if self.api_key is not None and request.key != self.api_key and place.route != "health":
            raise wrong_key()
        match place.route:
            case "health":
                visit.reply = document({"status": "ok"})
            case "models":
                visit.reply = document(list_models(request, self.models, self.context_window_tokens))
            case "model":
                names = None if self._any_model else self.models
                visit.reply = document(describe_model(request, place.id, names, self.context_window_tokens))
            case "response":
                visit.reply = document(self._memory.find_response(place.id))
            case "token-count":
                visit.reply = messages.count(self._checked(messages.read_prompt(_body(visit))))
            case _:
                self._answer(visit, faults)

    def _answer(self, visit: Visit, faults: Sequence[Fault]) -> None:
        """The answer of a model. Raises Refusal."""
        body = _body(visit)
        if visit.route == "responses":
            ask = responses.read(body, self._memory.conversation_before(body))
        else:
            ask = _DIALECTS[visit.route].read(body)
        ask.reasoning = ask.reasoning or self._reasoning
        visit.ask = self._checked(ask)
        if self.profile is not None:
            self.profile.amid(visit)
        for fault in faults:
            fault.amid(visit)
        answers = [answer.answer(ask, self._tokens) for _ in range(ask.n)]
        for fault in faults:
            for one in answers:
                fault.change(visit, one)
        visit.reply = _DIALECTS[visit.route].write(ask, answers)
        if visit.route == "responses":
            self._memory.keep(ask, visit.reply)

    def _checked(self, ask: Ask) -> Ask:
        """The same: its model is one of ours, and the prompt fits the window. Raises Refusal."""
        if ask.model not in self.models and not self._any_model:
            raise unknown_model(ask.model)
        window = self.context_window_tokens
        cuts = self.profile is not None and self.profile.cuts_silently
        if window is not None and ask.prompt_tokens > window and not cuts:
            raise too_long(window, ask.prompt_tokens, "input" if ask.dialect == "responses" else "messages")
        return ask


def _body(visit: Visit) -> Body:
    """The body of a request that has to have one. Raises Refusal."""
    return visit.body if visit.body is not None else decode(visit.request.body)


def _lenient(raw: bytes) -> dict[str, Any] | None:
    """The body if it is a JSON object."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
