"""The text of an endpoint book: what is read, what is refused and where, what an edit leaves alone."""

import re
from pathlib import Path
from traceback import walk_tb
from uuid import UUID

import pytest
import tomlkit
from hypothesis import assume, given, settings
from msgspec.structs import replace
from support.books import PLANTED, an_endpoint, book_text, endpoints, written

from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.book_edits import drop_endpoint, make_empty_document, put_endpoint
from byok_bench.endpoints.book_format import parse_book
from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.endpoints.model import Model
from byok_bench.errors import BookError, EndpointError
from byok_bench.redact import redact

ID = "3f0c9a52-1b7e-4c1d-9a55-0d8f6f1c2b3a"
MODEL_ID = "9d1f7c66-5a44-4e0b-8a0e-1f2f3a4b5c6d"
COMMENTED = f"""\
# my book
version = 1
owner = "me" # not ours

[[endpoint]] # the good one
label = "Gateway" # shown everywhere
config_key = "{ID}"
base_url = "https://llm.example.com/v1"
colour = "blue" # another program's

# read slowly
[endpoint.timeouts]
connect = 5.0 # seconds
handshake = 3 # of a later version

[endpoint.tls]
ca_file = "/etc/ca.pem"
pinned = "abc"

[[endpoint.models]]
name = "m-1" # the small one
config_key = "{MODEL_ID}"
badge = "new"

[endpoint.models.price]
input = 1.0
cached = 0.1

[other]
kept = true
"""
WRONG = {
    "no TOML": ("version = 1\n[[endpoint]\n", 2, None),
    "a wrong type in a list written inline": (
        'version = 1\n# mine\nendpoint = [{label = "a", base_url = 3}]\n',
        3,
        "base_url",
    ),
    "no label": (book_text('base_url = "http://localhost"'), 3, "label"),
    "label of a wrong type": (book_text("label = 3"), 4, "label"),
    "an unknown schema": (book_text('label = "a"\n\nschema = "grpc"'), 6, "schema"),
    "an unknown key style": (book_text('label = "a"\nkey_style = "basic"'), 5, "key_style"),
    "a config_key that is no UUID": (book_text('label = "a"\nconfig_key = "1"'), 5, "config_key"),
    "a negative timeout": (
        book_text('label = "a"\n[endpoint.timeouts]\nconnect = -1'),
        6,
        "timeouts.connect",
    ),
    "a timeout that is no number": (
        book_text('label = "a"\n[endpoint.timeouts]\nidle = 5\nconnect = "x"'),
        7,
        "timeouts.connect",
    ),
    "a header that is no text": (
        book_text('label = "a"\n[endpoint.headers]\nx-a = "b"\nx-team = 3'),
        7,
        "headers.x-team",
    ),
    "a second endpoint": (book_text('label = "a"', 'label = "b"\nmodels = 1'), 8, "models"),
    "the second model": (
        book_text('label = "a"\n[[endpoint.models]]\nname = "x"\n[[endpoint.models]]\nname = 2'),
        8,
        "models[1].name",
    ),
    "a model's hidden character": (
        book_text('label = "a"\n[[endpoint.models]]\nname = "x"\n[[endpoint.models]]\nname = "x\\u200by"'),
        8,
        "models[1].name",
    ),
    "a header's reference": (
        book_text('label = "a"\n[endpoint.headers]\nx-team = { from = "nowhere" }'),
        6,
        "headers.x-team",
    ),
    "a reserved header": (book_text('label = "a"\n[endpoint.headers]\nHost = "b"'), 5, "headers"),
    "a label used twice": (book_text('label = "a"', 'label = "a"'), 7, "label"),
}
LITERALS = {
    "in place of the reference": f'key = "{PLANTED}"',
    "in a field of our own making": f'api_key = "{PLANTED}"',
    "of no known shape": 'api_key = "hunter2-hunter2"',
    "as a header": f'[endpoint.headers]\nAuthorization = "Bearer {PLANTED}"',
    "as another header": f'[endpoint.headers]\nx-thing = "{PLANTED}"',
    "as a query value": f'[endpoint.query]\ncode = "{PLANTED}"',
    "in the address": 'base_url = "https://me:hunter2-hunter2@llm.example.com/v1"',
    "in the body": f'[endpoint.body]\nmetadata = {{ who = "{PLANTED}" }}',
    "in the body, by its name": '[endpoint.body]\nprovider = { api_key = "hunter2-hunter2" }',
    "in a header, by its name": '[endpoint.headers]\nx-goog-api-key = "hunter2-hunter2"',
    "in another program's table": '[other]\napi_key = "hunter2-hunter2"',
    "as a schema": f'schema = "{PLANTED}"',
    "as a schema of no known shape": 'schema = "hunter2-hunter2"',
    "as a model": f'[[endpoint.models]]\nname = "{PLANTED}"',
    "as an alias, of a shape that only a field of its own gives away": (
        '[[endpoint.models]]\nname = "m"\nalias = "sk-typed-hunter2-hunter2-0123"'
    ),
    "as a variable's name": f'key = "env:{PLANTED}"',
}


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_file_is_named_by_line_and_field(name: str) -> None:
    """Whoever mends the file is told where to look."""
    text, line, field = WRONG[name]
    with pytest.raises(BookError) as caught:
        parse_book(text, "/home/me/endpoints.toml")
    place = f"/home/me/endpoints.toml, line {line}" + (f", field {field}:" if field else ":")
    assert str(caught.value).startswith(place), str(caught.value)
    assert caught.value.code == "book_broken"


