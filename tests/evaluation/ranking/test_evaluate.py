import random
from pathlib import Path

import pytest

from attune.core.files import write_parquet
from attune.evaluation.ranking import evaluate as evaluation
from attune.evaluation.ranking.candidates import candidates
from attune.evaluation.ranking.evaluate import RankingTest, evaluate
from attune.inference.ranker import Ranker
from attune.parameters import load
from tests.cobert.memory import states_in_memory
from tests.cobert.test_model import parts
from tests.cobert.tiny import WORDS, cobert, rows
from tests.project import changed
from tests.stages.cobert_project import SCHEMAS, pec_rows


def test_evaluation_ranks_the_own_reply_and_names_the_first(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path)
    items = [row | {"id": str(place)} for place, row in enumerate(rows(16))]
    texts = candidates(items, [row["response"] for row in items], 10, 1, "test_split")
    written = evaluate(Ranker(model, inputs), items, texts)
    for row, each in zip(written, texts, strict=True):
        assert 1 <= row["rank"] <= 10
        assert row["loss"] > 0
        assert row["first"] in each
        assert (row["rank"] == 1) == (row["first"] == row["response"])


def test_candidates_are_those_that_the_domain_declares(tmp_path: Path) -> None:
    """Of another domain or split there is none, but for the true replies."""
    given, pool = pec_rows(4, "test"), [f"{word} {other} ." for word in WORDS[:4] for other in WORDS[4:9]]
    for domain, words in (("happy", pool), ("sad", [f"{each} no ." for each in pool])):
        listed = [{"id": str(at), "response": each} for at, each in enumerate(words)]
        write_parquet(tmp_path / f"candidates/{domain}.parquet", listed, SCHEMAS.candidates)
        write_parquet(tmp_path / f"evaluate/large/{domain}.parquet", given, SCHEMAS.rows)
    settings = load(changed(tmp_path, ("cobert.candidates", 3))).cobert
    test = RankingTest.load(tmp_path, "large", "happy", settings, 7)
    assert test.contexts == given
    assert test.candidates == candidates(given, pool, 3, 7, "test_split")
    assert all({*distractors} <= {*pool} for _, *distractors in test.candidates)
    batches = settings.model_copy(update={"drawn_from": "in_batch"})
    assert RankingTest.load(tmp_path, "large", "happy", batches, 7).candidates == candidates(
        given, [], 3, 7, "in_batch"
    )


def test_states_of_a_part_of_the_contexts_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many contexts there are; the scores are those of contexts that are encoded together."""
    model, inputs = cobert(tmp_path)
    pool = [f"{word} {other} ." for word in WORDS[:5] for other in WORDS[5:10]]
    draws = random.Random(1)
    items = [row | {"context": [" ".join(draws.choices(WORDS, k=25)) for _ in range(4)]} for row in rows(96)]
    texts = [[row["response"], *pool] for row in items]
    together = evaluate(Ranker(model, inputs), items, texts)
    monkeypatch.setattr(evaluation, "CONTEXTS", 8)
    peaks = []
    for count in (32, 96):
        with states_in_memory(model) as found:
            apart = evaluate(Ranker(model, inputs), items[:count], texts[:count])
        peaks.append(max(found))
    assert 8 * 100 < peaks[1] <= peaks[0]
    assert [row["rank"] for row in apart] == [row["rank"] for row in together]
    assert [row["loss"] for row in apart] == pytest.approx([row["loss"] for row in together], rel=1e-5)


def test_frozen_layers_shared_between_models_change_no_score(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path, frozen_layers=2)
    items = rows(8)
    texts = [[row["response"], "a dog .", "so sad !"] for row in items]
    shared: dict = {}
    for row in (items[:4], items):
        found = evaluate(Ranker(model, inputs), row, texts[: len(row)], shared)
    assert len(shared) == len({key for each in parts(inputs, 8) for key in each}) + 2
    for one, other in zip(found, evaluate(Ranker(model, inputs), items, texts), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)


def test_models_that_freeze_other_numbers_of_layers_share_no_states(tmp_path: Path) -> None:
    items = rows(8)
    texts = [[row["response"], "a dog .", "so sad !"] for row in items]
    test = RankingTest(items, texts)
    rankers = [Ranker(*cobert(tmp_path / str(frozen), frozen_layers=frozen)) for frozen in (1, 2)]
    for ranker in rankers:
        alone = [row["loss"] for row in evaluate(ranker, items, texts)]
        assert [row["loss"] for row in test.rank(ranker)] == pytest.approx(alone, rel=1e-4)
