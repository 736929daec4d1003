"""CoBERT as a PreTrainedModel: one shared encoder and a way to match; the paper's has no parameters of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedModel

from attune.cobert.encoder import freeze, frozen_layers, load_encoder, new_encoder, run_encoder
from attune.cobert.inputs import Inputs
from attune.cobert.matchers import MATCHERS, Side

# Tokens that go through the encoder together on a CPU, padding included.
GROUP = 384
# How the families' configurations call it.
DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "resid_pdrop", "embd_pdrop", "attn_pdrop", "dropout",
    "attention_dropout",
)  # fmt: skip


class CobertConfig(PreTrainedConfig):
    """`encoder` is the encoder's own configuration as a mapping; the rest is how it was trained and reads text."""

    model_type = "attune-cobert"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        matching: str = "co_attention",
        context_length: int = 256,
        num_personas: int = 10,
        score_scale: float = 1.0,
        attention_scale: float = 1.0,
        frozen_layers: int = 0,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.encoder = encoder or {}
        self.matching = matching
        self.context_length = context_length
        self.num_personas = num_personas
        self.score_scale = score_scale
        self.attention_scale = attention_scale
        self.frozen_layers = frozen_layers


class Cobert(PreTrainedModel):
    config_class = CobertConfig
    base_model_prefix = "cobert"

    def __init__(self, config: CobertConfig) -> None:
        super().__init__(config)
        settings = dict(config.encoder)
        self.encoder: Any = new_encoder(AutoConfig.for_model(settings.pop("model_type"), **settings))
        config.frozen_layers = frozen_layers(self.encoder, config.frozen_layers)
        freeze(self.encoder, config.frozen_layers)
        self.matcher = MATCHERS[config.matching](self.encoder.config.hidden_size, config.attention_scale)
        self.post_init()

    @classmethod
    def from_encoder(cls, folder: Path, dropout: float | None = None, **settings: Any) -> "Cobert":
        """An untrained CoBERT: the encoder of `folder` as it is; `settings` are CobertConfig's.

        `dropout`: the encoder's, everywhere; None leaves what its configuration says.
        """
        encoder = load_encoder(folder)
        description = encoder.config.to_diff_dict()
        description = {key: value for key, value in description.items() if not key.startswith("_")}
        if dropout is not None:
            description |= {name: dropout for name in DROPOUTS if hasattr(encoder.config, name)}
        model = cls(CobertConfig(encoder=description | {"model_type": encoder.config.model_type}, **settings))
        model.encoder.load_state_dict(encoder.state_dict())
        return model

    def train(self, mode: bool = True) -> "Cobert":
        """Frozen layers never drop out, so that computing them once gives what computing them each time would."""
        super().train(mode)
        if mode and self.config.frozen_layers:
            for module in self.encoder.modules():
                parameters = list(module.parameters())
                if parameters and not any(parameter.requires_grad for parameter in parameters):
                    module.eval()
        return self

    def encode(self, batch: dict[str, Tensor]) -> Side:
        """The states of padded sequences; rows of no tokens stay zero instead of attending to nothing.

        On a CPU rows of like length go through the encoder together, without the padding that only longer ones need.
        """
        mask = batch["attention_mask"]
        lengths, order = mask.sum(1).sort(stable=True)
        empty = int((lengths == 0).sum())
        order = order[empty:]
        groups = order.split(_sizes(lengths[empty:].tolist())) if mask.device.type == "cpu" else [order]
        found = [self._encode(batch, rows, mask.shape[1]) for rows in groups if len(rows)]
        width = self.encoder.config.hidden_size
        states = torch.zeros(*mask.shape, width, device=mask.device, dtype=self.dtype)
        if found:
            states = states.index_copy(0, order, torch.cat(found))
        return Side(states, mask, batch["parts"])

    def _encode(self, batch: dict[str, Tensor], rows: Tensor, length: int) -> Tensor:
        """(len(rows), length, d) of some rows, none of them empty."""
        longest = int(batch["attention_mask"][rows].sum(1).max())
        states = run_encoder(
            self.encoder, {name: value[rows, :longest] for name, value in batch.items()}, self.config.frozen_layers
        )
        return torch.nn.functional.pad(states.to(self.dtype), (0, 0, 0, length - longest))

    def score(self, context: Side, persona: Side, response: Side) -> Tensor:
        """Scores (contexts, responses); the persona belongs to the context, whatever the response.

        In the weights' own precision also where the encoder runs in bf16: sums of hundreds have no digits left there.
        """
        with torch.autocast(response.states.device.type, enabled=False):
            return self.matcher(context, persona, response) * self.config.score_scale

    def forward(
        self, context: dict[str, Tensor], persona: dict[str, Tensor], response: dict[str, Tensor], same: Tensor
    ) -> dict[str, Tensor]:
        """Cross-entropy of b contexts over c >= b responses, the first b of which are the right ones, in order.

        context, persona: padded sequences of b rows each, response: of c rows (the batch's own, then further wrong
        answers). same: (b, c) bool, response j has the text of response i; such a j is no wrong answer for i and takes
        no part.
        """
        scores = self.score(*self._sides([context, persona, response]))
        return {"loss": cross_entropy(scores, same), "scores": scores}

    def _sides(self, batches: Sequence[dict[str, Tensor]]) -> list[Side]:
        """Each batch's states; on a CPU they are encoded together, for few large groups take less time than many."""
        if self.device.type != "cpu":
            return [self.encode(batch) for batch in batches]
        widths = [batch["attention_mask"].shape[1] for batch in batches]
        whole = self.encode(
            {name: torch.cat([_widened(batch[name], max(widths)) for batch in batches]) for name in batches[0]}
        )
        rows = [len(batch["attention_mask"]) for batch in batches]
        return [
            Side(states[:, :width], batch["attention_mask"], batch["parts"])
            for states, width, batch in zip(whole.states.split(rows), widths, batches, strict=True)
        ]


