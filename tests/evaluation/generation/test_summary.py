import math
from typing import Any

import pandas as pd
import pytest

from attune.evaluation.generation.summary import (
    TARGETS,
    by_system,
    comparisons,
    scores,
    sweep_scores,
    system_of,
    targets_of,
)
from attune.evaluation.tables import nested


def row(at: int, **changes: Any) -> dict[str, Any]:
    """One reply of one conversation: 4 tokens of 2 nats each, 3 under the base."""
    return {
        "generator": "g",
        "variant": "plain",
        "id": f"c{at}/1",
        "conversation": f"c{at}",
        "prompt": "I lost my keys.",
        "target": "Oh no, that is bad.",
        "tokens": 4,
        "nats": 8.0,
        "base_nats": 12.0,
        "passages": 0,
        "target_given": False,
        "reply": "Oh no.",
        "truncated": False,
    } | changes


PLAIN = [row(at) for at in range(6)]
RAG = [row(at, variant="rag", nats=6.0, passages=2, target_given=at == 0) for at in range(6)]


def test_systems_are_generators_in_their_variants() -> None:
    assert (system_of("g", "plain"), system_of("g", "rag")) == ("g", "g+rag")
    assert {name: len(rows) for name, rows in by_system([*PLAIN, *RAG[:2]]).items()} == {"g": 6, "g+rag": 2}


def test_scores_are_a_tidy_table() -> None:
    table = scores(by_system([*PLAIN, *RAG]), seed=1)
    assert list(table.columns) == ["system", "score", "value", "low", "high"]
    values = nested(table, ["system"], intervals=False)
    assert values["g"]["perplexity"] == round(math.exp(2), 4)
    assert values["g"]["base_perplexity"] == round(math.exp(3), 4)
    assert (values["g+rag"]["passages"], values["g+rag"]["target_given"]) == (2, round(1 / 6, 4))
    assert "passages" not in values["g"]
    assert str(values["g"]["tokens"]) == "24"  # counts stay whole numbers
    estimated = set(table[table["low"].notna()]["score"])
    assert {"perplexity", "replies_truncated"} <= estimated
    assert estimated.isdisjoint({"base_perplexity", "bleu", "distinct_1", "tokens", "passages"})


def test_targets_are_a_system_without_a_loss() -> None:
    targets = targets_of([*PLAIN, row(6, reply=None)])
    assert {each["reply"] for each in targets} == {"Oh no, that is bad."}
    assert len(targets) == 6
    values = nested(scores(by_system(targets), seed=1), ["system"])[TARGETS]
    assert values["bleu"] == pytest.approx(100)
    assert values["replies"] == 6
    assert "perplexity" not in values


def test_each_generator_is_compared_with_its_base_and_its_variants() -> None:
    found = comparisons(by_system([*PLAIN, *RAG]), ["g"], seed=1)
    assert [(each.before, each.after, each.score, each.difference) for each in found] == [
        ("base of g", "g", "loss", -1.0),
        ("g", "g+rag", "loss", -0.5),
        ("g", "g+rag", "loss_target_not_given", -0.5),
    ]
    assert all(each.low <= each.difference <= each.high for each in found)


def test_each_point_of_the_sweep_has_its_scores() -> None:
    varied = [row(at, reply=f"word{at} other{at}") for at in range(6)]
    table = sweep_scores({("g", "0.1/5/0.99"): PLAIN, ("g", "0.9/30/0.95"): varied}, seed=1)
    assert list(table.columns) == ["generator", "point", "score", "value", "low", "high"]
    distinct = table[table["score"] == "distinct_1"].set_index("point")["value"]
    assert distinct.to_dict() == {"0.1/5/0.99": pytest.approx(1 / 6, abs=1e-4), "0.9/30/0.95": 1.0}
    assert isinstance(table, pd.DataFrame)
