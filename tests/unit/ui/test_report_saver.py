"""Saving the report from a notebook: beside it, under a chosen name, and over nothing without a word."""

from pathlib import Path

import pytest
from support.made_run import MadeRun, plan, row

from byok_bench.ui.report_saver import REPLACE, SAVE, ReportSaver, read_report_name


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The notebook's folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_saver() -> ReportSaver:
    made = ReportSaver()
    made.show(MadeRun([row()], plan(("one",))))
    return made


async def test_the_page_is_written_beside_the_notebook_and_linked(folder: Path) -> None:
    """With what it is called and how large it is."""
    saver = a_saver()
    assert await saver.save() == Path("report.html")
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert (saver.link.path, saver.link.text) == ("report.html", "Open report.html")
    assert "Written: report.html" in saver._notice.value


async def test_a_file_that_is_there_is_replaced_by_a_second_press_alone(folder: Path) -> None:
    """The first press says so, and the button what the next will do; another name asks anew."""
    (folder / "report.html").write_text("mine")
    (folder / "other.html").write_text("mine too")
    saver = a_saver()
    assert await saver.save() is None
    assert (saver.button.text, saver.button.tone, saver.link.path) == (REPLACE, "warning", "")
    assert "report.html is there already" in saver._notice.value
    saver.name_field.value = "other"
    assert saver.button.text == SAVE
    assert await saver.save() is None
    assert (folder / "other.html").read_text() == "mine too"
    assert await saver.save() == Path("other.html")
    assert (folder / "other.html").read_text() != "mine too"
    assert (folder / "report.html").read_text() == "mine"


async def test_what_cannot_be_written_is_said(folder: Path) -> None:
    """In a sentence, and the button can be pressed again."""
    (folder / "file").write_text("")
    saver = a_saver()
    saver.name_field.value = "file/report.html"
    await saver._run_save()
    assert "Cannot write file/report.html" in saver._notice.value
    assert not saver.button.disabled


@pytest.mark.parametrize(
    ("text", "path"),
    [("", "report.html"), (" week 3 ", "week 3.html"), ("out/a.htm", "out/a.htm"), ("v1.2 <b>.html", "v1.2 <b>.html")],
)
def test_a_name_gets_its_ending(text: str, path: str) -> None:
    """Where it has none."""
    assert read_report_name(text) == Path(path)
