"""A causal language model as annotator, asked about each pair in both orders. Nothing in Attune asks one by default.

Its answers measure what the model prefers, not what people do: language models favour one position, long replies and
their own writing (Zheng et al. 2023, "Judging LLM-as-a-Judge", section 3.3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from attune.core.errors import AttuneError
from attune.core.tokens import shared_start, token_ids
from attune.generators.chat_templates import templated
from attune.generators.loading import load_base, load_tokenizer
from attune.generators.roles import CHAT

QUESTION = (
    "Two replies to the same conversation. Which one is better: which fits what was said and shows understanding?\n\n"
    "Conversation:\n{context}\n\nReply A: {a}\n\nReply B: {b}\n\nAnswer with one letter, A or B."
)
CUE = "\nAnswer:"


@dataclass(frozen=True)
class Opinion:
    """Whether the first reply shown was preferred: with the pair as it is, and with its replies exchanged."""

    pair: str
    as_shown: bool
    exchanged: bool

    @property
    def verdict(self) -> str:
        """The reply that is preferred in both orders; a tie where the order decides."""
        if self.as_shown == self.exchanged:
            return "tie"
        return "a" if self.as_shown else "b"


@dataclass(frozen=True)
class LanguageModelJudge:
    """A causal language model that says which of two replies is better, by the likelier of two letters."""

    model: Any
    tokenizer: Any

    @classmethod
    def from_folder(cls, folder: Path) -> "LanguageModelJudge":
        """Any causal language model that save_pretrained wrote with its tokenizer; nothing is downloaded.

        Raises
        ------
        AttuneError
            as `load_base` and `load_tokenizer`.
        """
        return cls(load_base(folder).eval(), load_tokenizer(folder))

    def opinions(self, pairs: Sequence[Mapping[str, str]]) -> list[Opinion]:
        """One opinion per row of pairs.csv (pair, context, reply_a, reply_b).

        Raises
        ------
        AttuneError
            for a pair that is longer than the model can read, or a tokenizer without a token for each letter.
        """
        return [
            Opinion(
                each["pair"],
                self._prefers_first(each["pair"], each["context"], each["reply_a"], each["reply_b"]),
                self._prefers_first(each["pair"], each["context"], each["reply_b"], each["reply_a"]),
            )
            for each in pairs
        ]

    @torch.no_grad()
    def _prefers_first(self, pair: str, context: str, first: str, second: str) -> bool:
        ids, letters = self._prompt(QUESTION.format(context=context, a=first, b=second))
        most = getattr(self.model.config, "max_position_embeddings", None)
        if most and len(ids) > most:
            raise AttuneError(f"pair {pair} takes {len(ids)} tokens, and the model reads at most {most}")
        logits = self.model(torch.tensor([ids], device=self.model.device)).logits[0, -1]
        return bool(logits[letters[0]] > logits[letters[1]])

    def _prompt(self, text: str) -> tuple[list[int], list[int]]:
        """The prompt's token ids, without special tokens of the text's, and those of the letters that may follow.

        The prompt is what the texts with either letter begin with: a space may be a token of its own, or the letter's.
        """
        if self.tokenizer.chat_template:
            first, space = None, ""  # a chat template writes its own first token
            parts, _ = templated(self.tokenizer, "", [(False, text)], CHAT)
        else:
            first, space = self.tokenizer.bos_token_id, " "
            parts = (text + CUE,)
        answers = [token_ids(self.tokenizer, *parts, space + each) for each in "AB"]
        start = shared_start(*answers)
        if start == min(map(len, answers)):
            raise AttuneError("the model's tokenizer has no token of its own for each of the letters A and B")
        prompt = answers[0][:start]
        return [*([] if first is None else [first]), *prompt], [each[start] for each in answers]


def position_bias(opinions: Sequence[Opinion]) -> dict[str, Any]:
    """How far the order decides: the shares of pairs with the same reply preferred in both orders, and with the first.

    Without a position bias, always_first and always_second are equally rare; first_preferred is 0.5.
    """
    first = sum(each.as_shown and each.exchanged for each in opinions)
    second = sum(not each.as_shown and not each.exchanged for each in opinions)
    count = len(opinions)
    shares = {
        "consistent": (count - first - second) / count,
        "always_first": first / count,
        "always_second": second / count,
        "first_preferred": sum(each.as_shown + each.exchanged for each in opinions) / (2 * count),
    }
    return {"pairs": count, **{name: round(share, 4) for name, share in shares.items()}}