@pytest.mark.parametrize("name", LITERALS)
def test_a_key_written_out_is_refused_and_not_shown(name: str) -> None:
    """A literal key is refused wherever it stands, and nothing of it is in the message."""
    with pytest.raises(BookError) as caught:
        parse_book(book_text(f'label = "a"\n{LITERALS[name]}'), "book")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    frames = (frame for frame, _ in walk_tb(caught.tb))
    ours = [dict(frame.f_locals) for frame in frames if frame.f_globals["__name__"].startswith("byok_bench.")]
    assert ours
    for part in (PLANTED, PLANTED[8:18], "hunter2"):
        assert part not in str(caught.value)
        assert part not in str(ours)


@pytest.mark.parametrize(
    "line",
    [
        'key = "env:KEY"',
        'base_url = "https://sk-1234567890123456.example.com/v1"',
        '[endpoint.body]\nkey = "a"',
        '[endpoint.body]\nmetadata = { token = "a" }',
    ],
)
def test_what_is_no_key_is_read(line: str) -> None:
    """A reference, and the words key and token in a request body, are not taken for keys."""
    assert len(parse_book(book_text(f'label = "a"\n{line}'), "book")[1]) == 1


@pytest.mark.parametrize("version", ["2", "17"])
def test_a_newer_version_is_refused_whole(version: str) -> None:
    """A file of a later version is not half understood."""
    with pytest.raises(BookError, match=f"is of version {version}; this byok-bench reads version 1") as caught:
        parse_book(f"version = {version}\n[[endpoint]]\nlabel = 'a'\n", "book")
    assert caught.value.code == "book_newer"


@pytest.mark.parametrize("first", ["", "version = 0", 'version = "1"', "version = true"])
def test_a_file_must_say_its_version(first: str) -> None:
    """Without `version = 1` nothing in the file is believed."""
    with pytest.raises(BookError, match="version = 1"):
        parse_book(f"{first}\n[[endpoint]]\nlabel = 'a'\n", "book")


def test_unknown_fields_and_comments_survive_an_edit() -> None:
    """Loading, changing one field and saving touches that field's line alone."""
    document, [endpoint] = parse_book(COMMENTED, "book")
    put_endpoint(document, replace(endpoint, base_url="https://other.example.com/v1"))
    assert document.as_string() == COMMENTED.replace("llm.example.com", "other.example.com")


def test_fields_that_go_back_to_their_defaults_leave_what_is_not_ours() -> None:
    """A default is taken out of the file, a neighbour of another program is not."""
    document, [endpoint] = parse_book(COMMENTED, "book")
    put_endpoint(document, replace(endpoint, tls=Tls(), models=[replace(endpoint.models[0], price=None)]))
    after = document.as_string()
    assert "ca_file" not in after
    assert "input" not in after
    for kept in ('pinned = "abc"', "cached = 0.1", 'badge = "new"', "# the small one", "kept = true"):
        assert kept in after


