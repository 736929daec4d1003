import re
from pathlib import Path
from typing import Any

import pytest

from attune import parameters
from attune.core.files import write_json
from attune.report.results import Results
from attune.report.system_scores import section
from attune.sources.manifest import Origin, build
from tests.project import changed


def wide(**scores: float) -> dict[str, float]:
    return {f"{name}{end}": each + shift for name, each in scores.items() for end, shift in ENDS}


ENDS = (("", 0.0), ("_low", -0.1), ("_high", 0.1))
SYSTEMS = {
    "full": wide(perplexity=20.0),
    "lora": wide(perplexity=30.0),
    "lora+oracle_rag": wide(perplexity=2.0),
    "lora+other_rag": wide(perplexity=1.0),
    "persona": wide(perplexity=10.0),
}


def page(folder: Path, targets: dict[str, float], notice: str | None = None, **bases: str) -> str:
    """The tables of full and lora on EmpatheticDialogues, and persona on PEC, whose manifest has the notice."""
    changed(folder, ("cobert.subsets", ["small"]), ("cobert.domains", ["all"]), ("cobert.recipes", ["attune"]))
    ranks = dict.fromkeys(("untrained", "attune"), wide(mrr=0.5, loss=2.0))
    write_json(folder / "cobert_intervals.json", {"small": {"all": ranks, "mean": ranks}})
    intervals = SYSTEMS | {"targets": targets}
    write_json(folder / "generators_intervals.json", intervals)
    plain = {name: {"perplexity": each["perplexity"]} for name, each in SYSTEMS.items()}
    write_json(folder / "generators.json", plain | {"targets": {"bleu": 100.0}})
    write_json(folder / "retrieved_and_written.json", {"retrieved": wide(similarity=0.25, replies=12)})
    point = {"best": True, "similarity": 0.375, "replies_repeated_3grams": 0.01}
    write_json(folder / "raw/pec/manifest.json", build("pec", folder, Origin("sample", "", notice=notice), {}, 0))
    write_json(folder / "decoding.json", {"full": {"0.1/5/0.99": point}})
    write_json(
        folder / "probe.json",
        wide(accuracy=0.5) | {"signatures": {"bleu": "b", "chrf": "c"}, "confusion": {"sad": {}, "glad": {}}},
    )
    settings = parameters.load(folder / "params.yaml")
    known = settings.generators
    own: dict[str, Any] = {"full": known["full"], "lora": known["full"], "persona": known["persona"]}
    own = {name: each.model_copy(update={"base": bases.get(name, "one")}) for name, each in own.items()}
    paths = {"metrics": folder, "raw": folder / "raw", "probe": folder / "probe.json"}
    return section(Results(settings.model_copy(update={"generators": own}), **paths))


def table(text: str, title: str) -> list[list[str]]:
    """The first cells of each row below a heading; what is bold keeps its mark."""
    part = text.partition(f"<summary>{title}</summary>")[2].partition("</table>")[0]
    rows = re.findall(r'<tr>(<th scope="row">.*?)</tr>', part)
    return [
        [re.sub(r"</?(t[dh]|span)[^>]*>", "", cell) for cell in re.findall(r"<t[dh].*?</t[dh]>", row)][:3]
        for row in rows
    ]


def test_generators_compete_within_their_corpus_and_the_ideal_passage_does_not(tmp_path: Path) -> None:
    text = page(tmp_path, wide(similarity=1.0))
    dialogues, pec = "EmpatheticDialogues", "PEC"
    assert table(text, "Generators, and how they decode") == [
        ["Full fine-tuning (full)", dialogues, "<b>20.0</b> 19.9–20.1"],
        ["Full fine-tuning (lora)", dialogues, "30.0 29.9–30.1"],
        ["LoRA on PEC with persona", pec, "10.0 9.9–10.1"],
    ]
    every = table(text, "Generators: all scores")
    assert every == [
        ["Full fine-tuning (full)", dialogues, "<b>20.0</b>"],
        ["Full fine-tuning (lora)", dialogues, "30.0"],
        ["Full fine-tuning (lora) + another message&#x27;s passages", dialogues, "1.0"],
        ["Full fine-tuning (lora) + ideal passages", dialogues, "2.0"],
        ["True replies", dialogues, ""],
        ["LoRA on PEC with persona", pec, "10.0"],
    ]


@pytest.mark.parametrize(
    ("notice", "source"),
    [
        (None, "PEC"),
        ("Not PEC: Ann's chats.", "what stands in the place of PEC"),
        ("Own data, chats. of mine.csv", "own data in the place of PEC"),
    ],
)
def test_the_data_of_retrieval_beside_generation_are_named(tmp_path: Path, notice: str | None, source: str) -> None:
    text = page(tmp_path, {}, notice)
    assert f"12 test contexts of {source}, answered by CoBERT out of the replies of its train split and by each" in text
    assert "1 of 3 generators was trained on PEC; only such a generator reads the responder" in text


def test_generators_of_different_bases_do_not_compete(tmp_path: Path) -> None:
    found = table(page(tmp_path, {}, lora="two"), "Generators, and how they decode")
    assert [row[2] for row in found] == ["one", "two", "one"]
    assert "<b>20.0</b>" not in page(tmp_path, {}, lora="two")


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (
            0.2,
            " match in 20 % (95 % interval 10 to 30). Most of these do not match, so a higher share is no better. The",
        ),
        (0.9, " match in 90 % (95 % interval 80 to 100). The probe"),
        (0.45, " match in 45 % (95 % interval 35 to 55). The probe"),
    ],
)
def test_what_the_true_replies_match_says_no_more_than_it_shows(tmp_path: Path, share: float, told: str) -> None:
    assert f"; the true replies of EmpatheticDialogues{told}" in page(tmp_path, wide(emotion_match=share))
