from pathlib import Path

import pytest

from attune.core.files import read_parquet, write_parquet
from attune.corpora import record_of
from attune.index.passages import with_passages
from attune.inference.ranker import Ranker
from stages.rerank_passages import main
from tests.generators.tiny import dialogue_rows
from tests.project import changed
from tests.stages.cobert_project import project, train_once
from tests.stages.generators_project import passage


def test_passages_stand_in_the_order_of_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    train_once("baseline")
    replies = ("i am so sorry", "a red apple", "why is that", "well done")
    rows = [row | {"passages": [passage(reply) for reply in replies]} for row in dialogue_rows()[:6]]
    write_parquet(Path("found/test.parquet"), rows, with_passages(record_of("empathetic_dialogues").schemas.rows))
    orders = []
    for persona in (["i love apples ."], []):
        changed(tmp_path, ("rag.persona", persona))
        main(passages=Path("found"), model=Path("models/baseline-small-happy"), target=Path("ordered"))
        given = read_parquet(Path("ordered/test.parquet"))
        assert [row["conv_id"] for row in given] == [row["conv_id"] for row in rows]
        for row in given:
            assert sorted(each["reply"] for each in row["passages"]) == sorted(replies)
            scores = [each["score"] for each in row["passages"]]
            assert scores == sorted(scores, reverse=True)
        ranker = Ranker.from_pretrained("models/baseline-small-happy")
        context = [*rows[1]["history"], rows[1]["input"]]
        (alone,) = ranker.scores([context], [persona], [replies])
        by_reply = {each["reply"]: each["score"] for each in given[1]["passages"]}
        assert [by_reply[reply] for reply in replies] == pytest.approx(alone, rel=1e-4)
        orders.append([each["score"] for row in given for each in row["passages"]])
    assert orders[0] != orders[1]  # the persona counts


def test_whose_turns_are_whose_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns of one person in a row are read as such, and not as those of two who take turns."""
    project(tmp_path, monkeypatch)
    train_once("baseline")
    replies = ("i love my dog .", "so sad !", "we have a new job .")
    rows = [
        row | {"passages": [passage(f"{reply} {at}") for reply in replies], "speakers": [1, 0, 0]}
        for at, row in enumerate(row for row in dialogue_rows() if row["history"])
    ]
    schema = with_passages(record_of("empathetic_dialogues").schemas.rows)
    assert schema.names.count("speakers") == 1
    write_parquet(Path("found/test.parquet"), rows, schema)
    changed(tmp_path, ("rag.persona", ["i have a cat ."]))
    main(passages=Path("found"), model=Path("models/baseline-small-happy"), target=Path("ordered"))
    ranker = Ranker.from_pretrained("models/baseline-small-happy")
    words = [[*rows[0]["history"], rows[0]["input"]]], [["i have a cat ."]], [[f"{reply} 0" for reply in replies]]
    (with_speakers,), (without,) = ranker.scores(*words, [[1, 0, 0]]), ranker.scores(*words)
    assert with_speakers != pytest.approx(without, rel=1e-3)
    first, *_ = read_parquet(Path("ordered/test.parquet"))
    assert [each["score"] for each in first["passages"]] == pytest.approx(sorted(with_speakers, reverse=True), rel=1e-4)
