from pathlib import Path

import pytest

from attune import schemas
from attune.errors import AttuneError
from attune.files import read_json, read_parquet, write_parquet
from stages import evaluate_generators, train_generator
from tests.generation.tiny import FEELINGS, dialogue_rows, gpt, saved
from tests.stages.small_project import small_project

PLACES = ("processed", "bases", "generators", "metrics/generators.json", "replies.parquet")
METHODS = ("full", "prompt_tuning", "lora")


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(folder, monkeypatch)
    saved(gpt(), Path("bases/gpt2"))
    corpus = Path("processed/empathetic_dialogues")
    for split, feelings in (("train", FEELINGS[:8]), ("test", FEELINGS[8:])):
        rows = [row for row in dialogue_rows() if row["conv_id"] in feelings]
        write_parquet(corpus / f"{split}.parquet", rows, schemas.REPLIES)


def test_every_generator_is_scored_beside_its_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path, monkeypatch)
    for method in METHODS:
        name = f"tiny_{method}"
        train_generator.main(name, "bases/gpt2", "processed/empathetic_dialogues", f"generators/{name}", "c.csv")
    evaluate_generators.main(*PLACES)
    first = [Path(place).read_bytes() for place in PLACES[3:]]
    scores = read_json(Path(PLACES[3]))
    assert set(scores) == {f"tiny_{method}" for method in METHODS}
    assert len({score["base_perplexity"] for score in scores.values()}) == 1
    for score in scores.values():
        assert score["examples"] == 8
        assert score["perplexity"] != score["base_perplexity"]
        assert 0 <= score["replies_cut"] <= 1
    rows = read_parquet(Path(PLACES[4]))
    assert list(rows[0]) == ["generator", "id", "prompt", "target", "reply"]
    assert len(rows) == 3 * 4
    assert {row["id"].split("/")[0] for row in rows} <= set(FEELINGS[8:])
    evaluate_generators.main(*PLACES)
    assert [Path(place).read_bytes() for place in PLACES[3:]] == first


def test_a_generator_not_yet_trained_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path, monkeypatch)
    with pytest.raises(AttuneError, match="generators/tiny_full"):
        evaluate_generators.main(*PLACES)
    assert not Path(PLACES[3]).exists()
