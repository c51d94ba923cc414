"""Links that open the drawer: a number in a table, a square of the board, a mark in the matrix."""

from collections.abc import Sequence
from html import escape

from byok_bench.runs.results import Run
from byok_bench.ui.answer_drawer import find_drawer

_STYLE = (
    "border:none;background:none;padding:0;font:inherit;color:inherit;cursor:pointer;text-decoration:underline dotted"
)


def render_answer_link(text: str, run: Run, exchange_ids: Sequence[int], *, about: str, check: str = "") -> str:
    """`text` as a button that opens these answers; `about` is what screen readers say of it.

    Without answers it is the text alone. Without a kernel the button does nothing.
    """
    if not exchange_ids:
        return escape(text)
    find_drawer().add_run(run)
    asked = f" data-byok-check='{escape(check, quote=True)}'" if check else ""
    return (
        f"<button type='button' class='byok-open' style='{_STYLE}' title='{escape(about, quote=True)}' "
        f"aria-label='{escape(f'{text}: {about}', quote=True)}' data-byok-run='{escape(run.id, quote=True)}' "
        f"data-byok-answers='{' '.join(map(str, exchange_ids))}'{asked}>{escape(text)}</button>"
    )
