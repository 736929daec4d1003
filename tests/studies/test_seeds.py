import math
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from attune.core.files import read_json, read_parquet, write_parquet
from attune.evaluation.ranking.evaluate import RankingTest
from attune.evaluation.schemas import GENERATED, PLAIN, RANKED
from attune.generators.prompts import examples
from attune.inference.generator import Generator
from attune.inference.ranker import Ranker
from attune.parameters import load
from studies.seeds import main
from tests.stages.cobert_project import SCHEMAS, pec_rows
from tests.stages.small_project import change
from tests.studies.seeds_project import BASE, project, train


def ranked(model: str, rank: int) -> list[dict[str, Any]]:
    about = {"model": model, "subset": "small", "domain": "happy", "loss": None, "first": ""}
    return [{**about, "id": row["id"], "rank": rank, "response": row["response"]} for row in pec_rows(16, "test")]


def generated(variant: str, nats: float) -> list[dict[str, Any]]:
    texts = {"generator": "tiny_full", "prompt": "", "target": "", "passage_replies": [], "target_given": False}
    numbers = {"tokens": 2, "nats": nats, "base_nats": 9.0, "reply": None, "truncated": None}
    return [{**texts, **numbers, "variant": variant, "id": f"c{at}", "conversation": f"c{at}"} for at in range(4)]


def small(values: dict[str, Any]) -> None:
    """Recipes of one epoch and, besides the tiny methods, a generator with passages and one with a persona."""
    for recipe in values["recipes"].values():
        recipe |= {"epochs": 1, "max_length": 64, "frozen_layers": 1, "num_personas": min(recipe["num_personas"], 2)}
        recipe |= {"hard_negatives": 3} if recipe.get("hard_negatives") else {}
    tiny = values["generators"]["tiny_lora"]
    values["generators"]["tiny_rag"] = tiny | {"rows": "passages/empathetic_dialogues", "passage_tokens": 8}
    persona = {"corpus": "pec", "rows": "processed/pec/small/happy", "persona_tokens": 8}
    values["generators"]["tiny_persona"] = tiny | persona


def evaluate() -> dict[str, Any]:
    """What the stage writes, tested on sixteen contexts."""
    write_parquet(Path("processed/pec/evaluate/small/happy.parquet"), pec_rows(16, "test"), SCHEMAS.rows)
    pool = [{"id": row["id"], "response": row["response"]} for row in pec_rows(16, "test")]
    write_parquet(Path("processed/pec/candidates/happy.parquet"), pool, SCHEMAS.candidates)
    main(
        ranks=Path("ranks.parquet"),
        evaluations=Path("evaluations"),
        processed=Path("processed/pec"),
        models=Path("models"),
        scores=Path("seeds.json"),
        **BASE,
    )
    return read_json(Path("seeds.json"))


def mrr(model: Path) -> float:
    settings = load(Path("params.yaml"))
    test = RankingTest.load(Path("processed/pec"), "small", "happy", settings.cobert, settings.seed)
    return fmean(1 / row["rank"] for row in test.rank(Ranker.from_pretrained(model, BASE["encoder"])))


def perplexity(model: Path) -> float:
    """On all of the test rows, of which there are fewer than are scored."""
    generator = Generator.from_pretrained(model, BASE["base_models"] / "gpt2")
    instruction = load(Path("params.yaml")).generators["tiny_full"].instruction
    nats, read = generator.nats(examples(read_parquet(model / "test.parquet"), instruction), 4)
    return math.exp(sum(nats) / sum(len(each.reply) for each in read))


@pytest.mark.slow
def test_one_option_trains_any_recipe_and_any_method_with_every_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `dvc exp run -S` sets it; what the main job has trained with its seed is not trained again."""
    from dvc.utils.hydra import apply_overrides

    project(tmp_path, monkeypatch)
    change(small)
    recipes = ["baseline", "attune", "hard_negatives", "cross_encoder"]
    methods = ["tiny_full", "tiny_prompt_tuning", "tiny_lora", "tiny_rag", "tiny_persona"]
    named = [f"seeds.recipes=[{','.join(recipes)}]", f"seeds.generators=[{','.join(methods)}]"]
    apply_overrides(Path("params.yaml"), named)
    write_parquet(Path("processed/pec/small/happy/test.parquet"), pec_rows(16, "test"), SCHEMAS.rows)
    for seed in (13, 14):
        train(seed)
    job = {"baseline", "attune"}  # what the main job trains of them
    models = {f"{recipe}-happy" for recipe in recipes}
    names = {seed: {path.name for path in Path(f"models/{seed}").iterdir()} - {"README.md"} for seed in (13, 14)}
    assert names == {13: models - {f"{recipe}-happy" for recipe in job}, 14: models | set(methods)}
    write_parquet(Path("ranks.parquet"), [row for recipe in job for row in ranked(recipe, 2)], RANKED)
    for name in methods:
        write_parquet(Path(f"evaluations/{name}.parquet"), generated(PLAIN, 4.0), GENERATED)
    found = evaluate()
    assert [row["model"] for row in found["ranking"] if "model" in row] == recipes
    assert [row["model"] for row in found["generators"]] == methods
    for row in (*found["ranking"], *found["generators"]):
        assert row["by_seed"].keys() == {"13", "14"}
        assert row["low"] <= row["mean"] <= row["high"]


def test_the_seeds_of_each_model_are_one_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The main job's seed is read from its rows: every right reply second, two nats per token without passages."""
    project(tmp_path, monkeypatch)
    train(14)
    write_parquet(Path("ranks.parquet"), [*ranked("tuned", 2), *ranked("baseline", 9)], RANKED)
    write_parquet(Path("evaluations/tiny_full.parquet"), [*generated(PLAIN, 4.0), *generated("rag", 1.0)], GENERATED)
    found = evaluate()
    assert (found["seeds"], found["varies"]) == ([13, 14], "order")
    assert found["method"].startswith("hierarchical bootstrap")
    (tuned,) = found["ranking"]
    assert (tuned["model"], tuned["domain"], tuned["by_seed"]["13"]) == ("tuned", "happy", 0.5)
    assert tuned["by_seed"]["14"] == pytest.approx(mrr(Path("models/14/tuned-happy")), abs=1e-6)
    assert tuned["mean"] == pytest.approx((0.5 + tuned["by_seed"]["14"]) / 2, abs=1e-6)
    assert tuned["low"] <= tuned["mean"] <= tuned["high"]
    (generator,) = found["generators"]
    assert generator["by_seed"]["13"] == pytest.approx(math.exp(2), abs=1e-6)
    assert generator["by_seed"]["14"] == pytest.approx(perplexity(Path("models/14/tiny_full")), rel=1e-6)
    assert generator["sd"] == pytest.approx(abs(generator["by_seed"]["14"] - math.exp(2)) / math.sqrt(2), rel=1e-6)
