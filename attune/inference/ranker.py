"""Rank replies to a conversation with a trained CoBERT."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError

from attune.cobert import storage
from attune.cobert.inputs import PERSONA_SENTENCE, Inputs
from attune.cobert.model import Cobert, inputs_for, to_device, untrained
from attune.cobert.scoring import encode, scores
from attune.core.errors import AttuneError
from attune.inference.arguments import beside, checked


class Ranked(NamedTuple):
    """A reply and CoBERT's score of it: a logit, comparable among the replies to one context only."""

    reply: str
    score: float


class Read(NamedTuple):
    """What a `Ranker` reads: how many of the last turns, and how many sentences of the persona to their end.

    whole: whether it reads all of the last turn, and not its beginning alone.
    """

    turns: int
    sentences: int
    whole: bool


@dataclass(frozen=True)
class Ranker:
    """A CoBERT (Zhong et al., EMNLP 2020) in evaluation mode, with the tokenizer and length limits of its training.

    The model is on the GPU where there is one.
    """

    model: Cobert
    inputs: Inputs

    @classmethod
    def from_pretrained(cls, path: str | Path, encoder: str | Path | None = None) -> "Ranker":
        """A trained CoBERT from its folder; no network is used.

        encoder: the folder of the encoder whose frozen layers it uses; by default ../../base/encoder from `path`, as
        the pipeline lays it out.

        Raises
        ------
        AttuneError
            if the folder holds no CoBERT that can be loaded, or if `encoder` has other weights than in training; it
            names the stage that writes what is needed.
        """
        folder = Path(path)
        try:
            model = to_device(storage.load(folder, _encoder_folder(folder, encoder)))
        except (OSError, ValueError, SafetensorError) as error:
            raise _no_cobert(folder, error) from None
        try:
            return cls(model.eval(), inputs_for(model, folder))
        except AttuneError as error:  # of the tokenizer
            raise _no_cobert(folder, error) from None

    @classmethod
    def untrained(cls, encoder: str | Path, recipe: dict[str, Any]) -> "Ranker":
        """CoBERT as `recipe` (data/recipes/*.json) starts it, with the weights in the folder `encoder`.

        Raises
        ------
        AttuneError
            if the folder holds no encoder that can be loaded.
        """
        folder = Path(encoder)
        model = to_device(untrained(folder, recipe))
        return cls(model.eval(), inputs_for(model, folder))

    def rank(
        self,
        context: Sequence[str],
        persona: Sequence[str],
        replies: Sequence[str],
        speakers: Sequence[Any] | None = None,
    ) -> list[Ranked]:
        """`replies` with their scores, best first, equal scores in the order of `replies`.

        context: the turns, oldest first, ending with the message to answer. persona: sentences about the person who
        replies, possibly none. speakers: who said each turn, as names or numbers; by default two take turns. All text
        should be lower-cased and tokenised as in training: `attune.corpora.wording.tokenised` makes it so.

        What exceeds the model's limits is dropped: the oldest turns, the last persona sentences and the end of a long
        reply, turn or persona sentence.

        Raises
        ------
        ValueError
            without a turn or a reply, for texts that are no list of strings, and unless each turn has one speaker.
        """
        replies = checked("replies", replies, "reply")
        (values,) = self.scores([context], [persona], [replies], None if speakers is None else [speakers])
        return sorted(map(Ranked, replies, values), key=lambda each: -each.score)

    def scores(
        self,
        contexts: Sequence[Sequence[str]],
        personas: Sequence[Sequence[str]],
        replies: Sequence[Sequence[str]],
        speakers: Sequence[Sequence[Any] | None] | None = None,
    ) -> list[list[float]]:
        """The scores of each context's replies, in their order; all arguments have one entry per context.

        speakers: of each context's turns, as for `rank`.

        Sequences that occur more than once are encoded once, and have the same score. No text is kept between calls.

        Raises
        ------
        ValueError
            as `rank`, and if the arguments differ in length.
        """
        said = [None] * len(contexts) if speakers is None else speakers
        if not len(contexts) == len(personas) == len(replies) == len(said):
            raise ValueError(
                f"{len(contexts)} contexts, {len(personas)} personas, {len(replies)} lists of replies and {len(said)} "
                "of speakers; each context needs one of each"
            )
        inputs = self.inputs.fresh()
        context = [inputs.context(*_turns(*each)) for each in zip(contexts, said, strict=True)]
        persona = [inputs.persona(checked("persona", sentences)) for sentences in personas]
        candidates = [[inputs.response(reply) for reply in checked("replies", each, "reply")] for each in replies]
        # A sum's last bits depend on its place in the batch.
        distinct = [list(dict.fromkeys(each)) for each in candidates]
        states = encode(self.model, [*context, *persona, *(reply for each in distinct for reply in each)])
        values = scores(self.model, states, context, persona, distinct)
        found = [dict(zip(each, row.tolist(), strict=True)) for each, row in zip(distinct, values, strict=True)]
        return [[known[reply] for reply in each] for each, known in zip(candidates, found, strict=True)]

    def read(self, context: Sequence[str], persona: Sequence[str]) -> Read:
        """How much of them `rank` reads; ValueError as there."""
        inputs = self.inputs.fresh()
        texts, speakers = _turns(context, None)
        turns = inputs.context(texts, speakers)
        start = turns.ends[-2] if len(turns.ends) > 1 else len(inputs.opening)
        read = turns.ends[-1] - 1 - start  # without the token that closes the last turn
        whole = read == len(inputs.pieces(texts[-1], sys.maxsize))
        sentences = checked("persona", persona)
        begun = sentences[: len(inputs.persona(sentences).ends)]
        to_their_end = sum(len(inputs.pieces(each, sys.maxsize)) <= PERSONA_SENTENCE for each in begun)
        return Read(len(turns.ends), to_their_end, whole)


def _turns(context: Sequence[str], speakers: Sequence[Any] | None) -> tuple[list[str], Sequence[Any] | None]:
    turns = checked("context", context, "turn")
    if speakers is None:
        return turns, None
    try:
        said_by = list(speakers)
    except TypeError:
        raise ValueError(f"speakers is {speakers!r}; it must be a list with one entry per turn") from None
    if len(said_by) != len(turns):
        raise ValueError(f"{len(said_by)} speakers for {len(turns)} turns of the context; each turn needs one")
    return turns, said_by


def _encoder_folder(folder: Path, encoder: str | Path | None) -> Path:
    return beside(folder, 2, "base", "encoder") if encoder is None else Path(encoder)


def _no_cobert(folder: Path, error: Exception) -> AttuneError:
    return AttuneError(
        f"{folder} holds no CoBERT that can be loaded from safetensors; `dvc repro train_cobert` writes one: {error}"
    )
