"""What stands in the place of a widget that no kernel moves: on GitHub, and in a page made of a saved notebook."""

from typing import Any

from byok_bench.ui.html_table import render_small_print


class WithStandIn:
    """First base of a widget that is an output of a cell; `stand_in` is what it is, in a sentence.

    A widget says of itself nothing but its parts, and all that shows outputs without widgets shows that.
    """

    stand_in: str

    def _repr_mimebundle_(self, **more: Any) -> dict[str, Any]:
        told = f"{self.stand_in} It needs its kernel: run this cell."
        shown: dict[str, Any] = super()._repr_mimebundle_(**more)  # type: ignore[misc]
        return {**shown, "text/plain": told, "text/html": render_small_print(told)}
