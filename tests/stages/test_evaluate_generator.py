from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_parquet
from stages.evaluate_generator import main
from tests.generators.tiny import FEELINGS
from tests.stages.generators_project import CORPUS, NAMES, project, train

PLACES = {
    "base": Path("base/gpt2"),
    "processed": Path("processed"),
    "passages": Path("passages"),
    "persona_passages": Path("persona_passages"),
}


def evaluate(name: str, target: str) -> list[dict[str, object]]:
    main(name=name, model=Path(f"generators/{name}"), target=Path(target), **PLACES)
    return read_parquet(Path(target))


def test_every_method_reads_the_same_rows_plain_and_with_passages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    train()
    found = {name: evaluate(name, f"{name}.parquet") for name in NAMES}
    bases = {tuple(row["base_nats"] for row in rows) for rows in found.values()}
    assert len(bases) == 1  # the untrained base, the same for all, whatever the variant
    for name, rows in found.items():
        assert [row["variant"] for row in rows] == ["plain"] * 8 + ["rag"] * 8 + ["persona_rag"] * 8
        parts = [rows[at : at + 8] for at in (0, 8, 16)]
        assert len({tuple(row["id"] for row in part) for part in parts}) == 1
        assert len({tuple(row["nats"] for row in part) for part in parts}) == 3
        assert {row["conversation"] for row in rows} <= set(FEELINGS[8:])
        for part in parts:
            assert [row["reply"] is not None for row in part] == [True] * 4 + [False] * 4
        assert evaluate(name, "again.parquet") == rows
    for rows in found.values():
        assert {row["passages"] for row in rows[:8]} == {0}
        assert max(row["passages"] for row in rows[8:]) > 0
        assert not any(row["target_given"] for row in rows)
    plain = {name: [row["nats"] for row in rows[:8]] for name, rows in found.items()}
    assert len({tuple(nats) for nats in plain.values()}) == len(NAMES)
    assert plain["tiny_prompt"] != [row["base_nats"] for row in found["tiny_prompt"][:8]]  # its instruction


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
    with pytest.raises(AttuneError, match=rf"passages/{CORPUS}/test\.parquet lacks test rows; run `dvc repro"):
        evaluate("tiny_full", "rows.parquet")
