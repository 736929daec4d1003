from benchmarks.harness import comparison, in_turn


def test_sides_take_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    times = in_turn({name: lambda name=name: side(name) for name in ("ours", "peer")}, 2)
    assert order == ["ours", "peer"] * 3
    assert times == {"ours": [3.0, 5.0], "peer": [4.0, 6.0]}


def test_a_ratio_is_of_the_same_round() -> None:
    """A machine that is slower in the second round changes no ratio: 4 / 2 and 9 / 3, whose median is 2.5."""
    row = comparison("step", {"ours": [2.0, 3.0], "peer": [4.0, 9.0]}, "ours", "peer", 10, "samples/s", goal=2)
    assert (row["times_faster"], row["lowest"], row["highest"]) == (2.5, 2.0, 3.0)
    assert (row["attune"], row["peer_value"]) == (4.0, 1.54)  # 10 / 2.5 and 10 / 6.5
    assert row["goal"] == 2
