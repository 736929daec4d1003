from pathlib import Path
from typing import Any

import pytest

from attune import parameters
from attune.core.files import read_csv, read_parquet
from attune.inference.generator import Generator
from stages import base_models, index, train_generator
from stages.answer_questions import main, retrieved
from tests.stages.generators_project import CORPUS, NAMES, project, train
from tests.stages.small_project import change

PLACES = {
    "base_models": Path("base"),
    "generators": Path("generators"),
    "index": Path("index"),
    "processed": Path("processed"),
    "target": Path("answers.csv"),
}


def test_each_generator_answers_each_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    change(lambda values: values["generation"]["questions"].update(generators=["tiny_lora", "tiny_prompt"]))
    train()
    main(**PLACES)
    rows = read_csv(Path("answers.csv"))
    kinds = {"opening", "ambiguous", "subjective", "factual", "advice", "explanation", "joke"}
    asked: dict[str, set[str]] = {}
    for row in rows:
        asked.setdefault(row["generator"], set()).add(row["kind"])
    assert asked == {name: kinds if name in ("tiny_lora", "tiny_prompt") else {"opening"} for name in NAMES}
    assert {"How many legs does a spider have?"} == {row["question"] for row in rows if row["kind"] == "factual"}
    assert {row["truncated"] for row in rows} <= {"True", "False"}
    assert any(row["answer"] for row in rows)
    first = Path("answers.csv").read_bytes()
    main(**PLACES)
    assert Path("answers.csv").read_bytes() == first


def test_a_generator_with_passages_answers_from_those_nearest_to_the_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    rows = read_parquet(Path(f"processed/{CORPUS}/train.parquet"))
    question = rows[3]["input"]

    def with_passages(values: dict[str, Any]) -> None:
        entry = values["generators"]["tiny_full"] | {
            "rows": f"passages/{CORPUS}",
            "passage_tokens": 32,
            "max_length": 32,
        }
        values["generators"] = {"tiny_full": entry}
        values["rag"]["budget"] = 32
        values["seeds"]["generators"], values["generation"]["sweep"]["generators"] = [], ["tiny_full"]
        values["generation"]["questions"] |= {"generators": ["tiny_full"], "opening": question}

    change(with_passages)
    base_models.main(name="embedder", target=Path("base/embedder"))
    places = {
        "processed": Path("processed") / CORPUS,
        "embedder": Path("base/embedder"),
        "target": Path("index") / CORPUS,
    }
    index.main(corpus=CORPUS, **places)
    words = {"data": Path(f"passages/{CORPUS}"), "target": Path("generators/tiny_full"), "curve": Path("full.csv")}
    train_generator.main(name="tiny_full", base=Path("base/gpt2"), **words)
    main(**PLACES)

    settings = parameters.load()
    data = Path(f"processed/{CORPUS}/train.parquet")
    (passages,) = retrieved(settings, [question], Path("index") / CORPUS, data, Path("base/embedder"))
    assert len(passages) == settings.rag.k
    assert question.strip() in passages[0]
    generator = Generator.from_pretrained("generators/tiny_full", "base/gpt2", 8, 32)
    decoding = settings.generation.decoding_of("tiny_full")
    (answer,) = [row["answer"] for row in read_csv(Path("answers.csv")) if row["kind"] == "opening"]
    (wanted,) = generator.replies([generator.example("opening", [question], passages)], decoding, 1, settings.seed)
    assert answer == wanted.text
    prompt = generator.prompt(generator.example("opening", [question], passages))
    assert prompt.passages
