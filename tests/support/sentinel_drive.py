"""Uses every feature of the package with planted keys, logs at DEBUG, and prints whatever can be printed.

A program of its own: `python -m support.sentinel_drive URL FOLDER`. Its output and files are then searched.
"""

import asyncio
import copy
import logging
import os
import pickle
import sys
import traceback
from pathlib import Path
from pprint import pformat
from typing import Any
from urllib.parse import quote

import httpx
from msgspec.structs import replace
from support.sentinel import KEYS, MODELS

import byok_bench as bb
from byok_bench.backends.receiver import Receiver
from byok_bench.checks.ladder.climb import ladder
from byok_bench.endpoints import importing
from byok_bench.endpoints.contract import CONTRACT_FIELD, check_confirmation, decode_endpoint, encode_endpoint
from byok_bench.endpoints.credentials import resolve_credentials
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.secret import Secret
from byok_bench.endpoints.send import list_models, send
from byok_bench.report.export import write_csv, write_jsonl, write_parquet
from byok_bench.report.html import write_html
from byok_bench.runs.runner import resume
from byok_bench.ui.findings_view import render_findings
from byok_bench.ui.ladder_view import LadderView
from byok_bench.ui.results_view import render_results

ASK = {"messages": [{"role": "user", "content": "hi"}], "stream": True}


def say(*values: object) -> None:
    """One line on stdout."""
    sys.stdout.write(" ".join(map(str, values)) + "\n")


def show(value: Any) -> None:
    """Print a value in every way that people and tools do."""
    say(value, repr(value), pformat(value), f"{value}")
    say(pformat(getattr(value, "__dict__", None)))


def endpoints(url: str) -> list[Endpoint]:
    """One for each source of keys, each key style among them."""
    models = [Model(name) for name in MODELS]
    return [
        Endpoint(label="from env", base_url=url, models=models, key=KeyRef.env("SENTINEL_KEY")),
        Endpoint(
            label="this session",
            base_url=url,
            models=[replace(model, headers={"X-Model": "${key}"}) for model in models],
            key=KeyRef.session(KEYS["session"]),
            headers={"Authorization": "Token ${key}", "X-Again": "${key};${key}"},
        ),
        Endpoint(
            label="with a header",
            base_url=url,
            models=models,
            key=KeyRef.env("SENTINEL_KEY"),
            headers={"X-Org": KeyRef.env("SENTINEL_HEADER")},
        ),
    ]


async def exchanges(url: str) -> None:
    """Good and bad answers, over both transports."""
    for endpoint in endpoints(url):
        show(endpoint)
        show(resolve_credentials(endpoint))
        show(copy.deepcopy(Secret(KEYS["session"])))
        say(pickle.dumps(Secret(KEYS["session"])), pickle.dumps(endpoint))
        for transport in ("own", "httpx"):
            for model in MODELS:
                exchange = await send(endpoint, ASK, model, transport=transport)  # type: ignore[arg-type]
                show(exchange)
                show(exchange.raw)
                say(exchange.request, exchange.response, exchange.output, exchange.error, exchange.events)
                say(exchange.to_json(bb.check(exchange)))
        show(await list_models(endpoint))
        show(await ladder(endpoint, model="stream"))
    dead = Endpoint(label="dead", base_url="http://127.0.0.1:9/v1", models=[Model("m")], key=endpoints(url)[0].key)
    show((await send(dead, ASK)).error)


async def contracts(url: str) -> None:
    """An agent server that is handed the endpoint, its answers and refusals; every probe of the catalogue."""
    own, *brought = endpoints(url)
    policy = {
        "allow_cidrs": ["127.0.0.1/32"],
        "allow_http_hosts": ["127.0.0.1"],
        "allow_ports": [own_port(url)],
    }
    async with Receiver(own, policy=policy) as receiver, httpx.AsyncClient(trust_env=False) as client:
        for endpoint in brought:
            for model in MODELS:
                field = encode_endpoint(endpoint, model)
                asked = {"prompt": "hi", CONTRACT_FIELD: field}
                answer = await client.post(f"{receiver.base_url}/agent", json=asked, timeout=60)
                check_confirmation(field, answer.json())
                say(answer.status_code, answer.headers, answer.text)
                attempt(lambda field=field: check_confirmation(field, {}))
                attempt(lambda field=field: decode_endpoint({**field, "version": 2}))
                for member in ("base_url", "label", "schema", "model", "config_key", "timeouts", "more"):
                    attempt(lambda field=field, member=member: decode_endpoint({**field, member: [KEYS["env"]]}))
                attempt(
                    lambda field=field: decode_endpoint(
                        {**field, "base_url": f"https://{quote(KEYS['env'], safe='')}@host/v1"}
                    )
                )
                attempt(lambda field=field: decode_endpoint({**field, "auth": {"style": KEYS["env"], "secret": "x"}}))
                show(decode_endpoint(field))
    report = await ladder(brought[1], model="token-by-token", deep=True)
    say(report, report._repr_html_(), report.to_json())
    view = LadderView()
    view.begin()
    for rung in report:
        view.add(rung)
    say(view.value)


