"""The Portkey gateway (npm), which is told by headers where to send what it gets."""

import json
import shutil
from pathlib import Path

from tools.servers.installing import run_step
from tools.servers.places import environment_of
from tools.servers.server import CannotBeHad, Server

HERE = Path(__file__).parent
PACKAGE = json.loads((HERE / "portkey_node" / "package.json").read_text())
GATEWAY = "@portkey-ai/gateway"


class Portkey(Server):
    """In front of llama.cpp. Its postinstall step is only for its own developers, and is left out.

    Messages it refuses for providers that speak OpenAI's API.
    """

    name = "portkey"
    schemas = ("chat", "responses")
    upstream = "llamacpp"
    ready_path = "/"

    def install(self) -> None:
        """From the versions in portkey_node/package.json. Raises CannotBeHad."""
        if not shutil.which("node") or not shutil.which("npm"):
            raise CannotBeHad("node and npm are not installed")
        environment = environment_of(self.name)
        environment.mkdir(exist_ok=True)
        wanted, there = HERE / "portkey_node" / "package.json", environment / "package.json"
        if there.is_file() and there.read_text() == wanted.read_text() and self._script().is_file():
            return
        shutil.copy(wanted, there)
        quiet = ["--no-package-lock", "--no-fund", "--no-audit", "--ignore-scripts", "--loglevel=error"]
        run_step(["npm", "install", *quiet], cwd=environment)

    def version(self) -> str:
        """As pinned, with Node's own."""
        return f"Portkey gateway {PACKAGE['dependencies'][GATEWAY]}, node {run_step(['node', '--version']).strip()}"

    def command(self, port: int, upstream_url: str) -> list[str]:
        """Without its console page."""
        shim = HERE / "portkey_node" / "preload.cjs"
        return ["node", "--require", str(shim), str(self._script()), f"--port={port}", "--headless"]

    def environment(self) -> dict[str, str]:
        """An upstream on loopback is refused unless it is trusted by name."""
        return {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}

    def options(self, upstream_url: str) -> list[str]:
        """The headers that choose the upstream."""
        headers = f"x-portkey-provider: openai\\nx-portkey-custom-host: {upstream_url}/v1"
        return ["--set", f"headers={headers}"]

    def _script(self) -> Path:
        return environment_of(self.name) / "node_modules" / GATEWAY / "build" / "start-server.js"
