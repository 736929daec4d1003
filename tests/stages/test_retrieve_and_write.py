import random
from dataclasses import replace
from pathlib import Path

import pytest

from attune import parameters
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_json, write_parquet
from attune.corpora.wording import as_written, tokenised
from attune.generators.prompts import examples
from attune.generators.roles import DIALOGUE, INSTRUCTION
from attune.generators.training import train as train_generator
from attune.index.bank import Bank
from attune.inference.ranker import Ranker
from attune.inference.retriever import Retriever
from attune.parameters.decoding import Decoding
from stages import base_models, index, train_cobert
from stages.retrieve_and_write import main, retrieved, written
from tests.cobert.tiny import WORDS, cobert, encoder
from tests.generators.tiny import dialogue_rows, gpt, prompted, saved
from tests.inference.asked import asked
from tests.inference.tiny_bank import Words, bank_of
from tests.stages import cobert_project
from tests.stages.evaluation_project import PERSONA, PERSONAS, project, train
from tests.stages.small_project import change, small_project

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


def test_retrieval_and_every_generator_answer_the_same_contexts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    change(lambda values: values["generation"].update(answered_examples=5))
    train()
    prepare()
    read = asked(monkeypatch)
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
    for name, (prompts, _) in zip(writers, read, strict=True):
        turns = [turn for each in prompts for turn in (*each.history, each.question)]
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


def test_the_best_reply_suits_the_persona_and_who_said_what(tmp_path: Path) -> None:
    draws = random.Random(1)
    said = [" ".join(draws.sample(WORDS, 4)) for _ in range(40)]
    rows = [
        {"id": f"test{at}", "context": draws.sample(said, 3), "personas": draws.sample(said, 2),
         "context_speakers": draws.choice(("aab", "abb", "aba"))}
        for at in range(20)
    ]  # fmt: skip
    bank = bank_of(said)
    bank = Bank(bank.index, [row | {"id": f"train{at}"} for at, row in enumerate(bank.rows)])
    ranker = Ranker(*cobert(tmp_path))
    found = [each.text for each in retrieved(Retriever(ranker, Words(), bank, len(said)), rows)]

    def best(personas: bool = True, speakers: bool = True) -> list[str]:
        given = [(row["personas"] * personas, said, row["context_speakers"] if speakers else None) for row in rows]
        return [ranker.rank(row["context"], *each)[0].reply for row, each in zip(rows, given, strict=True)]

    assert found == best()
    assert best(personas=False) != found != best(speakers=False)


def test_generators_read_what_they_were_trained_with_and_decode_as_they_are_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_project(tmp_path, monkeypatch)
    base = saved(gpt(positions=256), Path("base/tiny"))
    shape = {"max_length": 150, "persona_tokens": 60}
    entries = {
        "kind": prompted(corpus="pec", rows=PERSONAS, instruction="Be kind.", **shape),
        "helpful": prompted(corpus="openorca", rows="processed/openorca", instruction="Help.", **shape),
    }
    roles = {"kind": DIALOGUE, "helpful": INSTRUCTION}
    for name, entry in entries.items():
        given = [replace(each, roles=roles[name]) for each in examples(dialogue_rows(), entry.instruction)]
        train_generator(entry, base, given, 1, Path("checkpoints"), Path("generators") / name)
    settings = parameters.load().model_copy(update={"generators": entries})
    settings.generation.decoding["helpful"] = Decoding(method="sampling", temperature=0.7)
    rows = [
        row | {"personas": [f"i am {at} ."], "context": ["hi !", "oh ?", "no ."], "context_speakers": ["b", "a", "a"]}
        for at, row in enumerate(cobert_project.pec_rows(3, "test"))
    ]
    read = asked(monkeypatch)
    written_by = dict(written(settings, rows, Path("base"), Path("generators")))
    assert list(written_by) == list(entries)
    for (name, replies), (prompts, decoding) in zip(written_by.items(), read, strict=True):
        assert len(replies) == 3
        assert decoding == settings.generation.decoding["helpful" if name == "helpful" else "default"]
        assert {(each.roles, each.system) for each in prompts} == {(roles[name], entries[name].instruction)}
        assert [each.persona for each in prompts] == [(f"i am {at} .",) for at in range(3)]
        assert {each.own for each in prompts} == {(True, False, False)}