def test_models_may_be_added_and_reordered_without_losing_what_is_not_ours() -> None:
    """A model's unknown fields follow it through a change of the list."""
    document, [endpoint] = parse_book(COMMENTED, "book")
    put_endpoint(document, replace(endpoint, models=[Model("m-0"), *endpoint.models]))
    after, [again] = parse_book(document.as_string(), "book")
    assert [model.name for model in again.models] == ["m-0", "m-1"]
    assert after.unwrap()["endpoint"][0]["models"][1]["badge"] == "new"
    assert after.unwrap()["other"] == {"kept": True}


def test_saving_unchanged_changes_no_byte() -> None:
    """An endpoint put back as it was read leaves the text as it was."""
    document, [endpoint] = parse_book(COMMENTED, "book")
    put_endpoint(document, endpoint)
    assert document.as_string() == COMMENTED


def test_ids_of_tables_written_by_hand_hold_still() -> None:
    """Without a config_key in the file the ids are the same at each reading, and a change finds its table."""
    text = book_text('label = " By hand "\nnote = 1\n[[endpoint.models]]\nname = "m-1"\nbadge = "new"')
    document, [first] = parse_book(text, "book")
    _, [second] = parse_book(text, "book")
    assert first == second
    assert UUID(first.config_key).version == 4
    put_endpoint(document, replace(first, label="Renamed"))
    _, [renamed] = parse_book(document.as_string(), "book")
    assert (renamed.label, renamed.config_key, renamed.models) == ("Renamed", first.config_key, first.models)
    assert 'badge = "new"' in document.as_string()
    drop_endpoint(document, first.config_key)
    assert parse_book(document.as_string(), "book")[1] == []


@settings(max_examples=150)
@given(endpoints)
def test_every_endpoint_comes_back_from_the_file_as_it_was(endpoint: Endpoint) -> None:
    """Whatever can be configured survives TOML."""
    assume(all(redact(text, ()) == text for text in (endpoint.label, str(endpoint.body))))
    document = make_empty_document()
    try:
        put_endpoint(document, endpoint)
    except EndpointError as error:
        assume(error.code != "key_literal")  # chance made something that looks like a key
        raise
    _, [again] = parse_book(document.as_string(), "book")
    assert again == endpoint


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"seed": None}, r"body\.seed"),
        ({"text": "half \ud800"}, r"body\.text"),
        ({"stop": ["a", None]}, r"body\.stop\[1\]"),
    ],
)
def test_what_toml_cannot_hold_is_said(body: dict[str, object], field: str) -> None:
    """A field that the file could not give back is refused by its name, not bent."""
    with pytest.raises(EndpointError, match=f"^{field} holds what the file cannot keep") as caught:
        put_endpoint(make_empty_document(), an_endpoint(body=body))
    assert caught.value.code == "field_not_storable"


def test_no_key_is_written_into_the_file() -> None:
    """A key that stands in a field is refused before the text is made."""
    document = make_empty_document()
    before = document.as_string()
    with pytest.raises(EndpointError) as caught:
        put_endpoint(document, an_endpoint(body={"metadata": {"who": PLANTED}}))
    assert caught.value.code == "key_literal"
    assert "body.metadata.who" in str(caught.value)
    assert PLANTED not in str(caught.value)
    assert document.as_string() == before == tomlkit.parse(before).as_string()


def test_the_documented_book_is_one() -> None:
    """The example in docs/endpoints.md is read, complete, and written back unchanged."""
    page = (Path(__file__).parents[3] / "docs" / "endpoints.md").read_text()
    text = re.findall(r"```toml\n(version = 1\n.*?)```", page, re.DOTALL)[0]
    document, [endpoint] = parse_book(text, "docs/endpoints.md")
    assert endpoint.list_missing_fields() == ()
    put_endpoint(document, endpoint)
    assert document.as_string() == text


@pytest.mark.parametrize("emptied", ["version = 1\nendpoint = []\n", None])
def test_a_book_whose_last_endpoint_was_deleted_takes_another(emptied: str | None) -> None:
    """An empty array of tables is written as a list, and a list takes no tables."""
    book = EndpointBook.open()
    if emptied is None:
        book.add(an_endpoint("First"))
        book.remove("First")
    else:
        written(book.path.parent, emptied)
    book.add(an_endpoint("Second"))
    assert [one.label for one in EndpointBook.open()] == ["Second"]
