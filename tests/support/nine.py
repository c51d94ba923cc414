"""The nine scenarios of format version 1: six agent prompts and three error scenarios, one of each kind of request."""

from byok_bench.scenarios.selection import load_library

AGENT_NAMES = (
    "forced-tool",
    "long-stream",
    "plain-answer",
    "structured-output",
    "tool-choice",
    "tool-round-trip",
)
ERROR_NAMES = ("bad-key", "over-long-context", "unknown-model")
AGENT = tuple(load_library()[name] for name in AGENT_NAMES)
NINE = (*AGENT, *(load_library()[name] for name in ERROR_NAMES))
