"""`python -m tools.servers [NAME…] [--schema S]`: play them all, or these; `--serve NAME PORT` only starts one."""

import argparse
import signal
import sys
import threading

from tools.servers.haproxy import HAProxy
from tools.servers.litellm import LiteLLM
from tools.servers.llamacpp import LlamaCppServer
from tools.servers.nginx import Nginx
from tools.servers.places import KEY_VARIABLE, MODEL, RESULTS
from tools.servers.play import play, up
from tools.servers.portkey import Portkey
from tools.servers.server import CannotBeHad, Server
from tools.servers.transformers_serve import TransformersServe
from tools.servers.vllm import VLLM

SERVERS: dict[str, Server] = {
    one.name: one for one in (LlamaCppServer(), Nginx(), HAProxy(), Portkey(), TransformersServe(), VLLM(), LiteLLM())
}
"""The fast ones first."""


def main() -> int:
    """Exit code 0 if every server that was named could be had."""
    parser = argparse.ArgumentParser(prog="python -m tools.servers", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--schema", action="append", default=[], help="only in this dialect; repeatable")
    parser.add_argument("--serve", type=int, metavar="PORT", help="start one, until Ctrl-C, and ask nothing")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in SERVERS]:
        parser.error(f"no such server: {', '.join(unknown)}")
    # SIGTERM has to run the same ends as Ctrl-C: servers are stopped there.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.serve is not None:
        return _serve(SERVERS[options.names[0]], options.serve)
    missing = [one for one in options.names or SERVERS if not _play(SERVERS[one], options.schema)]
    return 1 if missing else 0


def _play(server: Server, schemas: list[str]) -> bool:
    """False if it can't be had here, which is said and stops nobody."""
    try:
        print("\n".join(play(server, SERVERS, schemas)), flush=True)
    except CannotBeHad as reason:
        print(f"{server.name}: not to be had here: {reason}", flush=True)
        return False
    return True


def _serve(server: Server, port: int) -> int:
    folder = RESULTS / server.name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with up(server, SERVERS, folder, port) as (url, upstream_url):
            told = [f"--base-url {url}/v1 --model {MODEL}", *server.options(upstream_url)]
            told += ["--key-env", KEY_VARIABLE] if server.key() else []
            print(f"{server.version()}: {' '.join(told)}; Ctrl-C stops it", flush=True)
            threading.Event().wait()
    except CannotBeHad as reason:
        sys.exit(f"{server.name}: not to be had here: {reason}")
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
