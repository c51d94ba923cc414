"""bb.run in a real Jupyter kernel: the kernel may stand still, the measuring goes on."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from support.killing import server

BLOCK_S = 1.5
CELLS = """
import asyncio, time
import byok_bench as bb
from byok_bench.runs.progress import ExchangeFinished
endpoint = bb.Endpoint(label="e", base_url="{url}", models=[bb.Model("tiny")])
first = asyncio.Event()
def listen(event):
    if isinstance(event, ExchangeFinished):
        first.set()
---
task = asyncio.ensure_future(
    bb.run(endpoint, "plain-answer", repeats=600, on_progress=listen, resume=False, process={process})
)
await first.wait()
begin = time.perf_counter_ns()
time.sleep({block})                 # what an import or a busy cell does to a kernel
end = time.perf_counter_ns()
---
run = await task
inside = [row for row in run.rows if begin + 200_000_000 < row.start_ns < end - 200_000_000]
print(len(run.rows), len(inside) > 0)
"""


@pytest.mark.parametrize(("process", "goes_on"), [('"auto"', True), ("False", False)])
def test_a_kernel_that_stands_still_stops_no_measurement(tmp_path: Path, process: str, goes_on: bool) -> None:
    """In a notebook requests start while a cell blocks the kernel; in the kernel's own loop they would not."""
    with server(tmp_path / "requests.log") as url:
        cells = CELLS.format(url=url, process=process, block=BLOCK_S).split("---\n")
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    said = "".join(output["text"] for output in notebook.cells[-1].outputs)
    assert said.strip() == f"601 {goes_on}"
