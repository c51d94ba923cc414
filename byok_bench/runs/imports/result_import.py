"""import_results(): a file of another tool → a run in our store, whose every face says who measured it."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.errors import PlanError, StoreError
from byok_bench.redact import redact
from byok_bench.runs.foreign_rows import make_foreign_record
from byok_bench.runs.imports import aiperf, guidellm, k2vv
from byok_bench.runs.imports.foreign_results import ForeignExchange, ForeignResults
from byok_bench.runs.planning.plan import Job, Plan, PlanSettings, make_plan
from byok_bench.runs.results import Run
from byok_bench.runs.resumption import make_run_id
from byok_bench.runs.row import Row
from byok_bench.runs.storage import ledger, run_rows
from byok_bench.runs.storage.ledger import ExchangeEnd
from byok_bench.runs.storage.owner import name_this_process
from byok_bench.runs.storage.result_file import change_store, prepare_store
from byok_bench.runs.storage.result_path import locate_store
from byok_bench.runs.storage.run_rows import RunLabels
from byok_bench.scenarios.own_tools import OwnTool
from byok_bench.scenarios.scenario import FORMAT_VERSION, Message, Sample, Scenario

TOOLS: Final = (guidellm.TOOL, aiperf.TOOL, k2vv.TOOL)
_NOT_SAID: Final = "http://not-said.invalid"
"""Address of an endpoint whose own is not in the file; the top-level domain is kept free for such (RFC 2606)."""
_ASKED: Final = (Message(role="user", content="(as the other tool asked)"),)


class ImportNames(msgspec.Struct, frozen=True, kw_only=True):
    """What to call what a file does not name."""

    label: str = ""
    """Of the endpoint; empty: its host, or the tool."""
    model: str = ""
    scenario: str = ""
    """Empty: the tool."""
    sample: str = ""
    """All requests are repeats of this one sample; empty: each is a sample of its own."""


def import_results(
    path: Path,
    tool: str = "",
    store: Path | None = None,
    names: ImportNames = ImportNames(),  # noqa: B008 - frozen
) -> Run:
    """The run that a file became; `tool` is one of TOOLS, empty: seen by its shape.

    Raises PlanError for a file that is not of that tool, StoreError for one that was imported before.
    """
    raw = _read_bytes(path)
    results = _read_results(path, raw, tool)
    plan, jobs = _make_plan(results, names)
    digest = hashlib.sha256(raw + msgspec.json.encode(names)).hexdigest()
    target = locate_store(store)
    prepare_store(target)
    run_id = make_run_id()
    with change_store(target) as db:
        known = [one.id for one in run_rows.list_stored_runs(db) if one.plan_hash == digest]
        if known:
            raise StoreError(f"{path.name} is in this file already, as run {known[0]}", code="known_import")
        labels = RunLabels(note=f"{results.tool}: {path.name}", plan_file=path.name)
        run_rows.create_run(db, run_id, plan, digest, jobs, labels)
        for job, one in zip(jobs, results.exchanges, strict=True):
            _store_exchange(db, run_id, job, one)
        run_rows.set_status(db, run_id, "finished")
    return Run.open(run_id, target)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PlanError(f"cannot read {path}: {error.strerror or error}", code="bad_import") from None


def _read_results(path: Path, raw: bytes, tool: str) -> ForeignResults:
    documents = _decode_documents(path, raw)
    found = tool or _find_tool(path, documents[0])
    if found == guidellm.TOOL:
        return guidellm.read_guidellm(documents[0])
    if found == aiperf.TOOL:
        beside = path.with_name("profile_export_aiperf.json")
        summary = _decode_documents(beside, beside.read_bytes())[0] if beside.is_file() else None
        return aiperf.read_aiperf(documents, summary)
    return k2vv.read_k2vv(documents)


def _decode_documents(path: Path, raw: bytes) -> list[Any]:
    """The one document of a file, or its lines."""
    text = raw.decode("utf-8-sig", "replace")
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        pass
    found = []
    for number, line in enumerate(text.split("\n"), 1):  # a line separator may stand within a JSON text
        try:
            found += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError) as error:
            raise PlanError(f"{path.name}, line {number}: no JSON: {error}", code="bad_import") from None
    if not found:
        raise PlanError(f"{path.name} is empty", code="bad_import")
    return found


def _find_tool(path: Path, first: Any) -> str:
    members = first.keys() if isinstance(first, dict) else set()
    if "benchmarks" in members:
        return guidellm.TOOL
    if {"metadata", "metrics"} <= members:
        return aiperf.TOOL
    if {"data_index", "status"} <= members:
        return k2vv.TOOL
    raise PlanError(
        f"{path.name} looks like a file of none of {', '.join(TOOLS)}: say which with --from", code="bad_import"
    )


def _make_plan(results: ForeignResults, names: ImportNames) -> tuple[Plan, list[Job]]:
    """The plan that would have made these exchanges, and their places in it."""
    host, base_url = _read_address(results.base_url)
    endpoint = Endpoint(
        label=f"{names.label or host or 'endpoint'} ({results.tool})",
        base_url=base_url or _NOT_SAID,
        models=[Model(names.model or results.model)],
    )
    samples = dict.fromkeys(names.sample or one.sample for one in results.exchanges)
    scenario = Scenario(
        version=FORMAT_VERSION,
        name=names.scenario or results.tool,
        title=f"measured by {results.tool} {results.version}".strip(),
        tools=tuple(OwnTool(name=name) for name in results.tools),
        samples=tuple(Sample(name=name, messages=_ASKED) for name in samples),
    )
    jobs = _make_jobs(results.exchanges, scenario.name, names.sample)
    repeats = max(1, *(job.repeat for job in jobs), 1)
    plan = make_plan([endpoint], [scenario], PlanSettings(repeats=repeats, loads=results.loads, warmup=0))
    return msgspec.structs.replace(plan, measured_by=f"{results.tool} {results.version}".strip()), jobs


def _read_address(url: str) -> tuple[str, str]:
    """(host and port, URL without name, password and query) of an address of theirs; empty for what is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    host = parts.netloc.rpartition("@")[2]
    return host, redact(urlunsplit((parts.scheme, host, parts.path, "", ""))) if host else ""


