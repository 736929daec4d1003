"""Figures of the generators."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from attune.report.figures.style import BLUE, CYCLE, ERROR, GREY, ORANGE, figure_of, reach_of

Scores = Mapping[str, Mapping[str, float]]


def training(curves: Mapping[str, Sequence[Mapping[str, str]]]) -> Figure:
    """Training (thin) and validation loss of each generator by step, one panel."""
    figure, (axes,) = figure_of(6.4, 3.6)
    for place, (name, rows) in enumerate(curves.items()):
        colour = CYCLE[place % len(CYCLE)]
        for column, style in (
            ("train_loss", {"lw": 0.7, "alpha": 0.6}),
            ("valid_loss", {"marker": "o", "ms": 4}),
        ):
            points = [(int(row["step"]), float(row[column])) for row in rows if row[column]]
            label = name if column == "valid_loss" else None
            if points:  # a prompted base is not trained
                axes.plot(*zip(*points, strict=True), color=colour, label=label, **style)
    axes.set_xlabel("step")
    axes.set_ylabel("loss on reply tokens (nats a token)")
    axes.set_title("Generators: loss of training (thin) and validation")
    axes.legend(frameon=False)
    return figure


def perplexities(scores: Mapping[str, Mapping[str, float]]) -> Figure:
    """Each generator's perplexity beside its base's."""
    figure, (axes,) = figure_of(1.5 * len(scores) + 1, 3.3)
    for place, (key, label, colour) in enumerate(
        (("base_perplexity", "its base, untrained", GREY), ("perplexity", "itself", BLUE))
    ):
        values = [each[key] for each in scores.values()]
        bars = axes.bar(
            [row + (place - 0.5) * 0.4 for row in range(len(scores))], values, 0.38, label=label, color=colour
        )
        axes.bar_label(bars, fmt="{:.1f}", fontsize=8, padding=1)
    axes.set_ylim(top=axes.get_ylim()[1] * 1.15)
    axes.set_xticks(range(len(scores)), [name.replace("_", "\n", 1) for name in scores])
    axes.set_ylabel("perplexity of test replies")
    axes.set_title("Generators: perplexity, reply tokens alone")
    axes.legend(frameon=False)
    return figure


def passages(scores: Scores, generators: Sequence[str]) -> Figure:
    """Perplexity of each generator plain and with passages, with its interval (scores[system])."""
    variants = {
        "": ("plain", GREY),
        "+rag": ("with passages", BLUE),
        "+persona_rag": ("passages ordered by CoBERT", ORANGE),
    }
    figure, (axes,) = figure_of(1.7 * len(generators) + 1.2, 3.5)
    for place, (ending, (label, colour)) in enumerate(variants.items()):
        found = [scores[name + ending] for name in generators]
        bars = axes.bar(
            [row + (place - 1) * 0.28 for row in range(len(generators))],
            [each["perplexity"] for each in found],
            0.26,
            label=label,
            color=colour,
            yerr=reach_of(found, "perplexity"),
            error_kw=ERROR,
        )
        axes.bar_label(bars, fmt="{:.1f}", fontsize=7, padding=1)
    axes.set_ylim(top=axes.get_ylim()[1] * 1.05)
    axes.set_xticks(range(len(generators)), [name.replace("_", "\n", 1) for name in generators])
    axes.set_ylabel("perplexity of test replies")
    axes.set_title("Retrieval-augmented generation against plain (lines: 95 % intervals)")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def sweep(scores: Mapping[str, Scores]) -> Figure:
    """Repetition against diversity at each point of the decoding sweep (scores[generator][point])."""
    figure, (axes,) = figure_of(5.2, 3.6)
    for place, (name, points) in enumerate(scores.items()):
        found = list(points.values())
        across = [each["distinct_2"] for each in found]
        up = [100 * each["replies_repeated_3grams"] for each in found]
        reach = [[100 * value for value in side] for side in reach_of(found, "replies_repeated_3grams")]
        colour = CYCLE[place % len(CYCLE)]
        axes.errorbar(across, up, yerr=reach, color=colour, marker="o", ms=5, lw=1.2, capsize=2, label=name)
        for x, y, point in zip(across, up, points, strict=True):
            below = place % 2
            axes.annotate(point, (x, y), (5, -9 if below else 5), textcoords="offset points", fontsize=7, color=colour)
    axes.set_xlabel("distinct bigrams a bigram written")
    axes.set_ylabel("trigrams that the reply had before (%)")
    axes.set_title("Decoding: temperature/top_k/top_p")
    axes.legend(frameon=False)
    return figure
