"""What the shell offers to complete: labels of the book, ids of rules, scenarios, runs.

Nothing is written while a person types: a book or a result file that cannot be read offers nothing.
"""

from byok_bench.errors import ByokBenchError


def complete_label(incomplete: str) -> list[str]:
    """Labels of the book that begin so."""
    from byok_bench.endpoints.book import EndpointBook

    try:
        labels = [endpoint.label for endpoint in EndpointBook.open().endpoints]
    except ByokBenchError:
        return []
    return [label for label in labels if label.startswith(incomplete)]


def complete_rule(incomplete: str) -> list[str]:
    """Ids of rules that begin so."""
    from byok_bench.checks.registry import load_catalogue

    return [rule.id for rule in load_catalogue() if rule.id.startswith(incomplete)]


def complete_scenario(incomplete: str) -> list[str]:
    """Names of the library's scenarios, and of its sets, that begin so."""
    from byok_bench.scenarios.selection import SETS, load_library

    return [name for name in (*SETS, *load_library()) if name.startswith(incomplete)]


def complete_run(incomplete: str) -> list[str]:
    """`last`, and ids of stored runs, newest first, that begin so."""
    from byok_bench.runs.results import list_runs

    try:
        ids = [run.id for run in list_runs()]
    except ByokBenchError:
        ids = []
    return [name for name in ("last", *reversed(ids)) if name.startswith(incomplete)]
