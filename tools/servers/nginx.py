"""nginx with gzip for event streams, and its buffering as it is by default: what many put before a model."""

from pathlib import Path

from tools.servers.places import LOOPBACK
from tools.servers.proxies import Proxy


class Nginx(Proxy):
    """Nothing is written outside of the folder of its results, by the user who started it.

    It stands before vLLM, which does not tell it to let streams through (`X-Accel-Buffering`), as llama.cpp does.
    """

    name = "nginx"
    upstream = "vllm"
    program = "nginx"
    package = "nginx-light"
    version_option = "-v"

    def command(self, port: int, upstream_url: str) -> list[str]:
        """In the foreground."""
        folder, settings = self.configured(port, upstream_url)
        return [self._path(), "-p", str(folder), "-e", "stderr", "-c", str(settings)]

    def configuration(self, port: int, upstream: str, folder: Path) -> str:
        """One server, one location."""
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "\n".join(f"  {kind}_temp_path {folder}/{kind};" for kind in kinds)
        return f"""daemon off;
master_process off;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 128; }}
http {{
{temporary}
  access_log off;
  client_max_body_size 16m;
  gzip on;
  gzip_proxied any;
  gzip_types text/event-stream application/json;
  gzip_min_length 0;
  server {{
    listen {LOOPBACK}:{port};
    location / {{ proxy_pass http://{upstream}; }}
  }}
}}
"""
