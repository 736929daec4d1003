"""CoBERT as a PreTrainedModel: one shared encoder, two matchings, no parameters of its own."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedModel

from attune.cobert.encoder import freeze, load_encoder, new_encoder, run_encoder
from attune.cobert.inputs import Inputs
from attune.cobert.matching import match_rows


class CobertConfig(PreTrainedConfig):
    """`encoder` is the encoder's own configuration as a mapping; the rest is how it was trained and reads text."""

    model_type = "attune-cobert"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        context_length: int = 256,
        num_personas: int = 10,
        score_scale: float = 1.0,
        frozen_layers: int = 0,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.encoder = encoder or {}
        self.context_length = context_length
        self.num_personas = num_personas
        self.score_scale = score_scale
        self.frozen_layers = frozen_layers


class Cobert(PreTrainedModel):
    config_class = CobertConfig
    base_model_prefix = "cobert"

    def __init__(self, config: CobertConfig) -> None:
        super().__init__(config)
        settings = dict(config.encoder)
        self.encoder: Any = new_encoder(AutoConfig.for_model(settings.pop("model_type"), **settings))
        freeze(self.encoder, config.frozen_layers)
        self.post_init()

    @classmethod
    def from_encoder(cls, folder: Path, **settings: Any) -> "Cobert":
        """An untrained CoBERT: the encoder of `folder` as it is; `settings` are CobertConfig's."""
        encoder = load_encoder(folder)
        description = encoder.config.to_diff_dict()
        description = {key: value for key, value in description.items() if not key.startswith("_")}
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

    def encode(self, batch: dict[str, Tensor]) -> Tensor:
        """(b, length, d) of padded sequences; rows of no tokens stay zero instead of attending to nothing."""
        real = batch["attention_mask"].any(1)
        if bool(real.all()):
            return run_encoder(self.encoder, batch, self.config.frozen_layers)
        width = self.encoder.config.hidden_size
        states = torch.zeros(*batch["attention_mask"].shape, width, device=self.device, dtype=self.dtype)
        if bool(real.any()):
            some = {name: value[real] for name, value in batch.items()}
            states[real] = run_encoder(self.encoder, some, self.config.frozen_layers)
        return states

    def score(
        self,
        context: Tensor,
        context_mask: Tensor,
        persona: Tensor,
        persona_mask: Tensor,
        response: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """Scores (contexts, responses); the persona belongs to the context, whatever the response."""
        scores = match_rows(context, context_mask, response, mask)
        scores = scores + match_rows(persona, persona_mask, response, mask)
        return scores * self.config.score_scale

    def forward(
        self,
        context: dict[str, Tensor],
        persona: dict[str, Tensor],
        response: dict[str, Tensor],
        same: Tensor,
    ) -> dict[str, Tensor]:
        """Cross-entropy over the batch's own responses (in-batch negatives).

        context, persona, response: padded sequences of b rows each. same: (b, b) bool, response j has the text of
        response i; such a j is no wrong answer for i and takes no part.
        """
        scores = self.score(
            self.encode(context),
            context["attention_mask"],
            self.encode(persona),
            persona["attention_mask"],
            self.encode(response),
            response["attention_mask"],
        )
        others = same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
        scores = scores.masked_fill(others, torch.finfo(scores.dtype).min)
        loss = torch.nn.functional.cross_entropy(scores, torch.arange(len(scores), device=scores.device))
        return {"loss": loss, "scores": scores}


def inputs_for(model: Cobert, folder: Path) -> Inputs:
    """The reader of texts that belongs to `model`; the tokenizer lies in `folder`."""
    positions = getattr(model.encoder.config, "max_position_embeddings", 512)
    if model.encoder.config.model_type in ("roberta", "xlm-roberta"):
        positions -= 2  # RoBERTa counts positions from its padding id on
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return Inputs(tokenizer, model.config.context_length, model.config.num_personas, positions)
