"""Where the pipeline writes what a chat reads, and which stage writes it."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from attune.core.errors import AttuneError
from attune.corpora import record_of


class Artifact(NamedTuple):
    """A file or folder and the command that writes it."""

    path: Path
    command: str


@dataclass(frozen=True)
class Artifacts:
    """The pipeline's outputs under `root`, as dvc.yaml and studies/dvc.yaml lay them out."""

    root: Path

    def relative(self, text: str) -> str:
        """`text` with the paths in it from the root on: where the server keeps its files is nobody else's business."""
        for root in (self.root.absolute(), self.root.resolve()):
            text = text.replace(f"{root}{os.sep}", "")
        return text

    @contextmanager
    def told_relative(self) -> Iterator[None]:
        """An AttuneError that is raised inside is raised with its paths from the root on."""
        try:
            yield
        except AttuneError as error:
            raise AttuneError(self.relative(str(error))) from None

    def base_model(self, name: str) -> Artifact:
        return Artifact(self.root / "models" / "base" / name, f"dvc repro base_models@{name}")

    def generator(self, name: str) -> Artifact:
        return Artifact(self.root / "models" / "generators" / name, f"dvc repro train_generator@{name}")

    def cobert(self, name: str) -> Artifact:
        return Artifact(self.root / "models" / "cobert" / name, "dvc repro train_cobert")

    @property
    def encoder(self) -> Artifact:
        """CoBERT's, with the frozen layers of every trained one."""
        return Artifact(self.root / "models" / "base" / "encoder", "dvc repro base_encoders@encoder")

    @property
    def embedder(self) -> Artifact:
        return Artifact(self.root / "models" / "base" / "embedder", "dvc repro base_encoders@embedder")

    def train_rows(self, name: str) -> Artifact:
        """The processed train rows of a corpus, of which its index is built."""
        return Artifact(self.root / "data" / "processed" / name / record_of(name).train_rows, "dvc repro preprocess")

    def index(self, name: str) -> Artifact:
        return Artifact(self.root / "data" / "index" / name, "dvc repro index")

    def manifest(self, name: str) -> Path:
        """Where the raw text of a corpus is from, and whose it is; a model can answer without it."""
        return self.root / "data" / "raw" / name / "manifest.json"

    @property
    def scores(self) -> Artifact:
        """Of the generators, on held-out replies."""
        return Artifact(self.root / "metrics" / "generators.json", "dvc repro compare_generators")

    @property
    def ranking_scores(self) -> Artifact:
        """Of the CoBERTs, on test contexts: subset -> domain -> recipe -> scores."""
        return Artifact(self.root / "metrics" / "cobert.json", "dvc repro evaluate_cobert")

    @property
    def retrieval_scores(self) -> Artifact:
        """Of CoBERT's retrieval, which chooses among all test replies: domain -> scores."""
        return Artifact(self.root / "metrics" / "retrieval.json", "make studies")

    @property
    def everyday_scores(self) -> Artifact:
        """Of the generators, on everyday messages: system -> scores."""
        return Artifact(self.root / "metrics" / "everyday.json", "make studies")

    @property
    def everyday_tests(self) -> Artifact:
        """Of the same scores: paired comparisons, of each system with a generator that is not trained among them."""
        return Artifact(self.root / "metrics" / "everyday_tests.json", "make studies")

    @property
    def judgements(self) -> Path:
        """Where the page keeps people's verdicts, if they let it; no stage writes or reads it."""
        return self.root / "judgements.jsonl"

    @property
    def sweep(self) -> Artifact:
        """The scores of the points of the decoding sweep."""
        return Artifact(self.root / "metrics" / "decoding.json", "dvc repro sweep_decoding")

    @property
    def report(self) -> Artifact:
        return Artifact(self.root / "plots" / "report.html", "dvc repro report")

    @property
    def studies(self) -> Artifact:
        return Artifact(self.root / "plots" / "studies.html", "make studies")


def missing(artifacts: Iterable[Artifact]) -> str | None:
    """What to do about the first artifact that does not exist; None where all exist."""
    for path, command in artifacts:
        if not path.exists():
            also = "; `make repro` runs the whole pipeline" if command.startswith("dvc repro") else ""
            return f"{path} is missing; `{command}` writes it{also}"
    return None


def require_project(root: Path) -> None:
    """An AttuneError where a `root` other than the current folder has no params.yaml; it says what to do."""
    if root.resolve() == Path.cwd() or (root / "params.yaml").exists():
        return
    advice = "run `make quick` first" if root.name == "quick" else "name a project's folder with --root"
    raise AttuneError(f"{root} has no params.yaml; {advice}")
