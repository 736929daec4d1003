import re
from pathlib import Path
from typing import Any

import pytest

from attune.core.files import read_json, sha256, write_parquet
from attune.corpora import record_of
from attune.evaluation.schemas import RANKED, SCORED
from attune.index.bank import entries
from attune.report.contamination import section
from stages.contamination import main
from tests.evaluation.test_contamination import NINE, dialogue_row
from tests.stages.cobert_project import SCHEMAS, pec_rows
from tests.stages.small_project import small_project


def scored_replies() -> list[dict[str, Any]]:
    """Two conversations' replies, which training made easier by 2 nats per token and by 1."""
    return [
        {"generator": "tiny_full", "variant": "plain", "id": f"{name}/1", "conversation": name, "tokens": 2,
         "nats": nats, "base_nats": 6.0}
        for name, nats in (("e", 2.0), ("f", 4.0))
    ]  # fmt: skip


def test_the_sets_are_measured_and_the_scores_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, monkeypatch)
    ranked = {split: pec_rows(4, split) for split in ("train", "test")}
    ranked["test"][0]["response"] = ranked["test"][1]["response"] = ranked["train"][0]["response"] = NINE
    dialogues = {"train": [dialogue_row("t", NINE)], "test": [dialogue_row("e", NINE), dialogue_row("f", "Oh no.")]}
    dialogue = record_of("empathetic_dialogues")
    for split in ranked:
        write_parquet(Path(f"processed/pec/small/happy/{split}.parquet"), ranked[split], SCHEMAS.rows)
        write_parquet(Path(f"processed/{dialogue.name}/{split}.parquet"), dialogues[split], dialogue.schemas.rows)
    import pyarrow as pa

    bank = pa.schema([(column, pa.string()) for column in ("id", "text", "reply")])
    write_parquet(Path("index/pec/rows.parquet"), entries(ranked["train"]), bank)
    texts = {"response": "x", "first": "x"}
    about = {"model": "untrained", "subset": "small", "domain": "happy", "loss": 1.0}
    ranks = zip(ranked["test"], (1, 2, 4, 8), strict=True)
    rows = [{**about, "id": row["id"], "rank": rank, **texts} for row, rank in ranks]
    write_parquet(Path("ranks.parquet"), rows, RANKED)
    write_parquet(Path("replies.parquet"), scored_replies(), SCORED)
    places = {"processed": Path("processed"), "index": Path("index"), "ranks": Path("ranks.parquet")}
    for name in ("one", "two"):
        main(**places, replies=Path("replies.parquet"), target=Path(f"{name}.json"))
    assert sha256(Path("one.json")) == sha256(Path("two.json"))
    found = read_json(Path("one.json"))
    (mrr,) = (each for each in found["ranking"] if each["split"] == "reply")
    # Two replies that stand in the train set, ranked 1 and 2, and two others, ranked 4 and 8.
    assert (mrr["system"], mrr["overlapping_units"], mrr["other_units"]) == ("untrained", 2, 2)
    assert (mrr["overlapping"], mrr["other"]) == (0.75, 0.1875)
    assert "overlapping_low" not in mrr  # of two
    gain = {(each["score"], each["split"]): each for each in found["losses"]}["gain", "reply"]
    assert (gain["overlapping"], gain["other"]) == (2, 1)
    heading, body = section(found, {"tiny_full": "Tiny & full"})
    assert heading == "Test text in the training data"
    assert (
        f"share a run of {found['n']} words with their train set: 50 % of {dialogue.title}"
        in body.split("<details>")[0]
    )
    half = '<td class="number" data-value="0.5">50</td>'
    own = f'<th scope="row">{dialogue.title}</th><td class="number">2</td>{half}{half}'
    assert own in body
    assert f'<th scope="row">Tiny &amp; full</th><td>{dialogue.title}</td><td>Gain</td>' in body
    assert "2.000" in body[body.index("<td>Gain</td>") :]
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", line) for line in body.splitlines()]
    ranked = ["0.750", "n = 2", "0.188", "n = 2"]
    texts = [[part for cell in row for part in re.split(r" ?<[^>]+>", cell) if part] for row in cells]
    assert ["untrained", "PEC, small, happy", "MRR", *ranked] in texts
    assert ["Tiny &amp; full", dialogue.title, "Gain", "2.000", "n = 1", "1.000", "n = 1"] in texts


