"""Rank replies to a conversation with a trained CoBERT."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError

from attune.cobert import storage
from attune.cobert.inputs import Inputs
from attune.cobert.model import Cobert, inputs_for, start, to_device
from attune.cobert.scoring import encode, scores
from attune.core.errors import AttuneError


class Ranked(NamedTuple):
    """A reply and CoBERT's score of it: a logit, comparable among the replies to one context only."""

    reply: str
    score: float


class Read(NamedTuple):
    """What a `Ranker` reads: how many of the last turns and of the first sentences of the persona.

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
            inputs = inputs_for(model, folder)
        except (OSError, ValueError, SafetensorError) as error:
            raise AttuneError(
                f"{folder} holds no CoBERT that can be loaded from safetensors; `dvc repro train_cobert` writes one: "
                f"{error}"
            ) from None
        return cls(model.eval(), inputs)

    @classmethod
    def untrained(cls, encoder: Path, recipe: dict[str, Any]) -> "Ranker":
        """CoBERT as `recipe` (data/recipes/*.json) starts it, with the weights in the folder `encoder`.

        Raises
        ------
        AttuneError
            if the folder holds no encoder that can be loaded.
        """
        model = to_device(start(encoder, recipe))
        return cls(model.eval(), inputs_for(model, encoder))

    def rank(
        self,
        context: Sequence[str],
        persona: Sequence[str],
        replies: Sequence[str],
        speakers: Sequence[Any] | None = None,
    ) -> list[Ranked]:
        """`replies` with their scores, best first, equal scores in the order of `replies`.

        context: the turns, oldest first, ending with the message to answer. persona: sentences about the person who
        replies, possibly none. speakers: who said each turn, as names or numbers; by default two take turns.

        What exceeds the model's limits is dropped: the oldest turns, the last persona sentences and the end of a long
        reply or turn.

        Raises
        ------
        ValueError
            without a turn or a reply, or for a string in place of a list.
        """
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

        Sequences that occur more than once are encoded once. No text is kept between calls.

        Raises
        ------
        ValueError
            as `rank`, and if the arguments differ in length.
        """
        if not len(contexts) == len(personas) == len(replies):
            raise ValueError(
                f"{len(contexts)} contexts, {len(personas)} personas and {len(replies)} lists of replies; each context "
                "needs one of each"
            )
        for name, lists in (("context", contexts), ("persona", personas), ("replies", replies)):
            check_texts(name, lists)
        inputs = self.inputs.fresh()
        context = [inputs.context(*each) for each in zip(contexts, speakers or [None] * len(contexts), strict=True)]
        persona = [inputs.persona(sentences) for sentences in personas]
        candidates = [[inputs.response(reply) for reply in each] for each in replies]
        states = encode(self.model, [*context, *persona, *(reply for each in candidates for reply in each)])
        return [values.tolist() for values in scores(self.model, states, context, persona, candidates)]

    def read(self, context: Sequence[str], persona: Sequence[str]) -> Read:
        """How much of them `rank` reads."""
        inputs = self.inputs.fresh()
        turns = inputs.context(context)
        start = turns.ends[-2] if len(turns.ends) > 1 else len(inputs.opening)
        read = turns.ends[-1] - 1 - start  # without the token that closes the last turn
        whole = read == len(inputs.pieces(context[-1], sys.maxsize))
        return Read(len(turns.ends), len(inputs.persona(persona).ends), whole)


def check_texts(name: str, lists: Sequence[Sequence[str]]) -> None:
    """Refuse a string in place of a list of strings, which Python would take for a list of letters, and empty lists.

    A persona alone may be empty.
    """
    for texts in lists:
        if isinstance(texts, str):
            raise ValueError(f"{name} must be a list of strings, not a string; write [{texts!r}]")
        if not texts and name != "persona":
            raise ValueError(f"{name} is empty; it needs at least one {'turn' if name == 'context' else 'reply'}")


def _encoder_folder(folder: Path, encoder: str | Path | None) -> Path:
    return [*folder.absolute().parents][:2][-1] / "base" / "encoder" if encoder is None else Path(encoder)
