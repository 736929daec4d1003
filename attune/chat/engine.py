"""Replies in a conversation, by the functions that the evaluation uses, for any number of people at once."""

import asyncio
import os
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from attune.chat.answers import Answer, Found
from attune.chat.artifacts import Places, lacking
from attune.chat.systems import System, cobert_name, systems
from attune.core.determinism import prepare
from attune.core.errors import AttuneError
from attune.evaluation.schemas import PLAIN
from attune.parameters import Parameters, load
from attune.parameters.generators import Decoding

# What a system is given at most, whatever its length in tokens.
EXCHANGES = 20
# Replies that CoBERT's retrieval shows, the first of which it gives; another try gives the next.
SHOWN = 5


class Talker:
    """Answers for every system; models are loaded when they are first asked, and kept.

    All models work in one thread, token by token, so that several people's replies grow side by side and no two
    of them fight over the processor; each conversation is the caller's own and kept nowhere.
    """

    def __init__(self, settings: Parameters, places: Places) -> None:
        self.settings, self.places = settings, places
        self.systems = systems(settings, places)
        self._generators: dict[str, Any] = {}
        self._coberts: dict[str, Any] = {}
        self._thread = ThreadPoolExecutor(1, "models", _ready, (settings.seed, settings.threads))

    @classmethod
    def of(cls, root: Path) -> "Talker":
        """What the pipeline under `root` made."""
        prepare()
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        return cls(load(root / "params.yaml"), Places(root))

    def prepare(self) -> None:
        """Import what the models need while nobody waits for it."""
        self._thread.submit(_import)

    def reply(
        self, name: str, turns: Sequence[str], persona: Sequence[str], decoding: Decoding, attempt: int = 0
    ) -> Iterator[Answer]:
        """The answer of system `name` to `turns` (oldest first, ending with what is to be answered), as it grows.

        `attempt`: another number gives another reply, the same one the same. CoBERT's retrieval has no decoding.

        Raises
        ------
        AttuneError
            for a system that is not there, or lacks something that a stage would write.
        """
        stream = self._answers(self._known(name), list(turns), list(persona), decoding, attempt)
        try:
            while (answer := self._thread.submit(next, stream, None).result()) is not None:
                yield answer
        finally:
            self._thread.submit(stream.close)

    async def reply_async(
        self, name: str, turns: Sequence[str], persona: Sequence[str], decoding: Decoding, attempt: int = 0
    ) -> AsyncGenerator[Answer, None]:
        """As `reply`; who waits for the next answer can be cancelled at once."""
        stream = self._answers(self._known(name), list(turns), list(persona), decoding, attempt)
        try:
            while (answer := await asyncio.wrap_future(self._thread.submit(next, stream, None))) is not None:
                yield answer
        finally:
            self._thread.submit(stream.close)

    def system(self, name: str) -> System:
        if name not in self.systems:
            raise AttuneError(f"There is no system {name!r}; there are {', '.join(self.systems)}.")
        return self.systems[name]

    def _known(self, name: str) -> System:
        system = self.system(name)
        if missing := lacking(system.needs):
            raise AttuneError(f"{name} cannot answer yet: {missing}.")
        return system

    def _answers(
        self, system: System, turns: list[str], persona: list[str], decoding: Decoding, attempt: int
    ) -> Generator[Answer, None, None]:
        if not self._is_loaded(system):
            yield Answer(loading=True)
        recent = turns[-2 * EXCHANGES - 1 :]
        if system.generator is None:
            answers: Iterator[Answer] = iter([self._retrieved(recent, persona, attempt)])
        else:
            answers = self._written(system, system.generator, recent, persona, decoding, attempt)
        for answer in answers:
            yield replace(answer, forgotten=answer.forgotten + len(turns) - len(recent))

    def _is_loaded(self, system: System) -> bool:
        if system.generator is None:
            return "_replies" in vars(self)
        passages = system.variant == PLAIN or "_exchanges" in vars(self)
        orders = system.variant != "persona_rag" or self.settings.rag.recipe in self._coberts
        return system.generator in self._generators and passages and orders

    def _retrieved(self, turns: list[str], persona: list[str], attempt: int) -> Answer:
        from attune.inference.retriever import Retriever

        model, inputs = self._cobert(self.settings.retrieval.recipe)
        retriever = Retriever(model, inputs, self._embedder, self._replies, self.settings.retrieval.shortlist)
        found = retriever.retrieve(turns, persona, SHOWN)
        chosen = attempt % len(found)
        shown = tuple(Found(each.row["reply"], each.score, at == chosen) for at, each in enumerate(found))
        read = len(inputs.context(turns).ends)
        return Answer(shown[chosen].text, done=True, found=shown, forgotten=len(turns) - read)

    def _written(
        self, system: System, name: str, turns: list[str], persona: list[str], decoding: Decoding, attempt: int
    ) -> Iterator[Answer]:
        from attune.generators.prompts import DIALOGUE, INSTRUCTION, Example

        loaded, generator = self._loaded(name), self.settings.generators[name]
        passages = [] if system.variant == PLAIN else self._passages(turns, persona, system.variant)
        roles = DIALOGUE if generator.corpus.startswith("empathetic") else INSTRUCTION
        *history, question = turns
        texts = tuple(each["text"] for each in passages)
        example = Example(
            f"chat/{len(turns)}", "chat", roles, generator.instruction, tuple(history), question, "", texts
        )
        prompt = loaded.prompt(example)
        found = tuple(Found(each["text"].strip(), each["score"], each["text"] in prompt.passages) for each in passages)
        answer = Answer(found=found, forgotten=len(history) - prompt.turns, shortened=prompt.shortened)
        for reply in loaded.stream(example.id, prompt, decoding, self.settings.seed + attempt):
            answer = replace(answer, text=reply.text, cut=reply.cut)
            yield answer
        yield replace(answer, done=True)

    def _loaded(self, name: str) -> Any:
        from attune.inference.generator import loaded

        if name not in self._generators:
            generator, generation = self.settings.generators[name], self.settings.generation
            base, folder = self.places.base(generator.base)[0], self.places.generator(name)[0]
            budget = self.settings.rag.budget if generator.passage_tokens else 0
            self._generators[name] = loaded(generator, base, folder, generation.max_new_tokens, budget)
        return self._generators[name]

    def _passages(self, turns: list[str], persona: list[str], variant: str) -> list[dict[str, Any]]:
        """As the stages retrieve_passages and rerank_passages find them, for someone whose situation is unknown."""
        from attune.index.embedding import embed
        from attune.index.passages import about, nearest_conversations, reordered
        from attune.inference.retriever import rerank

        options = self.settings.rag
        query = embed(self._embedder, [about({"situation": "", "input": turns[-1]})], batch_size=1)
        count = options.shortlist if variant == "persona_rag" else options.k
        (found,) = nearest_conversations(self._exchanges, query, [None], count)
        if variant == "persona_rag":
            model, inputs = self._cobert(options.recipe)
            (scores,) = rerank(model, inputs, [turns], [persona], [[each["reply"] for each in found]])
            found = reordered(found, scores)
        return found[: options.k]

    def _cobert(self, recipe: str) -> Any:
        from attune.cobert.inputs import Inputs
        from attune.inference.ranker import saved

        if recipe not in self._coberts:
            self._coberts[recipe] = saved(self.places.cobert(cobert_name(self.settings, recipe))[0])
        model, inputs = self._coberts[recipe]
        # A reader of its own for each question, for a reader remembers every text that it has read.
        return model, Inputs(inputs.tokenizer, inputs.max_length, inputs.num_personas, inputs.positions)

    @cached_property
    def _embedder(self) -> Any:
        from attune.index.embedding import load_embedder

        return load_embedder(self.places.embedder[0])

    @cached_property
    def _exchanges(self) -> Any:
        from attune.core.files import read_parquet
        from attune.index.bank import Bank
        from attune.index.passages import of_index

        bank, rows = Bank.load(self.places.index("empathetic_dialogues")[0]), self.places.exchanges[0]
        return of_index(bank, read_parquet(rows), self.settings.rag.template, rows)

    @cached_property
    def _replies(self) -> Any:
        from attune.index.bank import Bank

        return Bank.load(self.places.index("pec")[0])


def _import() -> None:
    import attune.inference.generator  # noqa: F401


def _ready(seed: int, threads: int) -> None:
    """The thread computes as the stages do; a conversation is no place for the progress bars of loading."""
    from transformers.utils.logging import disable_progress_bar

    from attune.core.determinism import pin

    disable_progress_bar()
    pin(seed, threads)
