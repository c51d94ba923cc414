"""Every fault of the simulator, met by every client: right, raises, or wrong without a word.

The clients run in environments of their own (`make clients`), one process each for Python and Node, which is fed jobs
as JSON lines. What a client makes of the same server without the fault's last step is what it should have got.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from support.sdk import Call, Seen
from support.sdk_words import numbered, told
from support.simulated import KEY, QUESTION, body_for

from byok_bench.backends.simulator.faults import Fault, list_faults
from byok_bench.backends.simulator.faults.fault import leave_visit
from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.client_effects import ClientEffect, Outcome
from byok_bench.checks.registry import load_catalogue as checks
from byok_bench.checks.registry import run_checks
from byok_bench.endpoints.send import send
from byok_bench.wire.limits import Timeouts

ROOT: Final = Path(__file__).parents[3]
PYTHON: Final = ROOT / ".venv-clients/bin/python"
NODE: Final = ROOT / ".venv-clients-node"
CLIENTS: Final[Mapping[str, Sequence[str]]] = {
    "openai-python": ("chat", "responses"),
    "anthropic-python": ("messages",),
    "litellm": ("chat",),
    "langchain": ("chat", "responses", "messages"),
    "pydantic-ai": ("chat", "responses", "messages"),
    "openai-node": ("chat", "responses"),
    "anthropic-node": ("messages",),
    "vercel-ai": ("chat", "responses", "messages"),
}
"""Client → dialects that it is played in."""
ON_NODE: Final = ("openai-node", "anthropic-node", "vercel-ai")
WAITS: Final = ("stream.stall", "stream.open-after-done")
"""Faults that are noticed by waiting; read in haste."""
MADE_UP: Final = re.compile(r"(pyd_ai_|lc_|call_ai_)[0-9A-Za-z-]{16,}|aitxt-[0-9A-Za-z]{16,}|^[0-9A-Za-z]{16}$")
"""Ids that clients draw where a server sends none."""
HASTE_S: Final = 1.0
PATIENCE_S: Final = 20.0
_PASSIVE: Final = {one.id for one in checks() if one.mode == "passive"}
FAULTS: Final = [one for one in list_faults() if one.id in _PASSIVE and one.route != "models"]


@dataclass(frozen=True)
class Form:
    """A way to ask: a dialect, streamed or whole."""

    schema: str
    stream: bool


class Worker:
    """One process of clients."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    async def play(self, job: Mapping[str, Any]) -> Seen:
        """What the client of a job makes of its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            line = await self._process.stdout.readline()
        seen = json.loads(line)
        calls = [
            Call(MADE_UP.sub("one of its own", one["id"] or "") or None, one["name"], one["arguments"])
            for one in seen["calls"]
        ]
        return numbered(
            Seen(
                text=seen.get("text") or "",
                calls=calls,
                finish_reason=seen["finish_reason"],
                usage=seen["usage"],
                error=seen["error"],
            )
        )


def _name_id(given: Any) -> str | None:
    """An id as it came, but for one that the client drew."""
    return MADE_UP.sub("one of its own", given) if isinstance(given, str) else None


@asynccontextmanager
async def start_worker(on_node: bool) -> AsyncIterator[Worker]:
    """The process of one language, ended in the end."""
    here = Path(__file__).parent
    script = here / "node_clients.mjs" if on_node else here / "python_clients.py"
    command = ["node", str(NODE / script.name)] if on_node else [str(PYTHON), str(script)]
    if on_node:
        # A module is looked for beside the file that asks for it.
        (NODE / script.name).write_bytes(script.read_bytes())
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        limit=1 << 24,
    )  # fmt: skip
    try:
        yield Worker(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            process.kill()
        await process.wait()


def list_forms(fault: Fault) -> Iterator[Form]:
    """The ways to ask in which a fault may show."""
    for schema in (fault.route,) if fault.route else ("chat", "responses", "messages"):
        for stream in (True, False):
            if ("stream" not in fault.needs or stream) and ("document" not in fault.needs or not stream):
                yield Form(schema, stream)


def build_body(fault: Fault, form: Form) -> dict[str, Any]:
    """A request in which the fault shows, if it shows in this form at all."""
    needs = [need for need in fault.needs if need != "document"]
    if "no_usage" not in needs and form.schema == "chat":
        needs.append("include_usage")
    body = body_for(form.schema, *needs, *(() if form.stream else ("document",)))
    if "tool_choice" in needs:
        body["tool_choice"] = "required"
    return {"model": "simulator-1", **body}


async def find_findings(fault: Fault, form: Form, body: Mapping[str, Any]) -> set[str]:
    """What byok-bench finds in the answer."""
    timeouts = Timeouts(first_byte=HASTE_S, idle=HASTE_S) if fault.id in WAITS else None
    async with Simulator(api_key=KEY, faults=[fault.id], ttft_ms=0, gap_ms=0) as server:
        exchange = await send(server.get_endpoint(form.schema), dict(body), timeouts=timeouts)
    return {one.check for one in run_checks(exchange)}


async def play_fault(fault: Fault, clients: Sequence[str], workers: Mapping[bool, Worker]) -> list[ClientEffect]:
    """What each client makes of a fault, in each form in which the fault shows."""
    effects = []
    for form in list_forms(fault):
        body = build_body(fault, form)
        if fault.id not in await find_findings(fault, form, body):
            continue
        for client in clients:
            if form.schema in CLIENTS[client]:
                effect = await play_client(fault, form, body, client, workers[client in ON_NODE])
                effects += [effect] if effect is not None else []
    return effects


async def play_client(
    fault: Fault, form: Form, body: Mapping[str, Any], client: str, worker: Worker
) -> ClientEffect | None:
    """One client; None if it cannot ask so that the fault shows."""
    job = {
        "client": client, "schema": form.schema, "stream": form.stream, "key": KEY, "body": body, "prompt": QUESTION,
        "timeout": HASTE_S if fault.id in WAITS else PATIENCE_S,
    }  # fmt: skip
    async with Simulator(api_key=KEY, faults=[fault.id], ttft_ms=0, gap_ms=0) as server:
        server.faults.faults = [replace(fault, before=leave_visit, after=leave_visit)]
        want = await worker.play({**job, "base_url": server.base_url, "timeout": PATIENCE_S})
        if want.error is not None:
            return None
        server.faults.faults = [fault]
        seen = await worker.play({**job, "base_url": server.base_url})
    words = told(seen, want)
    outcome: Outcome = "right" if not words else "raises" if seen.error is not None else "wrong"
    return ClientEffect(
        check=fault.id, client=client, schema=form.schema, stream=form.stream, outcome=outcome, words=words
    )


async def play_all(faults: Sequence[Fault], clients: Sequence[str], *, on_node: bool) -> list[ClientEffect]:
    """Every fault for the clients of one language."""
    async with start_worker(on_node) as worker:
        played = [await play_fault(fault, clients, {on_node: worker}) for fault in faults]
    return [effect for effects in played for effect in effects]
