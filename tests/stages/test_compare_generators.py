import math
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_json, read_parquet, write_parquet
from attune.corpora import record_of
from attune.evaluation.generation.semantics import EMPATHY, SCORES
from attune.evaluation.schemas import ANSWERED, ANSWERED_SCORED, GENERATED
from attune.evaluation.tables import tidy
from attune.report.empathy import part
from stages import base_models, check_parameters, download, preprocess, subset
from stages.compare_generators import main
from tests.evaluation.generation.labels import write_labels
from tests.stages.small_project import change, small_project

PLACES = {
    "raw": Path("raw"),
    "evaluations": Path("rows"),
    "answered": Path("answered.parquet"),
    "situations": Path("situations.parquet"),
    "embedder": Path("embedder"),
    "scores": Path("metrics.json"),
    "intervals": Path("intervals.json"),
    "tests": Path("tests.json"),
    "answered_scores": Path("answered.json"),
    "answered_tests": Path("answered_tests.json"),
    "probe": Path("probe.json"),
    "rows": Path("scored.parquet"),
    "answered_rows": Path("answered_scored.parquet"),
}
SITUATIONS = record_of("empathetic_dialogues").schemas.conversations


PASSAGES = {"rag": ["Oh no, that is too bad.", "Purple elephants."]}


def rows(generator: str, variant: str, shift: float) -> list[dict[str, Any]]:
    """Two replies in each of ten conversations, of 2 + `shift` nats per token; the base has 3."""
    return [
        {
            "generator": generator, "variant": variant, "id": f"c{at // 2}/{at % 2}", "conversation": f"c{at // 2}",
            "prompt": "I lost my keys.", "target": "Oh no, that is bad.", "tokens": 2 + at % 3,
            "nats": (2 + at % 3) * (2 + shift),
            "base_nats": (2 + at % 3) * 3.0, "target_given": at == 0,
            "passage_texts": [f"Hm. {reply}" for reply in PASSAGES.get(variant, [])],
            "passage_replies": PASSAGES.get(variant, []),
            "reply": "i lost my keys. Oh" if at < 12 else None,
            "truncated": at < 3 if at < 12 else None,
        }
        for at in range(20)
    ]  # fmt: skip


def answers(system: str, reply: str) -> list[dict[str, Any]]:
    texts = {"prompt": "I lost my keys.", "target": "Oh no, that is bad.", "reply": reply}
    return [
        {"system": system, "id": f"p{at}", "conversation": f"p{at}", **texts, "truncated": False} for at in range(8)
    ]


def written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stage reads, in the folder, which becomes the current one."""
    small_project(folder, monkeypatch)
    change(lambda values: values["generators"].pop("tiny_prompt"))
    change(lambda values: values["generators"].pop("tiny_prompt_tuning"))
    given = [*rows("tiny_full", "plain", 0.0), *rows("tiny_full", "rag", -0.5)]
    write_parquet(Path("rows/tiny_full.parquet"), given, GENERATED)
    write_parquet(Path("rows/tiny_lora.parquet"), rows("tiny_lora", "plain", 0.25), GENERATED)
    answered = [
        *answers("retrieved", "That is bad."),
        *answers("tiny_full", "Elephants are purple."),
        *answers("tiny_lora", "Oh no."),
    ]
    write_parquet(PLACES["answered"], answered, ANSWERED)
    write_parquet(Path("situations.parquet"), [situation(at) for at in range(12)], SITUATIONS)
    base_models.main(name="embedder", target=Path("embedder"))
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return written(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after the stage, for tests that only read."""
    with pytest.MonkeyPatch.context() as patch:
        folder = written(tmp_path_factory.mktemp("finished"), patch)
        main(**PLACES)
    return folder


@pytest.fixture
def compared(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished)


def situation(at: int) -> dict[str, Any]:
    emotion, text = (("sad", "My dog died on day"), ("proud", "I passed the hard exam on day"))[at % 2]
    return {"conv_id": f"{at}", "emotion": emotion, "situation": f"{text} {at}.", "speakers": [0], "utterances": ["hi"]}


