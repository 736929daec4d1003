from pathlib import Path
from typing import Any

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_json, write_parquet
from attune.corpora.wording import as_written, tokenised
from attune.inference.generator import Generator
from stages import base_models, index, train_cobert
from stages.retrieve_and_write import main
from tests.cobert.tiny import encoder
from tests.stages import cobert_project
from tests.stages.evaluation_project import PERSONA, PERSONAS, project, train
from tests.stages.small_project import change

PLACES = {
    "test": Path(f"{PERSONAS}/test.parquet"),
    "ranker": Path("models/cobert/tuned"),
    "encoder": Path("encoder"),
    "index": Path("index"),
    "embedder": Path("embedder"),
    "base_models": Path("base"),
    "generators": Path("generators"),
    "target": Path("answered.parquet"),
}


def prepare() -> None:
    """A trained CoBERT, and an index of its train replies."""
    encoder(PLACES["encoder"])
    write_json(Path("recipe.json"), cobert_project.RECIPE)
    for split in ("train", "valid"):
        rows = cobert_project.pec_rows(16, split)
        write_parquet(Path(f"{PERSONAS}/{split}.parquet"), rows, cobert_project.SCHEMAS.rows)
    write_parquet(
        Path("pec/large/all/train.parquet"), cobert_project.pec_rows(16, "train"), cobert_project.SCHEMAS.rows
    )
    train_cobert.main(
        recipe=Path("recipe.json"),
        encoder=PLACES["encoder"],
        data=Path(PERSONAS),
        target=PLACES["ranker"],
        curve=Path("curve.csv"),
    )
    base_models.main(name="embedder", target=PLACES["embedder"])
    index.main(corpus="pec", processed=Path("pec"), embedder=PLACES["embedder"], target=PLACES["index"])


def turns_read(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The turns that each generator reads, in the order in which they write."""
    found: list[list[str]] = []
    replies = Generator.replies

    def noted(self: Generator, prompts: Any, *others: Any) -> Any:
        found.append([turn for each in prompts for turn in (*each.history, each.question)])
        return replies(self, prompts, *others)

    monkeypatch.setattr(Generator, "replies", noted)
    return found


def test_retrieval_and_every_generator_answer_the_same_contexts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    change(lambda values: values["generation"].update(answered_examples=5))
    train()
    prepare()
    read = turns_read(monkeypatch)
    main(**PLACES)
    rows = read_parquet(PLACES["target"])
    systems = ["retrieved", "tiny_prompt", "tiny_prompt_tuning", "tiny_full", "tiny_lora", "tiny_persona", "tiny_rag"]
    assert sorted({row["system"] for row in rows}) == sorted(systems)
    assert rows[0]["system"] == "retrieved"
    parts = {name: [row for row in rows if row["system"] == name] for name in systems}
    assert len({tuple((row["id"], row["prompt"], row["target"]) for row in part) for part in parts.values()}) == 1
    assert len(parts["retrieved"]) == 5
    bank = {row["response"] for row in cobert_project.pec_rows(16, "train")}
    assert {row["reply"] for row in parts["retrieved"]} <= bank
    assert not any(row["truncated"] for row in parts["retrieved"])
    assert [row["reply"] for row in parts[PERSONA]] != [row["reply"] for row in parts["tiny_lora"]]
    # Only the generator of the ranking corpus reads its wording, the others what people write.
    _, *writers = dict.fromkeys(row["system"] for row in rows)
    for name, turns in zip(writers, read, strict=True):
        wordings = {tokenised(turn) if name == PERSONA else as_written(tokenised(turn)) for turn in turns}
        assert {*turns} == wordings, name
    # All are scored in the wording of the true replies, whatever wording their generator writes.
    written = [row["reply"] for row in rows if row["system"] != "retrieved"]
    assert any(written)
    assert written == [tokenised(reply) for reply in written]
    first = PLACES["target"].read_bytes()
    main(**PLACES)
    assert PLACES["target"].read_bytes() == first


def test_an_index_of_test_replies_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    prepare()
    with pytest.raises(AttuneError, match="index holds the test conversation 'train"):
        main(**PLACES | {"test": Path("pec/large/all/train.parquet")})
    assert not PLACES["target"].exists()
