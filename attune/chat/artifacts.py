"""Where the pipeline leaves what a conversation needs, and which stage writes it."""

from dataclasses import dataclass
from pathlib import Path

Need = tuple[Path, str]


@dataclass(frozen=True)
class Places:
    """The folders under `root` as dvc.yaml lays them out."""

    root: Path

    def base(self, name: str) -> Need:
        return self.root / "models" / "base" / name, f"base_models@{name}"

    def generator(self, name: str) -> Need:
        return self.root / "models" / "generators" / name, f"train_generator@{name}"

    def cobert(self, name: str) -> Need:
        return self.root / "models" / "cobert" / name, "train_cobert"

    @property
    def embedder(self) -> Need:
        return self.root / "models" / "base" / "embedder", "base_embedder"

    @property
    def exchanges(self) -> Need:
        return self.root / "data" / "processed" / "empathetic_dialogues" / "train.parquet", "preprocess"

    def index(self, corpus: str) -> Need:
        return self.root / "data" / "index" / corpus, "index"

    @property
    def report(self) -> Need:
        return self.root / "plots" / "report.html", "report"

    @property
    def studies(self) -> Need:
        return self.root / "plots" / "studies.html", "report_studies"


def lacking(needs: tuple[Need, ...]) -> str | None:
    """What to do about the first of `needs` that is not there; None where all are."""
    for path, stage in needs:
        if not path.exists():
            if stage == "report_studies":
                return f"{path} is missing; `make studies` writes it"
            return f"{path} is missing; `dvc repro {stage}` writes it, and `make repro` all that there is"
    return None