def test_a_score_without_an_interval_has_its_number_of_units_alone() -> None:
    overlap = {"test": "pec/small/happy", "source": "pec/small/happy", "mostly_contained": 0.0}
    overlap |= {"rows": 9, "rows_with_ngrams": 9}
    scores = {"overlapping": 0.75, "overlapping_low": 0.5, "overlapping_high": 1.0}
    scores |= {"other": 0.25, "overlapping_units": 6, "other_units": 5}
    row = {"system": "untrained", "test": "pec/small/happy", "score": "mrr", "split": "reply"}
    overlaps = [overlap | {"example": 0.5, "reply": 0.5}]
    _, body = section({"n": 8, "mostly": 0.7, "overlaps": overlaps, "ranking": [row | scores], "losses": []}, {})
    assert ">0.500 to 1.000, n = 6<" in body
    assert ">n = 5<" in body


def test_corpora_that_share_text_are_named() -> None:
    def shared(test: str, source: str, share: float) -> dict[str, Any]:
        shares = {"example": share, "reply": share, "mostly_contained": 0.0}
        return {"test": test, "source": source, "rows": 9, "rows_with_ngrams": 9, **shares}

    overlaps = [
        shared("openorca", "openorca", 0.2), shared("openorca", "openassistant_guanaco", 0.39),
        shared("openorca", "index/pec", 0.5), shared("openorca", "empathetic_dialogues", 0.004),
        shared("pec/small/all", "pec/small/happy", 0.3),
    ]  # fmt: skip
    _, body = section({"n": 8, "mostly": 0.7, "overlaps": overlaps, "ranking": [], "losses": []}, {})
    told = "Across corpora: 39 % of OpenOrca with guanaco; do not test a model of one on the other."
    assert body.startswith(
        "<p>Test examples that share a run of 8 words with their train set: 20 % of OpenOrca. " + told
    )


def test_a_small_share_is_not_shown_as_none_and_no_split_as_no_riddle() -> None:
    overlap = {"test": "openorca", "source": "openorca", "rows": 900, "rows_with_ngrams": 900}
    overlaps = [overlap | {"example": 0.25, "reply": 0.0045, "mostly_contained": 0.0}]
    _, body = section({"n": 8, "mostly": 0.7, "overlaps": overlaps, "ranking": [], "losses": []}, {})
    shares = re.findall(r'data-value="[^"]*">([^<]*)</td>', body)
    assert shares == ["25", "under 1", "0", "25"]
    assert "<p>In no test set do some scored replies overlap and others not.</p>" in body


def test_a_test_set_of_short_turns_is_not_said_to_share_nothing() -> None:
    def own(test: str, long: int) -> dict[str, Any]:
        shares = {"example": 0.0, "reply": 0.0, "mostly_contained": 0.0}
        return {"test": test, "source": test, "rows": 9, "rows_with_ngrams": long, **shares}

    found = {"n": 8, "mostly": 0.7, "ranking": [], "losses": []}
    short, long = own("pec/small/happy", 0), own("openorca", 5)
    told = "No test example of PEC, small, happy has a turn of 8 words, which could be shared.</p>"
    _, body = section(found | {"overlaps": [short, long]}, {})
    first = "Test examples that share a run of 8 words with their train set: none of 1 test set. "
    assert body.startswith(f"<p>{first}{told}")
    _, body = section(found | {"overlaps": [short]}, {})
    assert body.startswith(f"<p>{told}")