@pytest.mark.usefixtures("compared")
def test_each_system_has_its_scores() -> None:
    scores = read_json(Path("metrics.json"))
    assert set(scores) == {"tiny_full", "tiny_full+rag", "tiny_lora", "targets"}
    assert scores["tiny_full"]["perplexity"] == pytest.approx(math.exp(2), abs=1e-3)
    assert scores["tiny_full+rag"]["perplexity"] == pytest.approx(math.exp(1.5), abs=1e-3)
    assert scores["tiny_full"]["base_perplexity"] == pytest.approx(math.exp(3), abs=1e-3)
    assert scores["tiny_full"]["replies_starts_with_input"] == 1
    assert scores["tiny_full"]["replies_truncated"] == 0.25
    assert "passages" not in scores["tiny_full"]
    assert (scores["tiny_full+rag"]["passages"], scores["tiny_full+rag"]["target_given"]) == (2, 0.05)
    assert scores["tiny_full+rag"]["passage_similarity"] > 0.8
    assert scores["tiny_full+rag"]["passage_like_target"] == 1
    assert (scores["tiny_full"]["examples"], scores["tiny_full"]["replies"]) == (20, 12)


@pytest.mark.usefixtures("compared")
def test_intervals_hold_the_scores_and_tests_the_differences() -> None:
    intervals = read_json(Path("intervals.json"))["tiny_full"]
    assert intervals["replies_truncated_low"] <= intervals["replies_truncated"] <= intervals["replies_truncated_high"]
    assert "perplexity" in intervals
    assert "perplexity_low" not in intervals  # every token costs the same
    tests = read_json(Path("tests.json"))
    assert list(dict.fromkeys((each["before"], each["after"]) for each in tests)) == [
        ("base of tiny_full", "tiny_full"),
        ("tiny_full", "tiny_full+rag"),
        ("base of tiny_lora", "tiny_lora"),
    ]
    passages = {each["score"]: each for each in tests if each["after"] == "tiny_full+rag"}
    assert passages["loss"]["difference"] == pytest.approx(-0.5)
    assert passages["loss"]["p"] < 0.01
    assert passages["loss_target_not_given"]["difference"] == pytest.approx(-0.5)
    assert passages["similarity"]["p"] == 1  # the same replies


@pytest.mark.usefixtures("compared")
def test_retrieved_and_written_replies_are_scored_by_the_same_scores() -> None:
    scores, tests = read_json(Path("answered.json")), read_json(Path("answered_tests.json"))
    assert set(scores) == {"retrieved", "tiny_full", "tiny_lora", "targets"}
    assert len({tuple(each) for each in scores.values()}) == 1
    assert scores["targets"]["bleu"] == pytest.approx(100)
    assert scores["retrieved"]["similarity"] > 0.5 > scores["tiny_full"]["similarity"]
    assert "similarity_low" not in scores["tiny_full"]  # the same reply to all
    low, high = (scores["tiny_full"][f"emotion_match_{end}"] for end in ("low", "high"))
    assert low <= scores["tiny_full"]["emotion_match"] <= high
    similarity = {each["after"]: each for each in tests if each["score"] == "similarity"}
    assert {each["before"] for each in tests} == {"retrieved"}
    assert similarity["tiny_full"]["difference"] < 0
    assert similarity["tiny_full"]["p"] < 0.05
    rows = read_parquet(Path("answered_scored.parquet"))
    assert len(rows) == 4 * 8
    assert list(rows[0]) == ANSWERED_SCORED.names
    targets = [row for row in rows if row["system"] == "targets"]
    assert len(targets) == 8
    assert all(row["reply"] == row["target"] for row in targets)


@pytest.mark.usefixtures("compared")
def test_the_targets_are_scored_as_a_system_is() -> None:
    scores, widths = read_json(Path("metrics.json"))["targets"], read_json(Path("intervals.json"))["targets"]
    assert scores["replies"] == 12
    assert scores["bleu"] == pytest.approx(100)
    assert scores["similarity"] == pytest.approx(1, abs=1e-4)
    assert "perplexity" not in scores
    assert "similarity_low" not in widths  # each is its own target
    assert widths["replies_truncated_low"] == scores["replies_truncated"] == 0 < widths["replies_truncated_high"]


@pytest.mark.usefixtures("compared")
def test_the_scored_rows_keep_the_passages_whole() -> None:
    rows = [row for row in read_parquet(PLACES["rows"]) if row["generator"] == "tiny_full"]
    texts = {row["variant"]: row["passage_texts"] for row in rows}
    assert texts == {"plain": [], "rag": ["Hm. Oh no, that is too bad.", "Hm. Purple elephants."]}


