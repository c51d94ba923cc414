"""Simulator: a correct model server with a schedule, that breaks what it is told to break.

    async with Simulator(faults=["stream.bom"]) as server:
        server.endpoint

Routes, keys, models and window are in here; answers, their wording in each dialect, and faults are elsewhere.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from byok_bench.backends.simulator import answer
from byok_bench.backends.simulator.ask import Ask, Body, read_json_body
from byok_bench.backends.simulator.dialects import chat, messages, responses
from byok_bench.backends.simulator.faults import Fault, FaultPlan, find_faults
from byok_bench.backends.simulator.http import Request, Schedule, Wire
from byok_bench.backends.simulator.http_backend import HttpBackend
from byok_bench.backends.simulator.model_list import OWNER, build_model_entry, build_model_list
from byok_bench.backends.simulator.profiles import find_profile, mark_simulation
from byok_bench.backends.simulator.rate_limits import Limiter, RateLimits, make_rate_limits
from byok_bench.backends.simulator.refusal import (
    Refusal,
    make_too_long,
    make_unknown_model,
    make_unknown_route,
    make_wrong_key,
    make_wrong_method,
)
from byok_bench.backends.simulator.reply import Reply, make_json_reply
from byok_bench.backends.simulator.response_memory import ResponseMemory
from byok_bench.backends.simulator.routes import Place, choose_envelope, find_place
from byok_bench.backends.simulator.script import (
    Entry,
    Script,
    build_substitute_body,
    make_scripted_answers,
    refuse_as_scripted,
)
from byok_bench.backends.simulator.silences import find_silence, insert_silence
from byok_bench.backends.simulator.visit import Visit

DEFAULT_MODEL = "simulator-1"
DEFAULT_WINDOW = 4096
LARGEST_BODY = 32 * 1024 * 1024
"""Bytes of a request that is served."""
SCRIPTED_WINDOW = 1_048_576
"""Tokens of prompt that are accepted with a script: scenarios may be long."""
_DIALECTS: Mapping[str, Any] = {"chat": chat, "responses": responses, "messages": messages}


class Simulator(HttpBackend):
    """A simulated endpoint for chat, responses, messages and models, whose health can be asked as well.

    tokens: length of a plain answer, unless the prompt asks for a number of words. ttft_ms, gap_ms: its schedule.
    context: tokens of prompt that are accepted; None: 4096, or a million with a script. reasoning: think before each
    answer. api_key: demanded if given.
    any_model: serve whatever model is asked for, not only those listed.
    faults: ids, see list_faults(). One acts at a time, in turn among those that fit the request, or all `together`;
    on every n-th request for a route (`every`), each with `probability` (drawn from `seed`).
    profile: name of a known server's behaviour (profiles.py); faults come on top.
    script: answers to requests that it knows (script.py; `make_script` makes one of scenarios); what it does not know
    is answered as ever. mistake: in place of the right answers the n-th wrong run of each sample that has as many.
    limits: rate limits that are held, as RateLimits or a mapping of its fields (rate_limits.py). A prompt may ask for
    a silence (silences.py).
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
        context: int | None = None,
        reasoning: bool = False,
        together: bool = False,
        every: int = 1,
        probability: float = 1.0,
        seed: int = 0,
        script: Sequence[Entry] | Any = (),
        mistake: int = 0,
        limits: RateLimits | Mapping[str, Any] | None = None,
        port: int = 0,
        label: str | None = None,
    ) -> None:
        self.profile = find_profile(profile) if profile else None
        super().__init__(label or (f"simulated {profile}" if profile else "simulator"), port)
        self.models = tuple(models) or (self.profile.models if self.profile else (DEFAULT_MODEL,))
        self.api_key = api_key
        self.context_window_tokens = context or (SCRIPTED_WINDOW if script else DEFAULT_WINDOW)
        self.script = Script(self.read_script(script), mistake)
        find_faults(self.script.faults)  # said now, and not by a request that nobody answers
        self.faults = FaultPlan(faults, together=together, every=every, probability=probability, seed=seed)
        self._any_model = any_model
        self._tokens = tokens
        self._schedule = Schedule(ttft_ms, gap_ms)
        self._reasoning = reasoning
        self._visits: Counter[str] = Counter()
        self._memory = ResponseMemory()
        self._limiter = Limiter(make_rate_limits(limits))

    @staticmethod
    def read_script(script: Any) -> Sequence[Entry]:
        """The entries of what was given as script."""
        return list(script)

    async def answer_request(self, request: Request, wire: Wire) -> bool:
        """Serve one request, with the faults whose turn it is."""
        reply = self.make_reply(request)
        reply.headers.setdefault("server", OWNER)
        if "x-request-id" in request.headers:
            reply.headers.setdefault("x-request-id", request.headers["x-request-id"])
        try:
            return await wire.send_reply(reply, self._schedule, request.arrived, keep_alive=request.is_keep_alive)
        finally:
            self._limiter.release(id(request))

    def make_reply(self, request: Request) -> Reply:
        """The reply to one request, faults included; nothing is sent."""
        place = find_place(request.path)
        self._visits[place.route] += 1
        visit = Visit(request, place.route, body=_find_body(request.body), models=self.models)
        faults = self.faults.choose_faults(visit, self._visits[place.route])
        entry = self.script.find_entry(visit)
        if entry is not None and entry["answer"].get("fault"):
            faults = [*faults, *find_faults([entry["answer"]["fault"]])]
        try:
            for fault in faults:
                fault.before(visit)
            if entry is None:
                self._serve(visit, place, faults)
            else:
                self._serve_scripted(visit, place, faults, entry)
        except Refusal as refusal:
            visit.reply = refusal.to_reply(choose_envelope(request))
        if self.profile is not None:
            self.profile.after(visit)
        for fault in faults:
            fault.change_reply(visit)
        if self.profile is not None:
            mark_simulation(self.profile, visit)
        return visit.reply

    def _serve(self, visit: Visit, place: Place, faults: Sequence[Fault], entry: Entry | None = None) -> None:
        """The good answer. Raises Refusal."""
        request = visit.request
        if len(request.body) > LARGEST_BODY:
            raise Refusal(413, "The body is too large.", code="request_too_large")
        if place.route == "unknown":
            raise make_unknown_route(request.method, request.path)
        if request.method != place.method:
            raise make_wrong_method(request.method, place.method)
        if self.api_key is not None and request.key != self.api_key and place.route != "health":
            raise make_wrong_key()
        match place.route:
            case "health":
                visit.reply = make_json_reply({"status": "ok"})
            case "models":
                visit.reply = make_json_reply(build_model_list(request, self.models, self.context_window_tokens))
            case "model":
                names = None if self._any_model else self.models
                visit.reply = make_json_reply(build_model_entry(request, place.id, names, self.context_window_tokens))
            case "response":
                visit.reply = make_json_reply(self._memory.find_response(place.id))
            case "token-count":
                visit.reply = messages.write_token_count(self._check_ask(messages.read_prompt(_read_body(visit))))
            case _:
                self._answer(visit, faults, entry)

    def _serve_scripted(self, visit: Visit, place: Place, faults: Sequence[Fault], entry: Entry) -> None:
        """What the script says, to a request that is good, or that is to be answered anyway. Raises Refusal."""
        refuse_as_scripted(entry)
        if entry.get("anyway"):
            visit.body = build_substitute_body(visit)
            self._answer(visit, faults, entry)
        else:
            self._serve(visit, place, faults, entry)

    def _answer(self, visit: Visit, faults: Sequence[Fault], entry: Entry | None) -> None:
        """The answer of a model. Raises Refusal."""
        body = _read_body(visit)
        if visit.route == "responses":
            ask = responses.read_ask(body, self._memory.find_conversation(body))
        else:
            ask = _DIALECTS[visit.route].read_ask(body)
        ask.reasoning = ask.reasoning or self._reasoning
        visit.ask = self._check_ask(ask)
        if self.profile is not None:
            self.profile.amid(visit)
        for fault in faults:
            fault.amid(visit)
        if entry is None:
            answers = [answer.make_answer(ask, self._tokens) for _ in range(ask.n)]
        else:
            answers = make_scripted_answers(entry, ask)
        for fault in faults:
            for one in answers:
                fault.change_answer(visit, one)
        told = self._limiter.admit(id(visit.request), ask.prompt_tokens + sum(one.tokens for one in answers))
        visit.reply = _DIALECTS[visit.route].write_reply(ask, answers)
        visit.reply.headers |= told
        if silence := find_silence(ask.prompt):
            insert_silence(visit.reply, silence, self._schedule)
        if visit.route == "responses":
            self._memory.keep_response(ask, visit.reply)

    def _check_ask(self, ask: Ask) -> Ask:
        """The same: its model is one of ours, and the prompt fits the window. Raises Refusal."""
        if ask.model not in self.models and not self._any_model:
            raise make_unknown_model(ask.model)
        window = self.context_window_tokens
        cuts = self.profile is not None and self.profile.has_silent_cut
        if window is not None and ask.prompt_tokens > window and not cuts:
            raise make_too_long(window, ask.prompt_tokens, "input" if ask.dialect == "responses" else "messages")
        return ask


def _read_body(visit: Visit) -> Body:
    """The body of a request that has to have one. Raises Refusal."""
    return visit.body if visit.body is not None else read_json_body(visit.request.body)


def _find_body(raw: bytes) -> dict[str, Any] | None:
    """The body if it is a JSON object."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
