"""No option is ignored in silence: which options of a command make sense only beside others, and which never do.

The rules are data; `CheckedCommand` holds every command to them before it begins. Arguments are in capital letters.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand

from byok_bench.cli.console import fail


class OptionRule(NamedTuple):
    """Of one option or argument."""

    needs: tuple[str, ...] = ()
    """It is used only beside one of these."""
    apart: tuple[str, ...] = ()
    """Beside one of these it would be ignored, or would make the other be."""


_AD_HOC: Final = {name: OptionRule(needs=("--base-url",)) for name in ("--key-env", "--schema", "--set")}
"""Of an endpoint that is given by options; one of the book has its own."""
_OF_FAULTS: Final = OptionRule(needs=("--fault",))
_OF_REPLAYS: Final = OptionRule(needs=("--replay",))
_WRITTEN: Final = ("--html", "--csv", "--parquet", "--jsonl")
_SIMULATED: Final = (
    "--fault", "--profile", "--together", "--every", "--probability", "--seed", "--model", "--key-env", "--ttft-ms",
    "--gap-ms", "--tokens", "--context", "--reasoning", "--script", "--mistake", "--limit",
)  # fmt: skip
_OF_SILENCES: Final = OptionRule(needs=("--silence",))
OPTION_RULES: Final[Mapping[str, Mapping[str, OptionRule]]] = {
    "run": {
        "--model": OptionRule(needs=("--base-url",)),
        **_AD_HOC,
        "--arrivals": OptionRule(needs=("--rate", "PLAN")),
        "--ramp-to": OptionRule(needs=("--rate", "PLAN")),
        "--rate": OptionRule(apart=("--concurrency",)),
        "--dask": OptionRule(apart=("--processes",)),
        "--resume": OptionRule(
            apart=(
                "PLAN", "--new", "--scenario", "--repeats", "--concurrency", "--rate", "--arrivals", "--ramp-to",
                "--seed", "--warmup", "--attempts", "--processes", "--profile", "--note",
                "--shard", "--dry-run", "--dask", "--until-decided", "--against",
            )
        ),
        "--dry-run": OptionRule(apart=("--new", "--note", "--until-decided")),
        "--ask-key": OptionRule(needs=("--resume",)),
        "--against": OptionRule(needs=("--until-decided",)),
    },
    "runs export": {"--otel-bodies": OptionRule(needs=("--otel",))},
    "send": {
        **_AD_HOC,
        "--concurrency": OptionRule(needs=("--jsonl",)),
        "--from-line": OptionRule(needs=("--jsonl",)),
        "--bytes": OptionRule(needs=("--json",)),
        "--base-url": OptionRule(apart=("ENDPOINT",)),
    },
    "check": {
        **_AD_HOC,
        "--base-url": OptionRule(apart=("ENDPOINT",)),
        "--save": OptionRule(needs=("ENDPOINT",)),
    },
    "capabilities": {
        **_AD_HOC,
        "--base-url": OptionRule(apart=("ENDPOINT",)),
        "--save": OptionRule(needs=("ENDPOINT",)),
    },
    "limits": {
        **_AD_HOC,
        "--base-url": OptionRule(apart=("ENDPOINT",)),
        "--save": OptionRule(needs=("ENDPOINT",)),
        "--dry-run": OptionRule(apart=("--yes", "--save")),
        "--silence": OptionRule(
            apart=(
                "--max-requests", "--max-cost", "--max-seconds", "--widest", "--window-s", "--large-tokens", "--save",
            )
        ),
        "--longest-s": _OF_SILENCES,
        "--behind": _OF_SILENCES,
    },
    "bill": {
        **_AD_HOC,
        "--base-url": OptionRule(apart=("--endpoint", "RUN", "--store")),
        "--endpoint": OptionRule(apart=("RUN", "--store")),
        "--model": OptionRule(needs=("--endpoint", "--base-url")),
        "--profile": OptionRule(needs=("--endpoint", "--base-url")),
    },
    "models": {
        "--model": OptionRule(needs=("--base-url",)),
        **_AD_HOC,
        "--base-url": OptionRule(apart=("ENDPOINT",)),
    },
    "lab": {
        "--copy": OptionRule(apart=("--folder", "--port", "--browser")),
    },
    "report": {
        "--list": OptionRule(apart=("RUN", *_WRITTEN, "--judge-again", "--findings", "--exchange")),
        "--findings": OptionRule(apart=(*_WRITTEN, "--exchange")),
        "--exchange": OptionRule(apart=_WRITTEN),
        "--table": OptionRule(apart=(*_WRITTEN, "--list", "--findings", "--exchange", "--thresholds")),
    },
    "gate": {
        "--explain": OptionRule(
            apart=("RUN", "--against", "--undecided", "--junit", "--github", "--summary", "--store", "--json")
        ),
        "--github": OptionRule(apart=("--json",)),
    },
    "runs baseline": {
        "--list": OptionRule(apart=("RUN", "--as", "--export", "--store")),
    },
    "serve": {
        "--list": OptionRule(
            apart=(*_SIMULATED, "--replay", "--store", "--endpoint", "--speed", "--in-order", "--port")
        ),
        "--replay": OptionRule(apart=_SIMULATED),
        "--store": _OF_REPLAYS,
        "--endpoint": _OF_REPLAYS,
        "--speed": _OF_REPLAYS,
        "--in-order": _OF_REPLAYS,
        "--together": _OF_FAULTS,
        "--every": _OF_FAULTS,
        "--probability": _OF_FAULTS,
        "--seed": OptionRule(needs=("--probability",)),
        "--mistake": OptionRule(needs=("--script",)),
    },
    "endpoints add": {
        "--key-env": OptionRule(apart=("--key-stdin", "--key-ask")),
        "--key-stdin": OptionRule(apart=("--key-ask",)),
    },
    "endpoints edit": {
        "--key-env": OptionRule(apart=("--key-stdin", "--key-ask")),
        "--key-stdin": OptionRule(apart=("--key-ask",)),
        "--no-key": OptionRule(apart=("--key-env", "--key-stdin", "--key-ask", "--confirm-key")),
    },
}  # fmt: skip
"""Command → option → its rule. What two options mean together is else their own business."""


class CheckedCommand(TyperCommand):
    """A command that refuses options which it would ignore."""

    def invoke(self, ctx: Any) -> Any:
        """Look at what was typed, then begin."""
        if problem := find_ignored(ctx):
            fail(problem)
        return super().invoke(ctx)


class CommandGroup(typer.Typer):
    """A group of commands, all of them checked."""

    def command(self, name: str | None = None, **settings: Any) -> Any:
        """As typer's own."""
        return super().command(name, **({"cls": CheckedCommand} | settings))


def find_ignored(ctx: Any) -> str:
    """The first option that would be ignored, and why; empty if all that was typed is used."""
    rules = OPTION_RULES.get(name_command(ctx), {})
    typed = [name_parameter(one) for one in ctx.command.params if _is_typed(ctx, one)]
    for name in typed:
        rule = rules.get(name, OptionRule())
        if rule.needs and not any(other in typed for other in rule.needs):
            return f"{name} goes with {' or '.join(rule.needs)}, and would be ignored without"
        for other in rule.apart:
            if other in typed:
                return f"{name} and {other} exclude each other: leave one out"
    return ""


def name_command(ctx: Any) -> str:
    """`endpoints add`: without the program's own name, which may be several words (`python -m byok_bench`)."""
    names = []
    while ctx.parent is not None:
        names.append(ctx.info_name)
        ctx = ctx.parent
    return " ".join(reversed(names))


def name_parameter(parameter: Any) -> str:
    """`--base-url`, or the name of an argument in capital letters."""
    longest: str = max(parameter.opts, key=len)
    return longest if longest.startswith("-") else longest.upper()


def _is_typed(ctx: Any, parameter: Any) -> bool:
    source = ctx.get_parameter_source(parameter.name)
    return source is not None and source.name == "COMMANDLINE"
