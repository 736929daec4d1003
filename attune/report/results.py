"""The results of one run as tables, each read from its file when first asked for."""

from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from attune.core.files import read_csv, read_frame, read_json, read_parquet
from attune.corpora import record_of
from attune.evaluation.comparison import table
from attune.evaluation.generation.summary import TARGETS, system_of
from attune.evaluation.ranking.baselines import BASELINES
from attune.evaluation.ranking.summary import MEAN, UNTRAINED, mean_of, starts
from attune.evaluation.schemas import NO_PERSONA, RAG, RETRIEVED
from attune.metrics.words import SPACED
from attune.parameters import Parameters
from attune.report.shapes import ANSWERS, METRICS, TESTS, Keys, Manifest, Probe, read_curve, read_scores


class Results:
    """Tables for figures and sections. Score tables are tidy: key columns, then score, value, low and high.

    A stage passes what it depends on by name: `metrics`, `probe`, `dialogues` (conversations with their emotions),
    `processed`, `ranked`, `replies`, `answered_rows`, `answers`, `everyday` (a file), `raw`.

    Raises
    ------
    KeyError
        where a table's file or folder was not passed.
    """

    def __init__(self, settings: Parameters, **paths: Path) -> None:
        self.settings = settings
        self._paths = paths

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """CoBERT's scores by subset, domain (`mean`: over all) and model."""
        keys: Keys = {"subset": self.settings.cobert.subsets, "domain": self._groups, "model": self.models}
        return self._scores("cobert_intervals", keys)

    @cached_property
    def ranking_tests(self) -> pd.DataFrame:
        return self._tests("cobert_tests")

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """The test contexts, one row per model, as `evaluation.schemas.RANKED`."""
        return read_frame(self._paths["ranked"])

    @property
    def models(self) -> list[str]:
        """The ranking models, in the order in which they are compared."""
        return [UNTRAINED, *self.settings.cobert.recipes]

    @property
    def _groups(self) -> list[str]:
        return [*self.settings.cobert.domains, MEAN]

    @cached_property
    def cobert_curves(self) -> pd.DataFrame:
        """Losses by recipe, subset, domain and epoch (nats); train_loss is missing before the first epoch."""
        options = self.settings.cobert
        return pd.concat(
            self._curve("cobert", f"{recipe}-{subset}-{domain}", "epoch", "valid_mrr").assign(
                recipe=recipe, subset=subset, domain=domain
            )
            for recipe, subset, domain in product(options.recipes, options.subsets, options.domains)
        )

    @cached_property
    def generators(self) -> pd.DataFrame:
        """Scores by system, without intervals; a system is a generator, with passages or without, or `targets`."""
        return self._scores("generators", {"system": ()})

    @cached_property
    def generator_intervals(self) -> pd.DataFrame:
        return self._scores("generators_intervals", {"system": ()})

    @cached_property
    def generator_tests(self) -> pd.DataFrame:
        return self._tests("generators_tests")

    @cached_property
    def generator_curves(self) -> pd.DataFrame:
        """Losses by generator and step (nats per reply token); each row has train_loss, valid_loss or both."""
        names = self.settings.generators
        return pd.concat(self._curve("generators", name, "step").assign(generator=name) for name in names)

    @property
    def retrieval_augmented(self) -> list[str]:
        """The generators that were evaluated with passages too."""
        systems = set(self.generator_intervals["system"])
        return [name for name in self.settings.generators if system_of(name, RAG) in systems]

    @cached_property
    def answered(self) -> pd.DataFrame:
        """Scores of retrieved and written replies to the same contexts by system, with intervals."""
        return self._scores("retrieved_and_written", {"system": [RETRIEVED, *self.settings.generators, TARGETS]})

    @cached_property
    def answered_tests(self) -> pd.DataFrame:
        return self._tests("retrieved_and_written_tests")

    @property
    def also_tested_without_persona(self) -> list[str]:
        """Generators that were also evaluated without the persona in their prompt."""
        systems = set(self.generator_intervals["system"])
        return [name for name in self.settings.generators if system_of(name, NO_PERSONA) in systems]

    @property
    def trained_with_passages(self) -> list[str]:
        """The generators whose training prompts had passages."""
        return [name for name, each in self.settings.generators.items() if each.passage_tokens]

    @cached_property
    def decoding(self) -> pd.DataFrame:
        """Scores of the decoding sweep by generator and point (temperature/top_k/top_p)."""
        return self._sweep[self._sweep["score"] != "best"].astype({"value": float})

    @property
    def best_point(self) -> str:
        """The point of the decoding sweep that is marked as best."""
        return str(self._sweep.loc[self._sweep["score"] == "best", "point"].iloc[0])

    @cached_property
    def _sweep(self) -> pd.DataFrame:
        return self._scores("decoding", {"generator": (), "point": ()})

    @cached_property
    def methods(self) -> pd.DataFrame:
        """Scores of every matching method by domain and model, and its cost (`gflops`, without an interval)."""
        models = [*BASELINES, *starts(self.settings.cobert.recipes).values(), *self.trained_methods]
        every = self.settings.cobert.domains
        domains = [*every, mean_of(self.settings.compare.domains, every), MEAN]
        return self._scores("compare", {"domain": list(dict.fromkeys(domains)), "model": models})

    @property
    def trained_methods(self) -> list[str]:
        return [*self.settings.compare.recipes, *self.settings.cobert.recipes]

    @cached_property
    def method_tests(self) -> pd.DataFrame:
        return self._tests("compare_tests")

    @cached_property
    def persona_use(self) -> pd.DataFrame:
        """Scores by domain and model, which names the recipe and whose persona it read."""
        return self._scores("persona_use", {"domain": self._groups, "model": ()})

    @cached_property
    def persona_use_tests(self) -> pd.DataFrame:
        return self._tests("persona_use_tests")

    @cached_property
    def personas(self) -> pd.DataFrame:
        """Scores by the number of persona sentences."""
        return self._scores("personas", {"sentences": [str(count) for count in sorted(self.settings.personas.counts)]})

    @cached_property
    def persona_tests(self) -> pd.DataFrame:
        return self._tests("personas_tests")

    @cached_property
    def transfer(self) -> pd.DataFrame:
        """Scores by the domains of training and of testing."""
        return self._scores("transfer", dict.fromkeys(("trained", "tested"), self.settings.cobert.domains))

    @cached_property
    def retrieval(self) -> pd.DataFrame:
        """By domain: the size of its bank, recall of the shortlist, and MRR before and after reranking."""
        return self._scores("retrieval", {"domain": self.settings.cobert.domains})

    @cached_property
    def everyday(self) -> pd.DataFrame:
        """Scores of the replies to everyday messages by system, as `generators`."""
        systems = [each for name in self.settings.generators for each in (name, system_of(name, RAG))]
        return self._scores("everyday", {"system": [*systems, TARGETS]})

    @cached_property
    def everyday_replies(self) -> pd.DataFrame:
        """The replies, with the columns of `schemas.EVERYDAY`."""
        return read_frame(self._paths["everyday"])

    @cached_property
    def probe(self) -> dict[str, Any]:
        """The emotion probe: accuracy with its interval, confusion counts, signatures of the overlap scores."""
        return read_json(self._paths["probe"], Probe)

    @cached_property
    def emotions(self) -> pd.DataFrame:
        """One row per conversation: emotion, situation and split."""
        rows = {split: read_frame(self._paths["dialogues"] / f"{split}.parquet") for split in ("train", "test")}
        return pd.concat(rows[split][["emotion", "situation"]].assign(split=split) for split in rows)

    @cached_property
    def lengths(self) -> pd.DataFrame:
        """One row per training text that models read or write: its kind and its number of words."""
        rows = []
        for corpus in (each for each in map(record_of, self.settings.corpora) if each.lengths):
            train = read_parquet(self._paths["processed"] / corpus.name / corpus.train_rows)
            for label, column in corpus.lengths.items():
                texts = (row[column] if isinstance(row[column], str) else " ".join(row[column]) for row in train)
                rows += [{"kind": f"{corpus.title}, {label}", "words": len(SPACED.findall(text))} for text in texts]
        return pd.DataFrame(rows)

    @cached_property
    def replies(self) -> pd.DataFrame:
        """The evaluated replies, one row per system and test example, as `evaluation.schemas.SCORED` has them."""
        rows = read_frame(self._paths["replies"])
        return rows.assign(system=[*map(system_of, rows["generator"], rows["variant"])])

    @property
    def dialogue_replies(self) -> pd.DataFrame:
        """The replies of the generators that were evaluated with passages too: all to the same prompts."""
        return self.replies[self.replies["generator"].isin(self.retrieval_augmented)]

    @cached_property
    def answered_replies(self) -> pd.DataFrame:
        """Retrieved, written and true replies to the same contexts, with the columns of `schemas.ANSWERED_SCORED`."""
        return read_frame(self._paths["answered_rows"])

    @cached_property
    def answers(self) -> pd.DataFrame:
        """The generators' answers to the questions, one row per generator and question."""
        return pd.DataFrame(read_csv(self._paths["answers"], ANSWERS))

    @cached_property
    def manifests(self) -> list[dict[str, Any]]:
        """Each raw corpus' source, licence, files and rows; not of one that has been taken out of params.yaml."""
        paths = sorted(self._paths["raw"].glob("*/manifest.json"))
        return [read_json(path, Manifest) for path in paths if path.parent.name in self.settings.corpora]

    def metrics(self, name: str) -> Any:
        """metrics/NAME.json, which holds comparisons where it is not in METRICS."""
        return read_json(self._paths["metrics"] / f"{name}.json", METRICS.get(name, TESTS))

    def _tests(self, name: str) -> pd.DataFrame:
        return table(self.metrics(name))

    def _scores(self, name: str, keys: Keys) -> pd.DataFrame:
        return read_scores(self._paths["metrics"] / f"{name}.json", keys)

    def _curve(self, folder: str, name: str, *columns: str) -> pd.DataFrame:
        file = self._paths["metrics"] / "curves" / folder / f"{name}.csv"
        return read_curve(file, ("train_loss", "valid_loss", *columns))
