from attune.core.batching import by_length


def test_groups_have_similar_lengths() -> None:
    assert by_length([5, 1, 4, 2], 2) == [[1, 3], [2, 0]]
    assert by_length([5, 1, 4, 2], 4, tokens=8) == [[1, 3], [2], [0]]
    assert by_length([9, 9, 9], 4, tokens=8) == [[0], [1], [2]]
    assert by_length([], 4, tokens=8) == []
    assert by_length([2, 9, 2], tokens=4) == [[0, 2], [1]]
