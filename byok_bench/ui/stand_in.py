"""What stands in the place of a widget that no kernel moves: in a saved notebook, on GitHub, in a page made of it."""

from typing import Any

from IPython.display import display

from byok_bench.ui.html_table import render_small_print


class WithStandIn:
    """First base of a widget that is an output of a cell; `stand_in` is what it is, in a sentence.

    A widget says of itself nothing but its parts, and JupyterLab shows no other form of one that is gone. So the
    sentence is an output of its own, which the style of the widget's buttons hides while they live (action.css).
    """

    stand_in: str

    def _ipython_display_(self) -> None:
        """The sentence, and the widget."""
        told = f"{self.stand_in} It needs its kernel: run this cell."
        page = f"<div data-byok-stand-in>{render_small_print(told)}</div>"
        display({"text/html": page, "text/plain": told}, raw=True)  # type: ignore[no-untyped-call]
        shown: dict[str, Any] = self._repr_mimebundle_()  # type: ignore[attr-defined]
        display({**shown, "text/plain": ""}, raw=True)  # type: ignore[no-untyped-call]
