from __future__ import annotations

from icdcoder.text.memo import Memo


def test_a_value_is_worked_out_once() -> None:
    asked: list[str] = []

    def shouted(word: str) -> str:
        asked.append(word)
        return word.upper()

    memo = Memo(shouted, most=2)
    assert list(map(memo.__getitem__, ["a", "b", "a", "b"])) == ["A", "B", "A", "B"]
    assert asked == ["a", "b"]


def test_no_more_is_kept_than_was_asked_for_and_all_is_answered() -> None:
    memo = Memo(len, most=2)
    assert [memo["x" * n] for n in range(5)] == list(range(5))
    assert [memo["x" * n] for n in range(5)] == list(range(5))
    assert len(memo) == 2
