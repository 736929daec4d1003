"""docs/extending.md, followed step by step in a copy of the project: it works, and touches few files."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from ruamel.yaml import YAML

from attune.core.files import read_csv, read_json, read_parquet
from tests.forked import python
from tests.generators.tiny import gpt, saved
from tests.project import ROOT
from tests.stages import cobert_project, generators_project

PAGE = (ROOT / "docs" / "extending.md").read_text()
# How many files of code and configuration an extension may touch.
MOST = {
    "A corpus": 4, "A matcher": 2, "A generator method": 3, "A ranking metric": 1, "A reply metric": 2, "A figure": 2,
}  # fmt: skip


class Step(NamedTuple):
    kind: str
    path: str
    text: str


def steps(section: str) -> list[Step]:
    body = re.split(r"(?m)^## ", PAGE)[[part.split("\n")[0] for part in re.split(r"(?m)^## ", PAGE)].index(section)]
    found = re.findall(r"<!-- (new|change): (\S+) -->\n```(?:python|diff)\n(.*?)```", body, re.DOTALL)
    return [Step(*each) for each in found]


def follow(section: str, project: Path) -> set[str]:
    """Apply the section's steps to the copy; returns the files that were touched."""
    for step in steps(section):
        path = project / step.path
        if step.kind == "new":
            assert not path.exists()
            path.write_text(step.text)
            continue
        lines = step.text.splitlines()
        before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
        after = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
        text = path.read_text()
        assert text.count(before) == 1, (step.path, before)
        path.write_text(text.replace(before, after))
    return {step.path for step in steps(section)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code and configuration, extended by every section."""
    folder = tmp_path_factory.mktemp("extended") / "attune"
    for name in ("attune", "stages", "studies", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("params.yaml", "dvc.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    for section in MOST:
        follow(section, folder)
    return folder


def run(project: Path, folder: Path, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(project), "OMP_NUM_THREADS": "1", "TRANSFORMERS_VERBOSITY": "error"}
    done = python("models", *words, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("section", "most"), MOST.items())
def test_an_extension_touches_few_files(section: str, most: int) -> None:
    touched = {step.path for step in steps(section)}
    assert 1 <= len(touched) <= most


def test_every_section_of_the_page_is_followed() -> None:
    assert [title.strip() for title in re.findall(r"(?m)^## (.*)", PAGE)] == list(MOST)


def test_the_extended_code_passes_the_linter(project: Path) -> None:
    run(project, project, "-m", "ruff", "check", "attune")
    run(project, project, "-m", "ruff", "format", "--check", "attune")


@pytest.mark.slow
def test_the_extended_code_passes_the_type_checker(project: Path) -> None:
    assert "Success: no issues found" in run(project, project, "-m", "mypy", "--package", "attune")


def test_the_corpus_goes_through_the_data_stages(project: Path, tmp_path: Path) -> None:
    rows = [{"question": f"How do I get from here to place {n}?", "answer": f"Take bus {n}."} for n in range(10)]
    source = tmp_path / "corpora" / "advice"
    source.mkdir(parents=True)
    (source / "advice.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = (project / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("\nsource: sample\n", f"\nsource: {tmp_path / 'corpora'}\n"))
    run(project, tmp_path, "-m", "stages.download", "corpus=advice", "target=raw")
    run(project, tmp_path, "-m", "stages.subset", "corpus=advice", "raw=raw", "target=subset")
    run(project, tmp_path, "-m", "stages.preprocess", "corpus=advice", "subset=subset", "target=processed")
    parts = [read_parquet(tmp_path / "processed" / f"{split}.parquet") for split in ("train", "test")]
    assert [len(part) for part in parts] == [8, 2]
    assert {row["completion"] for part in parts for row in part} == {row["answer"] for row in rows}


def test_the_matcher_trains_and_the_metric_is_in_the_scores(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cobert_project.project(tmp_path, monkeypatch)
    values = YAML(typ="safe").load(project / "params.yaml")
    values["cobert"] |= {"recipes": ["max_pooling"], "subsets": ["small"], "domains": ["happy"], "candidates": 10}
    for name in ("transfer", "retrieval", "rag"):
        values[name]["recipe"] = "max_pooling"
    YAML().dump(values, tmp_path / "params.yaml")
    recipe = read_json(tmp_path / "recipes/baseline.json") | {"matching": "max_pooling", "score_scale": 20.0}
    (tmp_path / "recipes/max_pooling.json").write_text(json.dumps(recipe))
    words = ("recipe=recipes/max_pooling.json", "encoder=base/encoder", "data=pec/small/happy")
    run(project, tmp_path, "-m", "stages.train_cobert", *words, "target=models/max_pooling-small-happy", "curve=c.csv")
    losses = [float(row["valid_loss"]) for row in read_csv(tmp_path / "c.csv")]
    assert losses[-1] < losses[0]
    outputs = ("scores=s.json", "intervals=i.json", "tests=t.json", "power=p.json", "rows=r.parquet")
    given = ("recipes=recipes", "encoder=base/encoder", "processed=pec", "models=models")
    run(project, tmp_path, "-m", "stages.evaluate_cobert", *given, *outputs)
    scores = read_json(tmp_path / "i.json")["small"]["happy"]["max_pooling"]
    assert scores["ndcg_low"] <= scores["ndcg"] <= scores["ndcg_high"]
    assert scores["mrr"] < scores["ndcg"]


@pytest.mark.slow
def test_the_method_trains(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generators_project.project(tmp_path, monkeypatch)
    text = (project / "params.yaml").read_text()
    head, entry = text.split("  ia3:\n")
    entry = entry.replace("steps: 16", "steps: 4", 1).replace("max_length: 128", "max_length: 48", 1)
    (tmp_path / "params.yaml").write_text(f"{head}  ia3:\n{entry}")
    saved(gpt(), tmp_path / "base")
    words = ("name=ia3", "base=base", "data=processed/empathetic_dialogues", "target=ia3", "curve=c.csv")
    run(project, tmp_path, "-m", "stages.train_generator", *words)
    card = read_json(tmp_path / "ia3" / "card.json")
    assert 0 < card["trainable_parameters"] < card["parameters"]


def test_the_reply_metric_and_the_figure_are_known(project: Path, tmp_path: Path) -> None:
    code = (
        "from attune.metrics.replies import reply_scores\n"
        "from attune.report.figures.registry import on_page\n"
        "from attune.report.system_scores import REPLY_SCORES\n"
        "print(dict(reply_scores('Why? Oh.', 'I cried.', False))['questions'])\n"
        "print('replies_questions' in REPLY_SCORES, 'validation_mrr' in [each.name for each in on_page('report')])\n"
    )
    assert run(project, tmp_path, "-c", code).split() == ["1.0", "True", "True"]


def test_the_figure_is_drawn(project: Path, tmp_path: Path) -> None:
    code = (
        "import pandas as pd\n"
        "from pathlib import Path\n"
        "from attune.report.figures import cobert, style\n"
        "names = {'recipe': 'tuned', 'subset': 'small', 'domain': 'happy'}\n"
        "rows = [names | {'epoch': epoch, 'valid_mrr': 0.1 * epoch} for epoch in (0, 1)]\n"
        "style.save(cobert.validation(pd.DataFrame(rows)), Path('.'), 'validation_mrr')\n"
    )
    run(project, tmp_path, "-c", code)
    assert (tmp_path / "validation_mrr.png").stat().st_size > 5_000
