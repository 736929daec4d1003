from pathlib import Path

import pytest

from attune.core.files import read_json, read_parquet
from attune.generators.held_out import hold_out, opening
from attune.generators.prompts import examples
from stages import base_models
from stages.sweep_decoding import main
from tests.inference.asked import asked
from tests.stages.generators_project import CORPUS, project, train
from tests.stages.small_project import change

PLACES = {
    "base_models": Path("base"),
    "generators": Path("generators"),
    "data": Path(),
    "embedder": Path("embedder"),
    "scores": Path("decoding.json"),
    "rows": Path("rows.parquet"),
}


def test_each_point_has_its_replies_and_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    change(lambda values: values["generation"]["decoding"].update(tiny_lora={"method": "greedy", "no_repeat_ngram": 2}))
    train()
    put = asked(monkeypatch)
    base_models.main(name="embedder", target=PLACES["embedder"])
    main(**PLACES)
    ((_, decodings),) = put
    assert {(each.method, each.no_repeat_ngram) for each in decodings} == {("sampling", 2)}
    scores, rows = read_json(PLACES["scores"]), read_parquet(PLACES["rows"])
    assert list(scores) == ["tiny_lora"]
    assert list(scores["tiny_lora"]) == ["0.1/1/1", "0.1/5/0.99", "0.5/15/0.97", "0.9/30/0.95"]
    train_rows = examples(read_parquet(Path(f"processed/{CORPUS}/train.parquet")))
    names = [each.conversation for each in train_rows]
    _, held_out = hold_out(names, [opening(each) for each in train_rows], 13)
    for point in scores["tiny_lora"]:
        assert [row["id"] for row in rows if row["point"] == point] == [train_rows[at].id for at in held_out[:5]]
    assert [point for point, found in scores["tiny_lora"].items() if found.get("best")] != []
    assert all(-1 <= row["similarity"] <= 1 for row in rows)
    by_point = {point: [row["reply"] for row in rows if row["point"] == point] for point in scores["tiny_lora"]}
    assert by_point["0.1/5/0.99"] != by_point["0.9/30/0.95"]
    for found in scores["tiny_lora"].values():
        assert 0 <= found["replies_repeated_3grams"] <= 1  # without an interval: all are of one conversation
        assert 0 < found["distinct_1"] <= 1
        assert {"replies_truncated", "distinct_2"} <= found.keys()
    first = PLACES["rows"].read_bytes()
    main(**PLACES)
    assert PLACES["rows"].read_bytes() == first
