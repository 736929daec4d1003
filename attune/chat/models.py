"""The models behind the systems: each is loaded when it is first needed, kept, and shared between systems.

None is dropped: the weights of a base stay mapped from its file, so that they are in memory once for all generators
that start from it, and each generator adds only what its training changed.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attune.chat.artifacts import Artifacts
from attune.chat.systems import RetrievalSystem, System
from attune.parameters import Parameters
from attune.report.names import corpus_title

if TYPE_CHECKING:  # torch takes seconds to import, so it waits for the first model
    from attune.inference.generator import Generator
    from attune.inference.passages import PassageRetriever
    from attune.inference.ranker import Ranker
    from attune.inference.retriever import Retriever


class Models:
    """The loaded models by name. Each method raises an AttuneError if what it loads is missing or does not fit."""

    def __init__(self, parameters: Parameters, artifacts: Artifacts) -> None:
        self.parameters, self.artifacts = parameters, artifacts
        self._generators: dict[str, Generator] = {}
        self._rankers: dict[str, Ranker] = {}
        self._retrievers: dict[str, Retriever] = {}
        self._passage_retrievers: dict[str, PassageRetriever] = {}

    def unloaded(self, system: System) -> tuple[str, ...]:
        """What must be loaded before `system` can answer, as people would call it."""
        needed: list[tuple[str, str | None, Mapping[str, Any]]] = [("CoBERT", system.ranker, self._rankers)]
        if isinstance(system, RetrievalSystem):
            needed.append((f"the replies of {corpus_title(system.replies)}", system.replies, self._retrievers))
        else:
            if system.passages:
                index = f"the exchanges of {corpus_title(system.passages)}"
                needed.append((index, system.passages, self._passage_retrievers))
            needed.append(("the language model", system.generator, self._generators))
        return tuple(title for title, name, loaded in needed if name is not None and name not in loaded)

    def generator(self, name: str) -> "Generator":
        """The trained generator `name`, with room for passages if it was trained with some."""
        from attune.inference.generator import Generator

        if name not in self._generators:
            settings = self.parameters.generators[name]
            self._generators[name] = Generator.from_pretrained(
                self.artifacts.generator(name).path,
                self.artifacts.base_model(settings.base).path,
                self.parameters.generation.max_new_tokens,
                self.parameters.rag.budget if settings.passage_tokens else 0,
            )
        return self._generators[name]

    def ranker(self, name: str) -> "Ranker":
        """The trained CoBERT `name`."""
        from attune.inference.ranker import Ranker

        if name not in self._rankers:
            self._rankers[name] = Ranker.from_pretrained(self.artifacts.cobert(name).path, self.artifacts.encoder.path)
        return self._rankers[name]

    def retriever(self, system: RetrievalSystem) -> "Retriever":
        """The system's index of replies with the CoBERT that orders them."""
        from attune.index.bank import Bank
        from attune.inference.retriever import Retriever

        if system.replies not in self._retrievers:
            ranker, shortlist = self.ranker(system.ranker), self.parameters.retrieval.shortlist
            bank = Bank.load(self.artifacts.index(system.replies).path)
            self._retrievers[system.replies] = Retriever(ranker, self._embedder, bank, shortlist)
        return self._retrievers[system.replies]

    def passage_retriever(self, corpus: str) -> "PassageRetriever":
        """The index of the corpus' train exchanges."""
        from attune.core.files import read_parquet
        from attune.index.bank import Bank
        from attune.index.passages import exchange_bank
        from attune.inference.passages import PassageRetriever

        if corpus not in self._passage_retrievers:
            index, rows = self.artifacts.index(corpus).path, self.artifacts.train_rows(corpus).path
            bank = exchange_bank(Bank.load(index), read_parquet(rows), self.parameters.rag.template, rows)
            self._passage_retrievers[corpus] = PassageRetriever(self._embedder, bank)
        return self._passage_retrievers[corpus]

    @cached_property
    def _embedder(self) -> Any:
        from attune.index.embedding import load_embedder

        return load_embedder(self.artifacts.embedder.path)


def import_libraries() -> None:
    """Import what the models need, which takes seconds."""
    import attune.inference.generator  # noqa: F401


def start_thread(seed: int, threads: int) -> None:
    """Compute as the stages do, and load models without progress bars, which would run into the conversation."""
    from transformers.utils.logging import disable_progress_bar

    from attune.core.determinism import pin

    disable_progress_bar()
    pin(seed, threads)
