"""`transformers serve` of Hugging Face's library, on the CPU."""

from tools.servers.installing import install_pins, pinned
from tools.servers.model import ensure_weights
from tools.servers.places import LOOPBACK, MODEL, environment_of, program_beside
from tools.servers.server import Server


class TransformersServe(Server):
    """It serves the one model that it is started with."""

    name = "transformers"
    schemas = ("chat", "responses")
    start_timeout_s = 300.0
    is_blocked_afterwards = True

    def install(self) -> None:
        """Some 1.5 GB. Raises CannotBeHad."""
        ensure_weights(install_pins(self.name))

    def version(self) -> str:
        """As pinned."""
        return f"transformers serve {pinned(self.name, 'transformers')}, torch {pinned(self.name, 'torch')} (CPU)"

    def command(self, port: int, upstream_url: str) -> list[str]:
        """The model by its folder, seen from that of the results, which is the one name that it answers to."""
        program = program_beside(environment_of(self.name), "transformers")
        return [program, "serve", MODEL, "--host", LOOPBACK, "--port", str(port), "--device", "cpu"]

    def environment(self) -> dict[str, str]:
        """Nothing is fetched from a hub."""
        return {
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "DO_NOT_TRACK": "1",
        }
