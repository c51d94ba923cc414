"""Results in the shape that K2-Vendor-Verifier writes: `results.jsonl`, one exchange a line, and `summary.json`.

The members are those of its tool_calls_eval.py; what it gets wrong is not done again. Usage is that of the last chunk,
choices or none. A stream that was cut has status `failed` and no finish reason. Calls are judged whatever the finish
reason says. https://github.com/MoonshotAI/K2-Vendor-Verifier/blob/7e5a06e0a39108e2b99d46041e3a8b608b3f8f5d/tool_calls_eval.py
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import Output
from byok_bench.endpoints.atomic_files import write_atomically
from byok_bench.errors import BookError, ExportError
from byok_bench.report.evidence import name_targets
from byok_bench.report.vendor.answers import find_request_tools, judge_call
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row

_USAGE: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
Result = dict[str, Any]


def write_k2vv_results(run: Run, folder: Path) -> list[Path]:
    """Both files for each target, in a folder of its name. Raises ExportError if they cannot be written."""
    written = []
    for index, name in enumerate(name_targets(run)):
        place = folder / "".join(one if one.isalnum() or one in "-_." else "_" for one in name)
        results = list(iterate_results(run, index))
        lines = "".join(json.dumps(one, ensure_ascii=True) + "\n" for one in results)
        summary = json.dumps(summarize_results(results, run.plan.targets[index].model), indent=4) + "\n"
        for file, text in (("results.jsonl", lines), ("summary.json", summary)):
            written.append(_write(place / file, text))
    return written


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except (OSError, BookError) as error:
        raise ExportError(f"cannot write {path}: {error}", code="unwritable") from None
    return path


def iterate_results(run: Run, target: int) -> Iterator[Result]:
    """One exchange of a target after the other, by the number of its line."""
    places: dict[tuple[str, str], int] = {}
    for row in run.iterate_rows():
        if row.target == target and row.status in ("done", "failed") and not row.is_warmup and row.turn == 1:
            number = places.setdefault((row.scenario, row.sample), len(places) + 1)
            yield make_result(run, row, run.find_exchange(row.exchange_id), _find_line(row.sample) or number)


def _find_line(sample: str) -> int | None:
    number = sample.removeprefix("line-")
    return int(number) if number.isdigit() else None


def make_result(run: Run, row: Row, exchange: Exchange | None, number: int) -> Result:
    """One line."""
    body = exchange.request.body if exchange is not None else None
    is_good = row.kind is None and exchange is not None
    calls = exchange.output.tool_calls if is_good and exchange is not None else ()
    offered = find_request_tools(exchange)
    return {
        "data_index": number,
        "request": body,
        "extra_body": {},
        "response": make_response(exchange.output, row) if is_good and exchange is not None else {"error": row.message},
        "status": "success" if is_good else "failed",
        "finish_reason": row.finish_reason if is_good else None,
        "tool_calls_valid": all(judge_call(call, offered).verdict == "valid" for call in calls) if calls else None,
        "last_run_at": run.created,
        "duration_ms": None if row.e2e_ms is None else int(row.e2e_ms),
        "hash": hashlib.md5(
            json.dumps(body, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass"), usedforsecurity=False
        ).hexdigest(),
    }


def make_response(output: Output, row: Row) -> Result:
    """An answer as one chat completion."""
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in output.tool_calls
    ]
    usage = output.usage
    return {
        "object": "chat.completion",
        "model": output.served_model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": output.text, "tool_calls": calls or None},
                "finish_reason": row.finish_reason,
            }
        ],
        "usage": None if usage is None else {name: getattr(usage, name) for name in _USAGE},
    }


def summarize_results(results: Iterable[Result], model: str) -> Result:
    """The counts of `summary.json`; a denominator is answers, never attempts."""
    found = list(results)
    ends = Counter(one["finish_reason"] or "(none)" for one in found if one["status"] == "success")
    usages = [one["response"]["usage"] for one in found if one["status"] == "success" and one["response"]["usage"]]
    others = {end: count for end, count in ends.items() if end not in ("stop", "tool_calls")}
    judged = [one["tool_calls_valid"] for one in found if one["tool_calls_valid"] is not None]
    return {
        "model": model,
        "success_count": sum(one["status"] == "success" for one in found),
        "failure_count": sum(one["status"] == "failed" for one in found),
        "finish_stop": ends["stop"],
        "finish_tool_calls": ends["tool_calls"],
        "finish_others": sum(others.values()),
        "finish_others_detail": others,
        "schema_validation_error_count": judged.count(False),
        "successful_tool_call_count": judged.count(True),
        "usage": {name: sum(one[name] or 0 for one in usages) for name in _USAGE},
    }