def own_port(url: str) -> int:
    """The port of a URL."""
    return int(url.rpartition(":")[2].partition("/")[0])


async def runs(url: str, folder: Path) -> None:
    """A run with its store, tables, page and exports."""
    for number, process in enumerate((False, True)):
        store = folder / f"bench-{number}.sqlite"
        run = await bb.run(
            endpoints(url)[1:], ["plain-answer", "bad-key"], repeats=1, store=store, warmup=0, process=process
        )
        for name in ("latency", "streaming", "errors", "tools", "summary"):
            say(run.table(name).to_string())
        write_html(run, folder / f"report-{number}.html")
        write_csv(run, folder / f"csv-{number}")
        write_parquet(run, folder / f"parquet-{number}")
        write_jsonl(run, folder / f"run-{number}.jsonl")
        say(bb.compare(run, run).to_string(), render_results(run).data, render_findings(run).data)
        run.judge_again()
        again = await resume(run.id, store, endpoints=endpoints(url))
        say(again.table("summary").to_string())


def books(url: str, folder: Path) -> None:
    """The book: keys put in, moved, confirmed and removed; files with a key in them refused."""
    book = bb.EndpointBook.open(folder / "book.toml")
    for endpoint in endpoints(url):
        book.add(endpoint)
        book.set_key(endpoint.config_key, KEYS["keyring"])
        show(book[endpoint.label])
    book.update(bb.EndpointBook.open(folder / "book.toml")["from env"].confirm_key())
    book.remove(book["this session"].config_key)
    show(vars(book))
    for field in (
        'key = "{}"',
        'body = {{ a = "x", api_key = "{}" }}',
        'label = "{}',
        'headers = {{ X-A = 1, b = "{}" }}',
    ):
        text = f"version = 1\n[[endpoint]]\nlabel = 'a'\n{field.format(KEYS['session'])}\n"
        attempt(lambda text=text: refused_file(text))
    attempt(lambda: Endpoint(label="x", headers={"Authorization": KEYS["session"]}))
    attempt(lambda: Endpoint(label="x", query={"api_key": KEYS["session"]}))
    attempt(lambda: KeyRef.session(KEYS["session"] + " and a word"))
    attempt(lambda: KeyRef.env(KEYS["session"]))
    attempt(lambda: KeyRef.parse(KEYS["session"]))
    attempt(lambda: KeyRef.parse(f"env:{KEYS['session']}"))
    show(importing.from_environment({"OPENAI_API_KEY": KEYS["env"], "OPENAI_BASE_URL": url}))


def refused_file(text: str) -> None:
    """Open a book with this text, which is removed again: it is what the user wrote, not what we did."""
    path = Path(os.environ["SENTINEL_KEYRING"]).with_name("broken.toml")
    path.write_text(text)
    bb.EndpointBook.open(path)


def attempt(action: Any) -> None:
    """Print what is raised, with the locals of our frames, as a verbose traceback does."""
    try:
        action()
    except bb.ByokBenchError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
        say(text, error.__cause__, error.__context__)
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if f"{os.sep}byok_bench{os.sep}" in frame.f_code.co_filename:
                say(pformat(dict(frame.f_locals)))
    else:
        raise AssertionError("nothing was raised")


def main() -> None:
    """Everything, in turn."""
    url, folder = sys.argv[1], Path(sys.argv[2])
    logging.basicConfig(
        level=logging.DEBUG, handlers=[logging.StreamHandler(), logging.FileHandler(folder / "debug.log")]
    )
    asyncio.run(exchanges(url))
    asyncio.run(contracts(url))
    asyncio.run(runs(url, folder))
    books(url, folder)
    say("the end")


if __name__ == "__main__":
    main()
