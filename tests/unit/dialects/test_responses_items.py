"""dialects/responses/items.py: what a hostile stream may cost."""

import pytest

from byok_bench.dialects.responses.items import CANDIDATE_LIMIT, ItemPart, ResponseItem


def test_a_moved_text_is_looked_for_among_few_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many parts a server numbers, a done event is compared with a bounded number of them."""
    item, compared = ResponseItem("message"), []
    monkeypatch.setattr(ItemPart, "has_same_text", lambda part, text: bool(compared.append(part)))
    for number in range(10 * CANDIDATE_LIMIT):
        item.add_delta("text", number, "x")
    item.take_final_text("text", -1, "another")
    assert len(compared) == CANDIDATE_LIMIT


def test_texts_of_other_lengths_are_not_joined() -> None:
    """A text is compared by its length first, a character cut in halves included."""
    part = ItemPart()
    for half in ("\ud83d", "\ude00"):
        part.add(half)
    assert part.has_same_text("😀")
    part.deltas = []  # what the deltas hold is not looked at where the length cannot fit
    part.deltas.append(None)  # type: ignore[arg-type]
    assert not part.has_same_text("another")
