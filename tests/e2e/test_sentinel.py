"""Keys are planted in every source, every feature is used, and no file, output or command line holds one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from support.sentinel import KEYS, ProcessList, echoing, finds, forms, search

REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The server that shows everybody their key."""
    with echoing() as base_url:
        yield base_url


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where everything is written that is searched."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def environment(tmp_path: Path, home: Path) -> dict[str, str]:
    """The planted keys, and a keyring of its own outside of what is searched."""
    return {
        **os.environ,
        "BYOK_BENCH_HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(REPO), str(REPO / "tests")]),
        "PYTHON_KEYRING_BACKEND": "support.sentinel_keyring.Keyring",
        "SENTINEL_KEYRING": str(tmp_path / "keyring.json"),
        "SENTINEL_KEY": KEYS["env"],
        "SENTINEL_HEADER": KEYS["header"],
        "COLUMNS": "100",
    }


def test_every_form_is_searched_for() -> None:
    """The search itself finds each form of each key, so that its silence means something."""
    for source, key in KEYS.items():
        for name, form in forms(key).items():
            assert any(f"{source}, {name}" in found for found in finds("here", b"a " + form + b" b")), name


def test_the_search_looks_into_files(home: Path) -> None:
    """A key in a file of any depth is found."""
    (home / "deep" / "er").mkdir(parents=True)
    (home / "deep" / "er" / "a.bin").write_bytes(b"\0" + KEYS["env"].encode())
    assert search(home)


@pytest.mark.timeout(300)
def test_nothing_in_python_lets_a_key_out(url: str, home: Path, environment: dict[str, str]) -> None:
    """Sending, checking, running, reporting, the book and their errors leave no key in output, logs and files."""
    with ProcessList() as processes:
        done = subprocess.run(
            [sys.executable, "-m", "support.sentinel_drive", url, str(home)],
            env=environment, cwd=home, capture_output=True, check=False,
        )  # fmt: skip
    assert done.stdout.rstrip().endswith(b"the end"), done.stderr.decode()[-4000:]
    found = finds("stdout", done.stdout) + finds("stderr", done.stderr) + search(home)
    assert found + sorted(processes.found) == []
    assert (home / "debug.log").stat().st_size > 1000
    assert len(list(home.glob("report-*.html"))) == 2


