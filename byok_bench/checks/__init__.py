"""The catalogue of checks: `run_checks` judges one recorded exchange, `load_catalogue` lists what it judges by.

One file a group holds the rules, one function each: they see an exchange (seen_exchange.py), yield hits, touch nothing.
Probes are rules that have to ask; the ladder asks in order. Where findings go is not known here.

Inside: `call_arguments`, `marker_search`, `markers`, `native_reasons`, `seen_exchange`.
"""

from byok_bench.checks.registry import load_catalogue, run_checks

__all__ = ["load_catalogue", "run_checks"]
