"""What nginx and HAProxy have in common: a program of the distribution, and a file of settings."""

import re
import shutil
import subprocess
from abc import abstractmethod
from pathlib import Path

from tools.servers.places import RESULTS
from tools.servers.server import CannotBeHad, Server


class Proxy(Server):
    """A proxy. `configuration` says what it is told."""

    schemas = ("chat", "responses", "messages")
    upstream: str
    ready_path = "/health"
    program: str
    package: str
    version_option: str

    def install(self) -> None:
        """The distribution's package has to be there: this changes nothing on the machine. Raises CannotBeHad."""
        if not self._path():
            raise CannotBeHad(f"{self.program} is not installed: apt-get install {self.package}")

    def version(self) -> str:
        """As the program tells it."""
        done = subprocess.run([self._path(), self.version_option], capture_output=True, text=True, check=True)
        number = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
        return f"{self.program} {number.group() if number else '?'}"

    def configured(self, port: int, upstream_url: str) -> tuple[Path, Path]:
        """The folder that the proxy may write to, and the settings in it."""
        folder = RESULTS / self.name / "proxy"
        folder.mkdir(parents=True, exist_ok=True)
        settings = folder / "settings"
        settings.write_text(self.configuration(port, upstream_url.removeprefix("http://"), folder))
        return folder, settings

    @abstractmethod
    def configuration(self, port: int, upstream: str, folder: Path) -> str:
        """The text of the settings; upstream is `HOST:PORT`."""

    def _path(self) -> str:
        return shutil.which(self.program) or shutil.which(self.program, path="/usr/sbin:/usr/local/sbin") or ""
