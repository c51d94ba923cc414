"""Write docs/clients.md and byok_bench/checks/clients.json again, from real runs (minutes, loopback only).

    python tools/make_clients_page.py            the Python clients, and those on Node where they are installed
    python tools/make_clients_page.py --page     the page alone, from the data that is there

Clients that are not installed keep what was played last. tests/e2e/test_clients.py compares the data with fresh runs.
"""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.clients.page import DATA, PAGE, read_versions, render_page, write_data
from support.clients.play import CLIENTS, FAULTS, NODE, ON_NODE, PYTHON, play_all

from byok_bench.checks.client_effects import ClientEffect, ClientEffects, load_client_effects


async def play() -> ClientEffects:
    """What is installed, played; the rest as it was."""
    known = load_client_effects() if DATA.exists() else ClientEffects(versions={}, effects=())
    has_node = (NODE / "node_modules").exists()
    clients = [one for one in CLIENTS if (has_node if one in ON_NODE else PYTHON.exists())]
    played: list[ClientEffect] = []
    for on_node in (False, True):
        of_language = [one for one in clients if (one in ON_NODE) == on_node]
        if of_language:
            played += await play_all(FAULTS, of_language, on_node=on_node)
    kept = [one for one in known.effects if one.client not in clients]
    versions = {**known.versions, **read_versions(clients)}
    return ClientEffects(
        versions={client: versions[client] for client in CLIENTS if client in versions},
        effects=tuple(sorted([*played, *kept], key=lambda one: (one.check, one.schema, not one.stream, one.client))),
    )


if __name__ == "__main__":
    if "--page" not in sys.argv:
        write_data(asyncio.run(play()))
        load_client_effects.cache_clear()
    PAGE.write_text(render_page(load_client_effects()), "utf-8")
