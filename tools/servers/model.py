"""The converted model's place, and its making; once."""

from pathlib import Path

from tools.servers.installing import run_step
from tools.servers.places import MODEL, RESULTS, ROOT, program_beside

WEIGHTS = RESULTS / MODEL
TEMPLATE = ROOT / "byok_bench" / "backends" / "hermes.jinja"


def ensure_weights(environment: Path) -> None:
    """Convert the model with the libraries of a server's environment. Raises CannotBeHad."""
    if (WEIGHTS / "tokenizer.json").is_file():
        return
    script = Path(__file__).with_name("weights.py")
    run_step([program_beside(environment, "python"), str(script), str(WEIGHTS), str(TEMPLATE)])
