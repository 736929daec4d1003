"""The models behind the systems: each is loaded when it is first needed, kept, and shared between systems.

On the processor, a base in float32 stays mapped from its file, so that it is in memory once for all generators that
start from it, and each adds only what its training changed; of any other base each holds a copy. Where memory is short,
see `Memory`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attune.chat.artifacts import Artifacts
from attune.chat.memory import Memory, is_copied
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

    def __init__(self, parameters: Parameters, artifacts: Artifacts, memory: Memory | None = None) -> None:
        self.parameters, self.artifacts, self.memory = parameters, artifacts, memory or Memory()
        self._embedders: dict[str, Any] = {}
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

        settings = self.parameters.generators[name]
        path, base = self.artifacts.generator(name).path, self.artifacts.base_model(settings.base).path
        room = self.parameters.rag.budget if settings.passage_tokens else 0

        def load() -> Generator:
            return Generator.from_pretrained(path, base, self.parameters.generation.max_new_tokens, room)

        shared, copied = ([path], [base]) if is_copied(base) else ([path, base], [])
        return self.memory.fetched(self._generators, name, shared, load, copied)

    def ranker(self, name: str) -> "Ranker":
        """The trained CoBERT `name`."""
        from attune.inference.ranker import Ranker

        path, encoder = self.artifacts.cobert(name).path, self.artifacts.encoder.path

        def load() -> Ranker:
            return Ranker.from_pretrained(path, encoder)

        return self.memory.fetched(self._rankers, name, [path], load, copied=[encoder])

    def retriever(self, system: RetrievalSystem) -> "Retriever":
        """The system's index of replies with the CoBERT that orders them."""
        from attune.index.bank import Bank
        from attune.inference.retriever import Retriever

        index, embedder = self.artifacts.index(system.replies).path, self.artifacts.embedder.path

        def load() -> Retriever:
            shortlist = self.parameters.retrieval.shortlist
            return Retriever(self.ranker(system.ranker), self._embedder(), Bank.load(index), shortlist)

        found = self.memory.fetched(self._retrievers, system.replies, [index, embedder], load)
        self.ranker(system.ranker)  # used with it, and so put out after it
        self._embedder()
        return found

    def passage_retriever(self, corpus: str) -> "PassageRetriever":
        """The index of the corpus' train exchanges."""
        from attune.inference.passages import PassageRetriever

        index, rows = self.artifacts.index(corpus).path, self.artifacts.train_rows(corpus).path

        def load() -> PassageRetriever:
            return PassageRetriever.from_index(index, rows, self._embedder(), self.parameters.rag.template)

        paths = index, rows, self.artifacts.embedder.path
        found = self.memory.fetched(self._passage_retrievers, corpus, paths, load)
        self._embedder()
        return found

    def _embedder(self) -> Any:
        from attune.index.embedding import load_embedder

        path = self.artifacts.embedder.path
        return self.memory.fetched(self._embedders, path.name, [path], lambda: load_embedder(path))


def import_libraries() -> None:
    """Import what the models need, which takes seconds."""
    import attune.inference.generator  # noqa: F401


def start_thread(seed: int, threads: int) -> None:
    """Compute as the stages do, and load models without progress bars, which would run into the conversation."""
    from transformers.utils.logging import disable_progress_bar

    from attune.core.determinism import pin

    disable_progress_bar()
    pin(seed, threads)
