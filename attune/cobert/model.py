"""CoBERT as a PreTrainedModel: one shared encoder and a matcher (the paper's, co-attention, has no weights)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from attune.cobert.encoder import (
    freeze,
    frozen_layers,
    layers,
    load_encoder,
    new_encoder,
    packs,
    run_encoder,
    run_packed,
)
from attune.cobert.inputs import TURN, Inputs
from attune.cobert.matchers import MATCHERS, CrossEncoder, Side
from attune.core.batching import by_length
from attune.core.devices import device
from attune.core.tokenizer import read_tokenizer

# Tokens per pass through the encoder on a CPU, padding included, and per pass of packed sequences.
GROUP_TOKENS, PACKED_TOKENS = 384, 1024
# What dropout is called in the configurations of the encoder families.
DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "resid_pdrop", "embd_pdrop", "attn_pdrop", "dropout",
    "attention_dropout", "embedding_dropout", "mlp_dropout", "embed_dropout", "resid_dropout",
)  # fmt: skip


class CobertConfig(PreTrainedConfig):
    """encoder: the encoder's configuration as a mapping; matching: a key of MATCHERS; the rest as in params.yaml.

    context_length: of a context in tokens, a recipe's max_length. frozen_sha256: of the frozen weights where they are
    not saved with the others (attune.cobert.storage), else None. trained_share: how much of what training changed in
    the encoder was kept (attune.cobert.interpolation); None where nothing was, so that the matcher too is untrained.
    A training that was to compute in bf16 and could not adds training_precision, what it computed in.
    """

    model_type = "attune-cobert"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        matching: str = "co_attention",
        context_length: int = 256,
        turn_length: int = TURN,
        num_personas: int = 10,
        score_scale: float = 1.0,
        attention_scale: float = 1.0,
        frozen_layers: int = 0,
        frozen_sha256: str | None = None,
        trained_share: float | None = 1.0,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.encoder = encoder or {}
        self.matching = matching
        self.context_length = context_length
        self.turn_length = turn_length
        self.num_personas = num_personas
        self.score_scale = score_scale
        self.attention_scale = attention_scale
        self.frozen_layers = frozen_layers
        self.frozen_sha256 = frozen_sha256
        self.trained_share = trained_share


# Lets AutoTokenizer read the tokenizer of a saved CoBERT without a warning about an unknown model type.
AutoConfig.register(CobertConfig.model_type, CobertConfig)


class Cobert(PreTrainedModel):
    """Scores replies to a context, given the persona of the person who replies (Zhong et al., EMNLP 2020)."""

    config_class = CobertConfig
    base_model_prefix = "cobert"

    def __init__(self, config: CobertConfig) -> None:
        super().__init__(config)
        settings = dict(config.encoder)
        self.encoder: Any = new_encoder(AutoConfig.for_model(settings.pop("model_type"), **settings))
        config.frozen_layers = frozen_layers(self.encoder, config.frozen_layers)
        freeze(self.encoder, config.frozen_layers)
        self.matcher = MATCHERS[config.matching](self.encoder, config)
        self.post_init()

    @classmethod
    def from_encoder(cls, folder: Path, dropout: float | None = None, **settings: Any) -> "Cobert":
        """An untrained CoBERT: the pretrained encoder in `folder`; `settings` are CobertConfig's.

        dropout: the encoder's, in every place that has one; None leaves the encoder's configuration as it is.

        Raises
        ------
        AttuneError
            if the folder holds no encoder that can be loaded.
        """
        encoder = load_encoder(folder)
        description = encoder.config.to_diff_dict()
        description = {key: value for key, value in description.items() if not key.startswith("_")}
        if dropout is not None:
            description |= {name: dropout for name in DROPOUTS if hasattr(encoder.config, name)}
        model = cls(CobertConfig(encoder=description | {"model_type": encoder.config.model_type}, **settings))
        if isinstance(model.matcher, CrossEncoder):
            model.matcher.layers.load_state_dict(layers(encoder)[model.config.frozen_layers :].state_dict())
            del layers(encoder)[model.config.frozen_layers :]
        model.encoder.load_state_dict(encoder.state_dict())
        return model

    def train(self, mode: bool = True) -> "Cobert":
        """As usual, but frozen layers stay in eval mode: without dropout their output can be cached."""
        super().train(mode)
        if mode and self.config.frozen_layers:
            for module in self.encoder.modules():
                parameters = list(module.parameters())
                if parameters and not any(parameter.requires_grad for parameter in parameters):
                    module.eval()
        return self

    def encode(self, batch: dict[str, Tensor]) -> Side:
        """The states of padded sequences (`pad`); zeros for empty rows, which would have nothing to attend to.

        On a CPU no padding is encoded: an encoder with BERT's structure takes packed sequences, another takes groups of
        similar length, each cut to its longest row.
        """
        states = self._packed(batch) if packs(self.encoder) else self._grouped(batch)
        return Side(states, batch["attention_mask"], batch["parts"])

    def _packed(self, batch: dict[str, Tensor]) -> Tensor:
        mask = batch["attention_mask"]
        lengths, order = mask.sum(1).sort(stable=True)
        rows, columns = mask[order].nonzero(as_tuple=True)
        states = torch.zeros(*mask.shape, self.encoder.config.hidden_size, dtype=self.dtype)
        if not len(rows):
            return states
        places = order[rows] * mask.shape[1] + columns
        tokens = {name: value.flatten(0, 1)[places] for name, value in batch.items()}
        sizes = [length for length in lengths.tolist() if length]
        encoded = run_packed(self.encoder, tokens, sizes, self.config.frozen_layers, PACKED_TOKENS)
        return states.flatten(0, 1).index_copy(0, places, encoded.to(self.dtype)).view_as(states)

    def _grouped(self, batch: dict[str, Tensor]) -> Tensor:
        mask = batch["attention_mask"]
        lengths, order = mask.sum(1).sort(stable=True)
        empty = int((lengths == 0).sum())
        order = order[empty:]
        groups = by_length(lengths[empty:].tolist(), tokens=GROUP_TOKENS if mask.device.type == "cpu" else None)
        encoded = [self._encode(batch, order[group], mask.shape[1]) for group in groups]
        width = self.encoder.config.hidden_size
        states = torch.zeros(*mask.shape, width, device=mask.device, dtype=self.dtype)
        if encoded:
            states = states.index_copy(0, order, torch.cat(encoded))
        return states

    def _encode(self, batch: dict[str, Tensor], rows: Tensor, length: int) -> Tensor:
        """The states (len(rows), length, d) of some rows, none of them empty."""
        longest = int(batch["attention_mask"][rows].sum(1).max())
        states = run_encoder(
            self.encoder, {name: value[rows, :longest] for name, value in batch.items()}, self.config.frozen_layers
        )
        return torch.nn.functional.pad(states.to(self.dtype), (0, 0, 0, length - longest))

    def score(self, context: Side, persona: Side, response: Side) -> Tensor:
        """The scores (b, c) of c responses to b contexts; a persona belongs to its context, whatever the response.

        Computed in the weights' precision even where the encoder runs in bf16, which has too few digits for these sums.
        """
        with torch.autocast(response.states.device.type, enabled=False):
            return self.matcher(context, persona, response) * self.config.score_scale

    def forward(
        self, context: dict[str, Tensor], persona: dict[str, Tensor], response: dict[str, Tensor], same: Tensor
    ) -> dict[str, Tensor]:
        """{"loss": the mean cross-entropy in nats of each context's true response, "scores": (b, c)}.

        context, persona: padded sequences of b rows each; response: of c >= b rows, the contexts' true responses in
        order, then extra negatives. same: (b, c) bool, True where response j has the text of response i; apart from
        i itself such a j is no negative for i and is left out.
        """
        scores = self.score(*self.sides([context, persona, response]))
        return {"loss": cross_entropy(scores, same), "scores": scores}

    def sides(self, batches: Sequence[dict[str, Tensor]]) -> list[Side]:
        """Each batch encoded; on a CPU all at once, since fewer, larger groups take less time."""
        if self.device.type != "cpu":
            return [self.encode(batch) for batch in batches]
        widths = [batch["attention_mask"].shape[1] for batch in batches]
        together = self.encode(
            {name: torch.cat([_widened(batch[name], max(widths)) for batch in batches]) for name in batches[0]}
        )
        rows = [len(batch["attention_mask"]) for batch in batches]
        return [
            Side(states[:, :width], batch["attention_mask"], batch["parts"])
            for states, width, batch in zip(together.states.split(rows), widths, batches, strict=True)
        ]


def _widened(values: Tensor, width: int) -> Tensor:
    """`values` (rows, length, ...) padded with zeros to (rows, width, ...)."""
    return torch.nn.functional.pad(values, (0, 0) * (values.dim() - 2) + (0, width - values.shape[1]))


def cross_entropy(scores: Tensor, same: Tensor) -> Tensor:
    """Mean over rows i of -log softmax(scores[i])[i], without the other columns that `same` marks.

    scores: (b, c) with c >= b, same: (b, c) bool.
    """
    true = torch.eye(*same.shape, dtype=torch.bool, device=same.device)
    scores = scores.masked_fill(same & ~true, torch.finfo(scores.dtype).min)
    return torch.nn.functional.cross_entropy(scores, torch.arange(len(scores), device=scores.device))


def untrained(encoder: Path, recipe: dict[str, Any]) -> Cobert:
    """CoBERT before training: the weights in the folder `encoder`, set up as `recipe` (data/recipes/*.json) says.

    A poly-encoder's codes are random; they are drawn from the recipe's seed, and the same whenever this is called.
    """
    names = ("matching", "turn_length", "num_personas", "score_scale", "attention_scale", "frozen_layers", "dropout")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(recipe["seed"])
        return Cobert.from_encoder(
            encoder, context_length=recipe["max_length"], **{name: recipe[name] for name in names}
        )


def to_device(model: Cobert) -> Cobert:
    """`model` on the GPU where there is one."""
    return model.to(device())


def inputs_for(model: Cobert, folder: Path) -> Inputs:
    """The tokenizer in `folder` with the length limits of `model`; raises as `read_tokenizer`."""
    positions = getattr(model.encoder.config, "max_position_embeddings", None)
    if positions is None or positions < 1:  # XLNet's are unlimited, and given as -1
        positions = 512
    table = getattr(getattr(model.encoder, "embeddings", None), "position_embeddings", None)
    if (padding := getattr(table, "padding_idx", None)) is not None:
        positions -= padding + 1  # RoBERTa and its kin number positions from padding_idx + 1
    config = model.config
    return Inputs(read_tokenizer(folder), config.context_length, config.num_personas, positions, config.turn_length)
