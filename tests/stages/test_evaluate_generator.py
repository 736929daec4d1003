import shutil
from pathlib import Path
from typing import Any

import pytest

from attune import parameters
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_parquet
from attune.evaluation.schemas import BASES
from attune.index.passages import with_passages
from stages import base_tests, score_bases
from stages.evaluate_generator import losses, main, variants_of
from tests.generators.tiny import FEELINGS, dialogue_rows
from tests.inference.asked import asked
from tests.project import ROOT
from tests.stages.cobert_project import pec_rows
from tests.stages.evaluation_project import PERSONA, PERSONAS, WITH_PASSAGES, project, train
from tests.stages.generators_project import CORPUS, NAMES, SCHEMAS, passage, train_once
from tests.stages.small_project import change, small_project

PLACES = {
    "base": Path("base/gpt2"),
    "bases": Path("bases.parquet"),
    "passages": Path("passages"),
    "persona_passages": Path("persona_passages"),
    "oracle_passages": Path("oracle_passages"),
}


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        project(folder, patch)
        train()
    return folder


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is a copy of the project with its generators, which a test may change."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def evaluate(name: str, target: str, rows: str = f"processed/{CORPUS}") -> list[dict[str, Any]]:
    test = Path(f"{rows}/test.parquet")
    main(name=name, model=Path(f"generators/{name}"), test=test, target=Path(target), **PLACES)
    return read_parquet(Path(target))