@pytest.mark.usefixtures("compared")
def test_the_probe_is_measured_on_situations_it_was_not_trained_on() -> None:
    probe = read_json(Path("probe.json"))
    assert probe["accuracy"] == 1
    assert probe["confusion"] == {"proud": {"proud": 6}, "sad": {"sad": 6}}
    written = [row for row in read_parquet(Path("scored.parquet")) if row["reply"] is not None]
    assert {row["emotion"] for row in written} <= {"sad", "proud"}
    assert all(row["emotion_match"] == (row["emotion"] == row["prompt_emotion"]) for row in written)


def test_with_epitomes_labels_replies_have_levels_of_empathy(project: Path) -> None:
    """Without them, the other tests find the schemas without these columns."""
    write_labels(project / "labels")
    change(lambda values: values["corpora"].update(epitome={"path": "labels"}))
    check_parameters.main(target=Path("checked.txt"))
    download.main(corpus="epitome", target=Path("raw/epitome"))
    subset.main(corpus="epitome", raw=Path("raw/epitome"), target=Path("subset/epitome"))
    preprocess.main(corpus="epitome", subset=Path("subset/epitome"), target=Path("processed/epitome"))
    # No file, so that what depends on data/processed does not run again.
    assert list(Path("processed").rglob("*")) == [Path("processed/epitome")]
    assert [file["rows"] for file in read_json(Path("raw/epitome/manifest.json"))["files"]] == [36, 36, 36]
    shutil.rmtree("labels")  # the copy is used
    warm = answers("tiny_lora", "I feel so very sorry for you!")
    cold = answers("tiny_full", "Post this elsewhere, rule 3.")
    write_parquet(PLACES["answered"], [*answers("retrieved", " "), *cold, *warm], ANSWERED)
    main(**PLACES)
    quality = read_json(Path("probe.json"))["empathy"]
    assert set(quality) == set(EMPATHY)
    assert quality["explorations"]["accuracy_low"] > quality["explorations"]["chance_accuracy"]
    scores = read_json(Path("answered.json"))
    for mechanism in EMPATHY:
        assert scores["retrieved"][mechanism] == 0  # empty replies
        assert scores["tiny_full"][mechanism] < 0.5 < 1.5 < scores["tiny_lora"][mechanism] <= 2
        assert mechanism in read_json(Path("metrics.json"))["tiny_full"]
        assert all(row[mechanism] is not None for row in read_parquet(Path("answered_scored.parquet")))
    assert {each["score"] for each in read_json(Path("answered_tests.json"))} == {*SCORES}
    page = part(read_json(Path("probe.json")), str.upper, tidy(scores, ["system"]))
    assert '<th scope="row">Emotional reactions</th>' in page
    assert re.search(
        r'<th scope="row">TINY_LORA</th><td[^>]*>1\.\d{3}</td>', page
    )  # always the same reply: no interval
    assert part({"accuracy": 1.0}, str) == ""


@pytest.mark.usefixtures("project")
def test_an_empty_reply_scores_nothing() -> None:
    empty = [row | {"reply": row["reply"] and " "} for row in rows("tiny_lora", "plain", 0.25)]
    write_parquet(Path("rows/tiny_lora.parquet"), empty, GENERATED)
    main(**PLACES)
    scores = read_json(Path("metrics.json"))["tiny_lora"]
    assert scores["replies_empty"] == 1
    assert scores["similarity"] == scores["emotion_match"] == scores["bleu"] == scores["distinct_1"] == 0


@pytest.mark.usefixtures("project")
def test_swapped_columns_are_seen() -> None:
    """A system that repeats the prompt is similar to it, and not to the target."""
    swapped = [row | {"reply": row["reply"] and row["prompt"]} for row in rows("tiny_lora", "plain", 0.25)]
    write_parquet(Path("rows/tiny_lora.parquet"), swapped, GENERATED)
    main(**PLACES)
    scores = read_json(Path("metrics.json"))["tiny_lora"]
    assert scores["replies_copied_3grams"] == scores["replies_starts_with_input"] == scores["emotion_match"] == 1
    assert scores["similarity"] < 0.5


def test_missing_rows_name_the_stage(project: Path) -> None:
    (project / "rows/tiny_lora.parquet").unlink()
    with pytest.raises(AttuneError, match="`dvc repro evaluate_generator@tiny_lora` writes it"):
        main(**PLACES)
    assert not Path("metrics.json").exists()