def _make_jobs(exchanges: Sequence[ForeignExchange], scenario: str, sample: str) -> list[Job]:
    """A job each; what has a place that is taken is its next repeat."""
    taken: Counter[tuple[str, int]] = Counter()
    jobs = []
    for number, one in enumerate(exchanges):
        place = (sample or one.sample, one.stage)
        taken[place] += one.repeat > 0
        repeat = taken[place] if one.repeat else 0
        key = hashlib.sha256(f"{scenario} {place} {repeat} {number}".encode()).hexdigest()
        jobs.append(Job(key=key, target=0, scenario=scenario, sample=place[0], repeat=repeat, stage=one.stage))
    return jobs


def _store_exchange(db: Any, run_id: str, job: Job, one: ForeignExchange) -> None:
    if one.left_out:
        ledger.leave_out(db, run_id, job.key, one.left_out)
        return
    place = {"target": job.target, "stage": job.stage, "scenario": job.scenario, "sample": job.sample}
    kind = one.fields.get("kind")
    status: Literal["done", "failed"] = "failed" if kind else "done"
    fields: dict[str, Any] = place | one.fields
    if said := fields.get("message"):
        fields["message"] = redact(said)
    row = Row(exchange_id=0, turn=1, status=status, repeat=job.repeat, timeline="foreign", **fields)
    ledger.claim_attempt(db, run_id, job, 1, 1, name_this_process())
    end = ExchangeEnd(status=status, why="imported", kind=kind, phase=one.fields.get("phase"))
    ledger.store_attempt(db, run_id, job.key, 1, make_foreign_record(row), end)