def parts(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows by variant."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["variant"], []).append(row)
    return found


@pytest.mark.usefixtures("trained")
def test_every_method_reads_the_same_rows_plain_and_with_passages() -> None:
    found = {name: evaluate(name, f"{name}.parquet") for name in NAMES}
    bases = {tuple(row["base_nats"] for row in rows) for rows in found.values()}
    assert len(bases) == 1  # the untrained base, the same for all, whatever the variant
    for name, rows in found.items():
        assert [row["variant"] for row in rows] == ["plain"] * 8 + ["rag"] * 8 + ["other_rag"] * 8
        variants = parts(rows).values()
        assert len({tuple(row["id"] for row in part) for part in variants}) == 1
        without, own, others = ([row["nats"] for row in part] for part in variants)
        assert own == pytest.approx(others, abs=1e-3)  # all rows have the same passages
        assert without != pytest.approx(own, abs=1e-3)
        assert {row["conversation"] for row in rows} <= set(FEELINGS[8:])
        *replied, unreplied = variants
        for part in replied:
            assert [row["reply"] is not None for row in part] == [True] * 4 + [False] * 4
        assert not any(row["reply"] for row in unreplied)
        assert evaluate(name, "again.parquet") == rows
    for rows in found.values():
        assert not any(row["passage_replies"] for row in rows[:8])
        assert {reply for row in rows[8:16] for reply in row["passage_replies"]} <= {"Oh.", "Ah."}
        assert any(row["passage_replies"] for row in rows[8:])
        for row in rows:  # as `generators_project.passage` writes them
            assert row["passage_texts"] == [f"{reply}\n" for reply in row["passage_replies"]]
        assert not any(row["target_given"] for row in rows)
    plain = {name: [row["nats"] for row in rows[:8]] for name, rows in found.items()}
    assert len({tuple(nats) for nats in plain.values()}) == len(NAMES)
    assert plain["tiny_prompt"] != [row["base_nats"] for row in found["tiny_prompt"][:8]]  # its instruction


@pytest.mark.usefixtures("trained")
def test_one_trained_with_passages_is_also_given_reranked_ones_and_the_most_similar_reply() -> None:
    rows = evaluate(WITH_PASSAGES, "rows.parquet", f"passages/{CORPUS}")
    variants = parts(rows)
    assert list(variants) == ["plain", "rag", "other_rag", "persona_rag", "oracle_rag"]
    assert {reply for row in variants["oracle_rag"] for reply in row["passage_replies"]} == {"Hello."}
    assert not any(row["reply"] for row in variants["oracle_rag"])
    plain = evaluate("tiny_full", "full.parquet")[:8]
    assert [row["id"] for row in variants["plain"]] == [row["id"] for row in plain]  # whichever file they are from


@pytest.mark.usefixtures("trained")
def test_a_generator_with_a_persona_is_tested_with_none_and_with_another_s() -> None:
    rows = evaluate(PERSONA, "rows.parquet", PERSONAS)
    variants = parts(rows)
    assert list(variants) == ["plain", "no_persona", "other_persona"]
    assert [len(part) for part in variants.values()] == [9, 9, 9]
    assert len({tuple(row["nats"] for row in part) for part in variants.values()}) == 3
    assert len({tuple(row["base_nats"] for row in part) for part in variants.values()}) == 1
    replied = {name: sum(row["reply"] is not None for row in part) for name, part in variants.items()}
    assert replied == {"plain": 4, "no_persona": 0, "other_persona": 0}


def test_a_generator_that_reads_no_persona_is_not_tested_with_others() -> None:
    settings = parameters.load(ROOT / "params.yaml")
    entry = next(each for each in settings.generators.values() if each.corpus == "pec" and each.persona_tokens)
    names = {}
    for tokens in (60, 0):
        reader = entry.model_copy(update={"persona_tokens": tokens})
        names[tokens] = [each.name for each in variants_of(reader, pec_rows(8, "test"), {}, settings)]
    assert names == {60: ["plain", "no_persona", "other_persona"], 0: ["plain"]}


@pytest.mark.usefixtures("trained")
def test_each_generator_decodes_as_it_is_to(monkeypatch: pytest.MonkeyPatch) -> None:
    change(lambda values: values["generation"]["decoding"].update(tiny_full={"method": "greedy", "no_repeat_ngram": 2}))
    put = asked(monkeypatch)
    for name in ("tiny_full", "tiny_lora"):
        evaluate(name, "rows.parquet")
    assert [decoding.no_repeat_ngram for _, decoding in put] == [2, 3]


def test_a_row_has_its_own_passages_of_each_kind_as_many_as_are_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_project(tmp_path, monkeypatch)
    settings, rows = parameters.load(), dialogue_rows()[:6]
    kinds = ("rag", "persona_rag", "oracle_rag")
    for kind in kinds:
        found = [
            row | {"passages": [passage(f"{kind} {at} {place}") for place in range(settings.rag.shortlist)]}
            for at, row in enumerate(rows)
        ]
        write_parquet(Path(f"{kind}/{CORPUS}/test.parquet"), found[::-1], with_passages(SCHEMAS.rows))
    entry = settings.generators["tiny_full"].model_copy(update={"passage_tokens": 8})
    given = {each.name: each for each in variants_of(entry, rows, {kind: Path(kind) for kind in kinds}, settings)}
    assert settings.rag.k < settings.rag.shortlist
    for kind in kinds:
        assert [each.passages for each in given[kind].examples] == [
            tuple(f"{kind} {at} {place}\n" for place in range(settings.rag.k)) for at in range(len(rows))
        ]
    own, others = ([set(each.passages) for each in given[kind].examples] for kind in ("rag", "other_rag"))
    assert all(len(other) == settings.rag.k and mine.isdisjoint(other) for mine, other in zip(own, others, strict=True))


@pytest.mark.usefixtures("trained")
def test_a_base_is_scored_with_the_prompt_of_its_generator() -> None:
    """What is not trained is the base itself: its losses are those of a base with the same prompt."""

    def edit(values: dict[str, Any]) -> None:
        generators = values["generators"]
        for name in ("tiny_full", PERSONA):
            generators[name]["instruction"] = generators["tiny_prompt"]["instruction"]
        limits = {key: generators[PERSONA][key] for key in ("corpus", "rows", "max_length", "persona_tokens")}
        generators["untrained"] = generators["tiny_prompt"] | limits

    change(edit)
    train_once("untrained", PERSONAS)
    base_tests.main(target=Path("base_tests.json"))
    score_bases.main(tests=Path("base_tests.json"), base_models=Path("base"), data=Path(), target=Path("bases.parquet"))
    generators = parameters.load().generators
    for untrained, trained, folder in (
        ("tiny_prompt", "tiny_full", f"processed/{CORPUS}"),
        ("untrained", PERSONA, PERSONAS),
    ):
        plain = parts(evaluate(untrained, "rows.parquet", folder))["plain"]
        nats = pytest.approx({row["id"]: row["nats"] for row in plain}, rel=1e-4)
        assert losses(Path("bases.parquet"), generators[trained]) == nats
        assert losses(Path("bases.parquet"), generators[untrained]) != nats  # its instruction


def test_a_generator_not_yet_trained_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    with pytest.raises(AttuneError, match="generators/tiny_full"):
        evaluate("tiny_full", "rows.parquet")
    with pytest.raises(AttuneError, match="'tiny' is no generator"):
        evaluate("tiny", "rows.parquet")
    assert not Path("rows.parquet").exists()


def test_passages_of_other_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    folder = Path("passages") / CORPUS
    (folder / "train.parquet").replace(folder / "test.parquet")
    with pytest.raises(AttuneError, match=rf"passages/{CORPUS}/test\.parquet lacks test rows; `dvc repro` writes it"):
        evaluate("tiny_full", "rows.parquet")


@pytest.mark.usefixtures("trained")
def test_losses_of_another_base_are_refused() -> None:
    others = [row | {"base": "gpt9"} for row in read_parquet(Path("bases.parquet"))]
    write_parquet(Path("bases.parquet"), others, BASES)
    with pytest.raises(AttuneError, match=f"bases.parquet lacks gpt2 on {CORPUS} with this generator's prompt; `dvc"):
        evaluate("tiny_full", "rows.parquet")
