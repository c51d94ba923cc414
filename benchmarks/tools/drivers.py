"""How each tool is called with the same load, and where it reports what it saw.

`report` reads what a tool wrote: TTFT in ms, tokens it counted, requests it calls failed, and in what words.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.measure import quantile
from benchmarks.tools.corpus import HUB_NAME

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ask:
    """What a tool is asked to do."""

    base: str
    model: str
    streams: int
    rounds: int
    events: int
    folder: Path
    """For its files; holds the tokenizer."""
    book: str

    @property
    def requests(self) -> int:
        return self.streams * self.rounds


@dataclass(frozen=True)
class Report:
    """What a tool says; None where it does not."""

    ttft_p50: float | None = None
    ttft_p99: float | None = None
    tokens: int | None = None
    failed: int = 0
    words: str = ""
    """What it calls the failures."""


@dataclass(frozen=True)
class Tool:
    """A tool, its package, and its program."""

    name: str
    package: str
    command: Callable[[Ask], list[str]]
    """Arguments of the program."""
    report: Callable[[Path, str], Report]
    """(folder, what it printed) → report."""
    environment: dict[str, str] = field(default_factory=dict)


def _values(seconds: list[float]) -> dict[str, float | None]:
    """Median and tail in ms of a list of seconds."""
    if not seconds:
        return {"ttft_p50": None, "ttft_p99": None}
    return {"ttft_p50": median(seconds) * 1000, "ttft_p99": quantile(seconds, 0.99) * 1000}


def _json(path: Path) -> Any:
    return json.loads(path.read_text()) if path.exists() else None


def _byok(ask: Ask) -> list[str]:
    options = [
        "--scenario",
        "plain-answer",
        "--repeats",
        str(ask.requests),
        "--concurrency",
        str(ask.streams),
    ]
    options += ["--warmup", "0", "--store", str(ask.folder / "bench.sqlite"), "--new", "--json"]
    return ["run", "--base-url", f"{ask.base}/v1", "--model", ask.model, *options]


def _byok_report(folder: Path, printed: str) -> Report:
    tables = json.loads(printed)["tables"]
    (latency,), (summary,), (errors,), (streaming,) = (
        tables[name] for name in ("latency", "summary", "errors", "streaming")
    )
    words = f"{errors['seen'].partition(' ×')[0]}: {streaming['findings'].partition(' ×')[0]}"
    return Report(latency["ttft_ms"], latency["ttft_p99_ms"], summary["tokens_out"], summary["failed"], words)


def _servebench(ask: Ask) -> list[str]:
    options = ["--concurrency", str(ask.streams), "--num-requests", str(ask.requests), "--warmup", "0"]
    options += ["--output-len", str(ask.events), "--no-gpu", "--out", str(ask.folder / "servebench.json")]
    return ["run", "--url", f"{ask.base}/v1", "--model", ask.model, "--api-key", "unused", *options]


def _servebench_report(folder: Path, printed: str) -> Report:
    level = _json(folder / "servebench.json")["levels"][0]
    requests, summary = level["requests"], level["summary"]
    times = [one["ttft"] for one in requests if one["ttft"] is not None]
    words = ", ".join(summary.get("errors", {}))
    return Report(
        **_values(times),
        tokens=sum(one["output_tokens"] or 0 for one in requests),
        failed=summary["failed"],
        words=words,
    )


def _infermark(ask: Ask) -> list[str]:
    options = ["-n", str(ask.requests), "-c", str(ask.streams), "--max-tokens", str(ask.events)]
    options += ["--warmup", "0", "-o", str(ask.folder / "infermark.json")]
    return ["run", f"{ask.base}/v1", "-m", ask.model, "--api-key", "unused", *options]


def _infermark_report(folder: Path, printed: str) -> Report:
    result = _json(folder / "infermark.json")["results"][0]
    times = result.get("ttft") or {}
    tokens = round(result["tokens_per_second"] * result["total_duration"])
    milliseconds = {rank: times[rank] * 1000 if times.get(rank) else None for rank in ("p50", "p99")}
    return Report(milliseconds["p50"], milliseconds["p99"], tokens, result["n_error"], "error")


def _benchy(ask: Ask) -> list[str]:
    options = ["--tokenizer", str(ask.folder / "tokenizer"), "--book-url", ask.book, "--pp", "16"]
    options += ["--tg", str(ask.events), "--runs", str(ask.rounds), "--concurrency", str(ask.streams)]
    options += ["--latency-mode", "none", "--skip-coherence", "--no-warmup", "--no-adapt-prompt"]
    options += ["--format", "json", "--save-result", str(ask.folder / "llama-benchy.json")]
    return ["--base-url", f"{ask.base}/v1", "--model", ask.model, *options]


def _benchy_report(folder: Path, printed: str) -> Report:
    result = _json(folder / "llama-benchy.json")["benchmarks"][0]
    times = (result["e2e_ttft"] or {}).get("values", [])
    failed = printed.count("Error during run")
    return Report(**_values([one / 1000 for one in times]), failed=failed, words="error during run")


def _guidellm(ask: Ask) -> list[str]:
    options = ["--backend", f"kind=openai_http,target={ask.base},model={ask.model}"]
    options += ["--profile", f"kind=concurrent,streams={ask.streams}"]
    options += ["--constraint", f"kind=max_requests,count={ask.requests}"]
    options += ["--tokenizer", f"kind=hf_auto,model={ask.folder / 'tokenizer'}"]
    options += ["--data", f"kind=synthetic_text,prompt_tokens=16,output_tokens={ask.events}"]
    options += ["--output", f"kind=json,path={ask.folder / 'guidellm.json'}", "--disable-console-interactive"]
    return ["run", *options]


def _guidellm_report(folder: Path, printed: str) -> Report:
    result = _json(folder / "guidellm.json")["benchmarks"][0]
    requests = result["requests"]
    good = requests["successful"]
    times = [one["time_to_first_token_ms"] / 1000 for one in good if one.get("time_to_first_token_ms")]
    tokens = sum(one.get("output_tokens") or 0 for one in good)
    return Report(**_values(times), tokens=tokens, failed=len(requests["errored"]), words="errored")


def _aiperf(ask: Ask) -> list[str]:
    options = ["--endpoint-type", "chat", "--streaming", "--concurrency", str(ask.streams)]
    options += ["--request-count", str(ask.requests), "--tokenizer", HUB_NAME]
    options += ["--isl", "16", "--osl", str(ask.events), "--use-server-token-count", "--no-gpu-telemetry"]
    options += ["--no-server-metrics", "--artifact-dir", str(ask.folder / "aiperf"), "--ui", "none"]
    return ["profile", "--url", ask.base, "--model", ask.model, *options]


def _aiperf_report(folder: Path, printed: str) -> Report:
    found = next((folder / "aiperf").rglob("profile_export_aiperf.json"))
    result = json.loads(found.read_text())
    times = result.get("time_to_first_token") or {}
    counted = result.get("total_output_tokens") or result.get("total_osl") or {}
    failed = (result.get("error_request_count") or {}).get("avg") or 0
    tokens = counted.get("avg")
    return Report(times.get("p50"), times.get("p99"), None if tokens is None else round(tokens), int(failed), "error")


OFFLINE: Final = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
OURS: Final = Tool("byok-bench", f"{ROOT}[fast]", _byok, _byok_report)
TOOLS: Final = (
    Tool("servebench", "servebench", _servebench, _servebench_report),
    Tool("infermark", "infermark[cli]", _infermark, _infermark_report),
    Tool("llama-benchy", "llama-benchy", _benchy, _benchy_report, OFFLINE),
    Tool("guidellm", "guidellm", _guidellm, _guidellm_report, OFFLINE),
    Tool("aiperf", "aiperf", _aiperf, _aiperf_report, OFFLINE),
)