def _widened(values: Tensor, width: int) -> Tensor:
    """(rows, width, ...) of (rows, length, ...), zeros at the end."""
    return torch.nn.functional.pad(values, (0, 0) * (values.dim() - 2) + (0, width - values.shape[1]))


def _sizes(lengths: Sequence[int]) -> list[int]:
    """How many of the rows, in order of their `lengths`, go together, at most GROUP padded tokens or one row."""
    sizes: list[int] = []
    for length in lengths:
        if not sizes or (sizes[-1] + 1) * length > GROUP:
            sizes.append(0)
        sizes[-1] += 1
    return sizes


def cross_entropy(scores: Tensor, same: Tensor) -> Tensor:
    """Mean over rows i of the negative log share of column i, without the other columns that `same` marks."""
    own = torch.eye(*same.shape, dtype=torch.bool, device=same.device)
    scores = scores.masked_fill(same & ~own, torch.finfo(scores.dtype).min)
    return torch.nn.functional.cross_entropy(scores, torch.arange(len(scores), device=scores.device))


def start(encoder: Path, recipe: dict[str, Any]) -> Cobert:
    """CoBERT as `recipe` starts it: the encoder's own weights."""
    names = ("matching", "num_personas", "score_scale", "attention_scale", "frozen_layers", "dropout")
    return Cobert.from_encoder(encoder, context_length=recipe["max_length"], **{name: recipe[name] for name in names})


def to_device(model: Cobert) -> Cobert:
    """On the GPU where there is one."""
    return model.to("cuda") if torch.cuda.is_available() else model


def inputs_for(model: Cobert, folder: Path) -> Inputs:
    """The reader of texts that belongs to `model`; the tokenizer lies in `folder`."""
    positions = getattr(model.encoder.config, "max_position_embeddings", 512)
    if model.encoder.config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= 2  # they count positions from the padding id on
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return Inputs(tokenizer, model.config.context_length, model.config.num_personas, positions)
