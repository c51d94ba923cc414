"""llama.cpp's server as the product embeds it: what stands behind the proxies and Portkey."""

import asyncio
import signal
import sys
from importlib.metadata import version

from byok_bench.backends.llamacpp import LlamaCpp
from tools.servers.places import ROOT
from tools.servers.server import Server


class LlamaCppServer(Server):
    """Installed by `make` itself, so that there is nothing to install."""

    name = "llamacpp"
    schemas = ("chat", "responses", "messages")

    def install(self) -> None:
        """Nothing."""

    def version(self) -> str:
        """By its package."""
        return f"llama.cpp (xllamacpp {version('xllamacpp')})"

    def environment(self) -> dict[str, str]:
        """Every server runs in the folder of the results."""
        return {"PYTHONPATH": str(ROOT)}

    def command(self, port: int, upstream_url: str) -> list[str]:
        """This module as a program."""
        return [sys.executable, "-m", "tools.servers.llamacpp", str(port)]


async def serve(port: int) -> None:
    """Until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with LlamaCpp(port=port):
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