COMMANDS = {
    "the book": """
        0 endpoints add first --base-url {url} --model good --key-env SENTINEL_KEY
        0 endpoints add second --base-url {url} --model stream --key-stdin
        2 endpoints add third --base-url {url} --key-env FIRST-SECOND
        0 endpoints list
        0 endpoints show second --json
        0 endpoints import --env
        0 endpoints import --litellm {litellm} --json
        0 judge {url} --json
        0 checks show error.bad-key
        0 endpoints edit second --base-url http://127.0.0.1:9/v1
        2 send second --prompt hi --json
        0 endpoints edit second --confirm-key
        3 send second --prompt hi --json
        0 endpoints remove second --yes
        """,
    "sending": """
        0 endpoints add first --base-url {url} --model page --model wrong-key --key-env SENTINEL_KEY
        0 endpoints add second --base-url {url} --model stream --key-stdin
        0 models second --json
        1 check first --json
        1 check second --model late-error --deep
        3 send first --model wrong-key --prompt hi --json
        3 send first --model page --prompt hi
        0 send second --prompt hi
        0 send second --model token-by-token --prompt hi --json
        3 send --base-url {url} --model cut --key-env SENTINEL_KEY --prompt hi --json
        """,
    "a run": """
        0 endpoints add second --base-url {url} --model stream --model wrong-key --key-stdin
        3 run --endpoint second --scenario plain-answer --scenario bad-key --repeats 1 --processes 2 --json
        0 report --json
        0 report --html report.html
        0 report --csv csv --parquet parquet --jsonl run.jsonl
        0 report --judge-again
        0 compare last last --json
        0 compare last last
        """,
}
"""Exit code and command, in turn."""
LITELLM = """
model_list:
  - {{model_name: written, litellm_params: {{model: openai/m, api_base: "{url}/a", api_key: "{key}"}}}}
  - {{model_name: named, litellm_params: {{model: openai/m, api_base: "{url}/b", api_key: os.environ/SENTINEL_KEY}}}}
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "byok_bench", *arguments]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_lets_a_key_out(
    url: str, home: Path, tmp_path: Path, environment: dict[str, str], name: str
) -> None:
    """No command prints a key, writes one into a file, or has one in its command line."""
    variables = {**environment, "OPENAI_API_KEY": KEYS["env"], "OPENAI_BASE_URL": url}
    litellm = tmp_path / "litellm.yaml"
    litellm.write_text(LITELLM.format(url=url, key=KEYS["session"]))
    found = []
    with ProcessList() as processes:
        for line in COMMANDS[name].strip().splitlines():
            code, *words = line.format(url=url, litellm=litellm).split()
            done = subprocess.run(
                command(*words),
                env=variables, cwd=home, capture_output=True, input=KEYS["keyring"].encode() + b"\n", check=False,
            )  # fmt: skip
            assert done.returncode == int(code), (line, done.stdout.decode(), done.stderr.decode())
            found += finds(line, done.stdout + done.stderr)
        found += replayed(home, variables) if name == "a run" else []
    assert found + search(home) + sorted(processes.found) == []
    assert processes.seen > 0
    kept = KEYS["keyring"] in Path(environment["SENTINEL_KEYRING"]).read_text()
    assert kept == (name != "the book"), "removing an endpoint removes its key"


def replayed(home: Path, variables: dict[str, str]) -> list[str]:
    """What the replay server tells of the keys in its run, to its terminal and to a client with another key."""
    serve = command("serve", "--replay", "last", "--speed", "0", "--in-order", "--json")
    pipe = subprocess.PIPE
    with subprocess.Popen(serve, env=variables, cwd=home, stdout=pipe, stderr=pipe) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        ask = command(
            "send",
            "--base-url",
            json.loads(said)["base_url"],
            "--model",
            "stream",
            "--prompt",
            "hi",
            "--json",
        )
        answers = [subprocess.run(ask, env=variables, cwd=home, capture_output=True, check=False) for _ in range(3)]
        server.terminate()
        rest = b"".join(server.communicate())
    told = b"".join(one.stdout + one.stderr for one in answers)
    assert b"You sent" in told
    return finds("the replay server", said + rest) + finds("its client", told)


CELLS = (
    "%xmode Verbose\nimport logging, os\nlogging.basicConfig(level=logging.DEBUG)\nimport byok_bench as bb",
    "mine = bb.Endpoint(label='mine', base_url='{url}', models=[bb.Model('stream'), bb.Model('wrong-key')],\n"
    "    key=bb.KeyRef.env('SENTINEL_KEY'), headers={{'X-Org': bb.KeyRef.env('SENTINEL_HEADER')}})\nmine",
    "ask = {{'messages': [{{'role': 'user', 'content': 'hi'}}], 'stream': True}}\n"
    "exchange = await bb.send(mine, ask)\ndisplay(exchange, exchange.output, exchange.request, exchange.events)",
    "wrong = await bb.send(mine, ask, 'wrong-key')\ndisplay(wrong.error, wrong.raw, wrong.to_json())",
    "from byok_bench.ui.endpoint_form import EndpointForm\nbook = bb.EndpointBook.open()\nbook.add(mine)\n"
    "form = EndpointForm(book)\nform",
    "book.set_key(mine.config_key, open(os.environ['SENTINEL_PIPE']).read())\nbook['mine']",
    "run = await bb.run(mine, 'plain-answer', repeats=1, warmup=0)\nrun.table('summary')",
    "from byok_bench.ui.results_view import render_results\nfrom byok_bench.ui.findings_view import render_findings\n"
    "display(render_results(run), render_findings(run), await bb.ladder(mine))",
    # A key is typed where it belongs, then pasted into every field where it does not; then the ladder is climbed.
    "form._secret._handle_custom_msg({{'kind': 'entered', 'text': os.environ['SENTINEL_KEY']}}, [])\n"
    "typed = ('{{}}', 'Authorization: Bearer {{}}', 'https://u:{{}}@host/v1', '{{{{\"api_key\": \"{{}}\"}}}}')\n"
    "for name, field in form._fields.items():\n"
    "    for text in typed:\n"
    "        if field.kind != 'choice':\n"
    "            field.draft = field.value = text.format(os.environ['SENTINEL_KEY'])\n",
    "form._buttons['Test'].press()\nawait form._tester._task\nform.report",
)
REFUSED = (
    "bb.KeyRef.session(os.environ['SENTINEL_KEY'] + ' x')",
    "bb.KeyRef.parse(os.environ['SENTINEL_KEY'])",
    "bb.Endpoint(label='l', headers={{'Authorization': os.environ['SENTINEL_KEY']}})",
    "bb.Endpoint(label='l', body={{'api_key': os.environ['SENTINEL_KEY']}})",
    "from pathlib import Path\nbroken = Path(os.environ['SENTINEL_PIPE']).with_name('broken.toml')\n"
    '_ = broken.write_text(f\'version = 1\\nkey = "{{os.environ["SENTINEL_KEY"]}}"\')\nbb.EndpointBook.open(broken)',
)
"""Cells that raise; %xmode Verbose prints the locals of every frame."""


@pytest.mark.timeout(300)
def test_no_notebook_lets_a_key_out(
    url: str, home: Path, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither outputs, nor verbose tracebacks, nor the widget state of a saved notebook hold a key."""
    (tmp_path / "entered").write_text(KEYS["keyring"])
    for name, value in {**environment, "SENTINEL_PIPE": str(tmp_path / "entered")}.items():
        monkeypatch.setenv(name, value)
    cells = [nbformat.v4.new_code_cell(cell.format(url=url)) for cell in (*CELLS, *REFUSED)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    folder = {"metadata": {"path": str(home)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True, resources=folder).execute()
    nbformat.write(notebook, home / "saved.ipynb")
    raised = [any(output.output_type == "error" for output in cell.outputs) for cell in cells]
    assert raised == [False] * len(CELLS) + [True] * len(REFUSED), cells
    assert "application/vnd.jupyter.widget-state+json" in notebook.metadata.get("widgets", {})
    assert search(home) == []
