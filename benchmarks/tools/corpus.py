"""What some tools would load from a hub, made here: a tokenizer of a thousand words, and a text to cut prompts from."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WORDS = [f"w{number}" for number in range(1000)]
HUB_NAME = "bench/tokenizer"
SPECIAL = {"unk_token": "[UNK]", "bos_token": "[BOS]", "eos_token": "[EOS]"}


def write_tokenizer(folder: Path) -> Path:
    """A word-level tokenizer in the files that transformers reads."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {word: number for number, word in enumerate([*SPECIAL.values(), *WORDS])}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": SPECIAL["unk_token"]}
    parts = {"truncation": None, "padding": None, "normalizer": None, "post_processor": None, "decoder": None}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": model,
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer | parts))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 100_000, **SPECIAL}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def write_hub_cache(cache: Path) -> None:
    """The same tokenizer as a hub's cache holds it, under HUB_NAME: for tools that take no folder."""
    place = cache / "huggingface" / "hub" / f"models--{HUB_NAME.replace('/', '--')}"
    revision = "0" * 40
    snapshot = write_tokenizer(place / "snapshots" / revision)
    (snapshot / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(revision)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *values: object) -> None:
        """Say nothing."""


@contextmanager
def served_book(folder: Path) -> Iterator[str]:
    """The URL of a text, on loopback."""
    (folder / "book.txt").write_text(" ".join(WORDS * 40))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/book.txt"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
