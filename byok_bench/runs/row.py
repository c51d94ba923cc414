"""Row: what one exchange of a run amounts to. Every number that was not observed is None. Terms: docs/metrics.md."""

import msgspec

from byok_bench.checks.finding import Finding
from byok_bench.runs.storage import ascii_json


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one exchange of a run amounts to."""

    exchange_id: int
    target: int
    """Index into the plan's targets."""
    stage: int
    scenario: str
    sample: str
    repeat: int
    """0 for warm-up."""
    turn: int
    status: str
    """done, failed, left_out, planned, sent: as stored."""
    attempt: int = 0
    wants_failure: bool = False
    """It belongs to an error scenario."""
    outcome: str | None = None
    """ok, unmet, failed, excluded; on the last turn of a sample, None on the others."""
    why: tuple[str, ...] = ()
    """Why the outcome is not ok."""
    stopped: str | None = None
    """Why the sample ended although something would have followed (rounds, tokens, seconds, cost); on its last turn."""
    http_status: int | None = None
    end: str | None = None
    streamed: bool = False
    """The request asked for a stream."""
    kind: str | None = None
    phase: str | None = None
    retryable: bool | None = None
    retry_after_s: float | None = None
    message: str | None = None
    """The server's words, or ours."""
    start_ns: int | None = None
    """Intended start, monotonic."""
    end_ns: int | None = None
    """Nothing came any more, monotonic."""
    waited_ms: float | None = None
    """How long this side waited before the request, since a 429 had told it to; in no other time."""
    client_ms: float | None = None
    """What lay between the answer before and this request on our side: reading it, running tools, wording. None for the
    first turn. It is in no other time."""
    caused_by_us: bool = False
    """A 429 within the cooldown that an error scenario of this run caused, or an answer that broke off while this
    machine slept; it is not among what failed."""
    queue_ms: float | None = None
    """Intended start → request written, without dns, connect and tls."""
    late_ms: float | None = None
    """Intended start → request written, all of it: what an open loop adds to the latency that a user sees."""
    connect_ms: float | None = None
    """dns + connect + tls; None on a kept-alive connection."""
    ttfb_ms: float | None = None
    ttft_ms: float | None = None
    ttft_text_ms: float | None = None
    ttft_reasoning_ms: float | None = None
    ttft_tool_ms: float | None = None
    e2e_ms: float | None = None
    tpot_ms: float | None = None
    itl_ms: tuple[float, ...] = ()
    clock: str | None = None
    """Which clock stamped the bytes."""
    timeline: str = ""
    """Stamps of two timelines (machines, or boots of one) cannot be compared."""
    reused: bool = False
    flags: tuple[str, ...] = ()
    deltas: int = 0
    """Deltas that carried output."""
    events: int = 0
    chunks: int = 0
    body_bytes: int = 0
    tokens: int | None = None
    """Completion tokens: the server's usage, else the deltas counted."""
    tokens_from: str | None = None
    """usage, deltas, or foreign: as another tool counted."""
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    """Of the prompt, as far as the server tells; in Messages beside it."""
    reasoning_tokens: int | None = None
    cost: float | None = None
    """What the server said it charged, else the declared price times its tokens."""
    reported_cost: float | None = None
    """What the server said it charged, in its own unit."""
    priced_cost: float | None = None
    """The declared price times the server's tokens."""
    text_chars: int = 0
    reasoning_chars: int = 0
    tool_calls: tuple[str, ...] = ()
    """Names of the tools that were called."""
    valid_calls: int = 0
    """Calls of an offered tool whose arguments are JSON that fits its schema."""
    call_faults: tuple[str, ...] = ()
    """Class of each other call: invalid_json, unknown_name, schema_mismatch."""
    finish_reason: str | None = None
    served_model: str | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def is_warmup(self) -> bool:
        """It stays out of every table."""
        return self.repeat == 0


def encode_row(row: Row) -> bytes:
    """ASCII JSON: a server's text may hold what UTF-8 has no form for."""
    return ascii_json.to_ascii_fast(row)


def decode_row(row: bytes) -> Row:
    """The row that was kept."""
    return ascii_json.from_ascii_fast(row, Row)
