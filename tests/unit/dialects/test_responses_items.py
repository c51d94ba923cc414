"""dialects/responses_items.py: what a hostile stream may cost."""

import pytest

from byok_bench.dialects.responses_items import CANDIDATES, Item, Part


def test_a_moved_text_is_looked_for_among_few_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many parts a server numbers, a done event is compared with a bounded number of them."""
    item, compared = Item("message"), []
    monkeypatch.setattr(Part, "matches", lambda part, text: bool(compared.append(part)))
    for number in range(10 * CANDIDATES):
        item.add("text", number, "x")
    item.finish("text", -1, "another")
    assert len(compared) == CANDIDATES


def test_texts_of_other_lengths_are_not_joined() -> None:
    """A text is compared by its length first, a character cut in halves included."""
    part = Part()
    for half in ("\ud83d", "\ude00"):
        part.add(half)
    assert part.matches("😀")
    part.deltas = []  # what the deltas hold is not looked at where the length cannot fit
    part.deltas.append(None)  # type: ignore[arg-type]
    assert not part.matches("another")
