import pandas as pd

from attune.report.figures import power


def test_each_pair_s_contexts_stand_at_its_squares_on_no_other_number() -> None:
    needed = pd.DataFrame(
        [("a", "b", 0.02, 966), ("b", "c", 0.02, 2206), ("c", "d", 0.02, 2482), ("c", "d", 0.1, 100)],
        columns=["before", "after", "difference", "contexts"],
    )
    widths = [(*pair, contexts, 1 / contexts) for pair in ("ab", "bc", "cd") for contexts in (20, 2000)]
    intervals = pd.DataFrame(widths, columns=["before", "after", "contexts", "half_width"])
    figure = power.contexts(intervals, needed)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert {text.get_text(): text.xy for text in axes.texts} == {
        "966": (966, 0.02), "2,206": (2206, 0.02), "2,482": (2482, 0.02), "100": (100, 0.1),
    }  # fmt: skip
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert not boxes["2,206"].overlaps(boxes["2,482"])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "b against a",
        "c against b",
        "d against c",
        "lines: half-width of the 95 % interval",
        "squares: seen in 80 % of test sets",
    ]


def test_a_pair_of_which_nothing_is_known_has_no_squares() -> None:
    pairs = {"before": ["a", "b"], "after": ["b", "c"]}
    intervals = pd.DataFrame(pairs | {"contexts": [20, 20], "half_width": [0.2, None]})
    axes = power.contexts(intervals, pd.DataFrame(pairs | {"difference": 0.1, "contexts": [30, None]})).axes[0]
    assert [text.get_text() for text in axes.texts] == ["30"]
    unknown = pd.DataFrame(pairs | {"contexts": [20, 20], "half_width": [None, None]})
    figure = power.contexts(unknown, pd.DataFrame(pairs | {"difference": 0.1, "contexts": [None, None]}))
    figure.draw_without_rendering()
    assert not figure.axes[0].texts


def test_more_pairs_than_colours_are_all_drawn_and_differ() -> None:
    pairs = {"before": [f"a{at}" for at in range(9)], "after": [f"b{at}" for at in range(9)]}
    intervals = pd.DataFrame(pairs | {"contexts": 20, "half_width": 0.2})
    (axes,) = power.contexts(intervals, pd.DataFrame(pairs | {"difference": 0.1, "contexts": 30})).axes
    drawn = [line for line in axes.lines if str(line.get_label()).startswith("b")]
    assert len({(line.get_color(), line.get_linestyle()) for line in drawn}) == 9


def test_recipes_that_are_compared_with_the_same_one_have_squares_of_their_own() -> None:
    pairs = {"before": ["a", "a"], "after": ["b", "c"]}
    intervals = pd.DataFrame(pairs | {"contexts": 20, "half_width": [0.2, 0.1]})
    (axes,) = power.contexts(intervals, pd.DataFrame(pairs | {"difference": 0.1, "contexts": [30, 40]})).axes
    lines = {str(line.get_label()): line for line in axes.lines if "against" in str(line.get_label())}
    squares = [line for line in axes.lines if line.get_marker() == "s" and len(line.get_xdata())]
    assert [list(each.get_xdata()) for each in squares] == [[30], [40]]
    assert [each.get_color() for each in squares] == [lines[f"{each} against a"].get_color() for each in "bc"]
