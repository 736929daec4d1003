"""Replies of every system to any number of conversations at once, by the inference API that the evaluation uses."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attune.chat.answers import Answer, Question, RetrievedText, unread
from attune.chat.artifacts import Artifacts, missing, require_project
from attune.chat.crisis import crisis_message, without_crises
from attune.chat.measured import Measured
from attune.chat.models import Models, import_libraries, start_thread
from attune.chat.reading import given_replies, in_pecs_wording, prompt_of
from attune.chat.systems import GeneratorSystem, RetrievalSystem, System, systems
from attune.chat.validation import changed_decoding
from attune.chat.variety import written
from attune.core.determinism import prepare
from attune.core.errors import AttuneError, quoted
from attune.core.text import words_of
from attune.corpora.wording import as_written
from attune.parameters import Parameters, load
from attune.parameters.decoding import Decoding

if TYPE_CHECKING:
    from attune.generators.encoding import Prompt

# Exchanges before the message that a system may read, whatever their length in tokens.
MAX_EXCHANGES = 20
# Replies that CoBERT's retrieval shows. It answers with the first; each further attempt answers with the next one.
RETRIEVED_REPLIES = 5


class Engine:
    """Answers for every system.

    All models run in one thread, one token at a time, so that replies to several people grow side by side and do not
    compete for the processor. Conversations belong to the caller; none is kept here.
    """

    def __init__(self, parameters: Parameters, artifacts: Artifacts) -> None:
        self.parameters, self.artifacts = parameters, artifacts
        self.systems = systems(parameters, artifacts)
        self.models = Models(parameters, artifacts)
        self.measured = Measured(parameters, artifacts)
        self._thread = ThreadPoolExecutor(1, "models", start_thread, (parameters.seed, parameters.threads))

    @classmethod
    def from_root(cls, root: Path) -> "Engine":
        """The systems of the pipeline in the folder `root`.

        Raises
        ------
        AttuneError
            if params.yaml is missing or invalid.
        """
        require_project(root)
        prepare()
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        return cls(load(root / "params.yaml"), Artifacts(root))

    def preload(self) -> None:
        """Start importing what the models need, so that the first reply does not wait for it."""
        self._thread.submit(import_libraries)

    def system(self, name: str) -> System:
        """The system called `name`; an AttuneError names the systems where there is none."""
        if name not in self.systems:
            meant = [each for each in self.systems if each.startswith(f"{name}+")]
            there = f"did you mean {meant[0]}? There" if meant else "there"
            raise AttuneError(f"There is no system {quoted(name)}; {there} are {', '.join(self.systems)}.")
        return self.systems[name]

    def reads_persona(self, name: str) -> bool:
        """Whether the system's reply depends on the persona: by CoBERT's choice, or in the generator's prompt."""
        system = self.system(name)
        if isinstance(system, RetrievalSystem):
            return True
        return system.ranker is not None or self.parameters.generators[system.generator].persona_tokens > 0

    def decoding(
        self, name: str, temperature: float | None = None, top_k: float | None = None, top_p: float | None = None
    ) -> Decoding:
        """How the system `name` decodes: as params.yaml says, with what is not None in the place of its values.

        Raises
        ------
        AttuneError
            if there is no such system or a value is out of range.
        """
        system, generation = self.system(name), self.parameters.generation
        own = generation.decoding_of(system.generator if isinstance(system, GeneratorSystem) else system.name)
        return changed_decoding(own, temperature, top_k, top_p)

    def reply(self, name: str, question: Question) -> Iterator[Answer]:
        """The answer of the system `name` as it grows; the last one is `done`.

        To a message that speaks of harm, the crisis message is the answer, and no model replies.

        Raises
        ------
        AttuneError
            if there is no such system or one of its artifacts is missing, where it names the stage that writes it; if
            the server is stopping.
        """
        if crisis := self._crisis(name, question):
            yield crisis
            return
        with self._answering(name, question) as next_answer:
            while (answer := next_answer().result()) is not None:
                yield answer

    async def reply_async(self, name: str, question: Question) -> AsyncGenerator[Answer, None]:
        """As `reply`, for people elsewhere; a task that waits for the next answer can be cancelled at any time."""
        if crisis := self._crisis(name, question):
            yield crisis
            return
        with self.artifacts.told_relative(), self._answering(name, question) as next_answer:
            while (answer := await asyncio.wrap_future(next_answer())) is not None:
                yield answer

    def _crisis(self, name: str, question: Question) -> Answer | None:
        """The crisis message, where it is due: it waits for no model, and not for the thread in which others reply."""
        self.system(name)
        crisis = crisis_message(question.turns[-1])
        return Answer(crisis, done=True) if crisis else None

    @contextmanager
    def _answering(self, name: str, question: Question) -> Iterator[Callable[[], Future[Answer | None]]]:
        """A function that computes the next answer in the models' thread; None after the last."""
        system = self.system(name)
        if reason := missing(system.artifacts):
            raise AttuneError(f"{system.label} cannot answer yet: {reason}.")
        answers = self._answers(system, question)
        try:
            yield partial(self._next, answers)
        finally:
            with suppress(RuntimeError):  # the thread is shut down
                self._thread.submit(answers.close)

    def _next(self, answers: Iterator[Answer]) -> Future[Answer | None]:
        try:
            return self._thread.submit(next, answers, None)
        except RuntimeError:  # the thread is shut down, as Python ends
            raise AttuneError("The server is stopping.") from None

    def _answers(self, system: System, question: Question) -> Generator[Answer, None, None]:
        *history, message = question.turns
        question = replace(question, turns=[*without_crises(history), message])
        if unloaded := self.models.unloaded(system):
            yield Answer(loading=unloaded)
        recent = question.turns[-2 * MAX_EXCHANGES - 1 :]
        shortened, given = replace(question, turns=recent), given_replies(system, question.turns)
        if isinstance(system, RetrievalSystem):
            answers = iter([self._retrieved(system, shortened, given)])
        else:
            answers = self._generated(system, shortened, given)
        for answer in answers:
            yield replace(answer, dropped_turns=answer.dropped_turns + len(question.turns) - len(recent))

    def _retrieved(self, system: RetrievalSystem, question: Question, given: set[str]) -> Answer:
        """CoBERT's best replies that are not in `given`."""
        retriever = self.models.retriever(system)
        turns, persona = in_pecs_wording(question.turns), in_pecs_wording(question.persona)
        found = retriever.retrieve(turns, persona, self.parameters.retrieval.shortlist)
        replies = [each for each in found if words_of(each.reply) not in given][:RETRIEVED_REPLIES]
        if not replies:
            return Answer(done=True)
        chosen = question.attempt % len(replies)
        texts = tuple(
            RetrievedText(as_written(each.reply), each.score, at == chosen) for at, each in enumerate(replies)
        )
        read = retriever.ranker.read(turns, persona)
        return Answer(
            texts[chosen].text,
            done=True,
            retrieved=texts,
            dropped_turns=len(turns) - read.turns,
            whole_persona=read.sentences == len(persona),
            unread=unread(search=retriever.reads_whole(turns[-1]), cobert=read.whole),
        )

    def _generated(self, system: GeneratorSystem, question: Question, given: set[str]) -> Iterator[Answer]:
        generator = self.models.generator(system.generator)
        passages = self._passages(system, question, given if question.varied else set())
        name = f"chat/{len(question.turns)}"  # seeds the reply
        turns, persona = question.turns, question.persona
        if system.tokenised:
            turns, persona = in_pecs_wording(turns), in_pecs_wording(persona)
        example = generator.example(name, turns, [each["text"] for each in passages], persona)
        if question.instruction is not None:
            example = replace(example, system=question.instruction)
        prompt = prompt_of(generator, example, question)
        texts = tuple(
            RetrievedText(each["text"].strip(), each["score"], each["text"] in prompt.passages) for each in passages
        )
        answer = replace(
            self._read(system, question, prompt),
            retrieved=texts,
            dropped_turns=len(question.turns) - 1 - prompt.turns,
            prompt_tokens=len(prompt.ids),
        )
        shown: Callable[[str], str] = as_written if system.tokenised else str
        text = ""
        for reply in written(generator, name, prompt, question, given, self.parameters.seed):
            text = reply.text
            # Of PEC's text the last token is shown once it is whole: "i" could become "I" or "it".
            growing = text[: text.rfind(" ") + 1] if system.tokenised else text
            answer = replace(
                answer, text=shown(growing), truncated=reply.truncated, uncut=shown(reply.uncut), tokens=reply.tokens
            )
            yield answer
        yield replace(answer, text=shown(text), done=True)

    def _read(self, system: GeneratorSystem, question: Question, prompt: "Prompt") -> Answer:
        """An answer that says what is not read of the message and the persona."""
        message, searched, ranked, whole = question.turns[-1], True, True, True
        if system.passages:
            searched = self.models.passage_retriever(system.passages).reads_whole(message)
        if system.ranker:
            read = self.models.ranker(system.ranker).read(question.turns, in_pecs_wording(question.persona))
            ranked, whole = read.whole, read.sentences == len(question.persona)
        phrases = unread(not prompt.shortened, searched, ranked)
        return Answer(dropped_sentences=prompt.left_out, whole_persona=whole, unread=phrases)

    def _passages(self, system: GeneratorSystem, question: Question, given: set[str]) -> list[dict[str, Any]]:
        """As the stages retrieve_passages and rerank_passages choose them.

        given: replies that are not to be given again, as `words_of` has them.
        """
        from attune.inference.passages import reranked

        if not system.passages:
            return []
        rag = self.parameters.rag
        count = rag.shortlist if system.ranker else rag.k
        found = self.models.passage_retriever(system.passages).nearest([question.turns[-1]], count + len(given))[0]
        nearest = [[each for each in found if words_of(each["reply"]) not in given][:count]]
        if system.ranker:
            persona = in_pecs_wording(question.persona)
            nearest = reranked(self.models.ranker(system.ranker), [question.turns], persona, nearest)
        return nearest[0][: rag.k]
