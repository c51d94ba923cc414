"""HAProxy with its defaults, which corks small writes."""

from pathlib import Path

from tools.servers.places import LOOPBACK
from tools.servers.proxies import Proxy


class HAProxy(Proxy):
    """In the foreground, with one thread, before llama.cpp."""

    name = "haproxy"
    upstream = "llamacpp"
    program = "haproxy"
    package = "haproxy"
    version_option = "-v"

    def command(self, port: int, upstream_url: str) -> list[str]:
        """`-db`: no daemon."""
        _, settings = self.configured(port, upstream_url)
        return [self._path(), "-db", "-f", str(settings)]

    def configuration(self, port: int, upstream: str, folder: Path) -> str:
        """Timeouts that a slow model keeps to."""
        return f"""global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 180s
  timeout server 180s
frontend front
  bind {LOOPBACK}:{port}
  default_backend model
backend model
  server one {upstream}
"""
