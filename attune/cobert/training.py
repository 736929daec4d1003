"""Training CoBERT with transformers' Trainer: in-batch negatives, valid ranking after each epoch."""

import math
from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import EarlyStoppingCallback, Trainer

from attune.checkpoints import newest_whole
from attune.cobert.inputs import Inputs, Sequence
from attune.cobert.model import Cobert
from attune.cobert.scoring import encode, encode_from, lower_cache, scores, stack
from attune.errors import AttuneError
from attune.scores import rank, ranking_scores
from attune.trainer import MarkWhole, arguments


@dataclass(frozen=True)
class Example:
    context: Sequence
    persona: Sequence
    response: Sequence


def examples(rows: Many[dict[str, Any]], inputs: Inputs) -> list[Example]:
    """One example a row of the PEC schema."""
    return [
        Example(inputs.context(row["context"]), inputs.persona(row["personas"]), inputs.response(row["response"]))
        for row in rows
    ]


class _Examples(Dataset):
    def __init__(self, items: list[Example]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> Example:
        return self.items[place]


class CobertTrainer(Trainer):
    """Trainer whose evaluation ranks every valid response for every valid context."""

    def __init__(self, model: Cobert, train: list[Example], valid: list[Example], **settings: Any) -> None:
        self.valid = valid
        self.cache = lower_cache(
            model, (part for each in [*train, *valid] for part in (each.context, each.persona, each.response))
        )
        super().__init__(
            model=model,
            train_dataset=_Examples(train),
            eval_dataset=_Examples(valid),
            data_collator=self._collate,
            **settings,
        )

    def _collate(self, batch: list[Example]) -> dict[str, Any]:
        responses = [each.response for each in batch]
        return {
            "context": stack([each.context for each in batch], self.cache),
            "persona": stack([each.persona for each in batch], self.cache),
            "response": stack(responses, self.cache),
            "same": torch.tensor([[left == right for right in responses] for left in responses]),
        }

    def training_step(self, model: Any, inputs: dict[str, Any], *rest: Any, **named: Any) -> Tensor:
        loss = super().training_step(model, inputs, *rest, **named)
        self._check(loss.item(), "training")
        return loss

    def _check(self, loss: float, which: str) -> None:
        if not math.isfinite(loss):
            raise AttuneError(
                f"the {which} loss is {loss} after step {self.state.global_step}; a lower lr or score_scale may help"
            )

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        found = {f"{metric_key_prefix}_{name}": value for name, value in in_batch_scores(self.model, self).items()}
        self._check(found[f"{metric_key_prefix}_loss"], "validation")
        self.log(found)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, found)
        return found


def in_batch_scores(model: Any, trainer: CobertTrainer) -> dict[str, float]:
    """Loss, MRR and R@k over the valid split, whose own responses are the candidates, repeated ones once."""
    valid, cache = trainer.valid, trainer.cache
    parts = [part for each in valid for part in (each.context, each.persona, each.response)]
    states = encode(model, parts) if cache is None else encode_from(model, cache, parts)
    responses = list(dict.fromkeys(each.response for each in valid))
    found = scores(
        model,
        states,
        [each.context for each in valid],
        [each.persona for each in valid],
        [responses] * len(valid),
    )
    right = [responses.index(each.response) for each in valid]
    return summary(found, right)


def summary(found: list[Tensor], right: list[int]) -> dict[str, float]:
    """Mean cross-entropy of the right candidate, and the ranking scores."""
    losses = [
        torch.nn.functional.cross_entropy(row[None].double(), torch.tensor([place], device=row.device)).item()
        for row, place in zip(found, right, strict=True)
    ]
    ranks = [rank(row.tolist(), place) for row, place in zip(found, right, strict=True)]
    return {"loss": sum(losses) / len(losses)} | ranking_scores(ranks)


def train(
    model: Cobert, rows: dict[str, list[dict[str, Any]]], inputs: Inputs, recipe: dict[str, Any], folder: Path
) -> list[dict[str, Any]]:
    """Train in place, going on from the newest whole checkpoint in `folder`; ends with the epoch of best valid MRR.

    `rows`: "train" and "valid" of the PEC schema. Returns the learning curve, a row an epoch from 0 (untrained):
    epoch, step, train_loss (mean of the epoch's batches), valid_loss, valid_mrr, valid_r@1.
    """
    parts = {split: examples(rows[split], inputs) for split in ("train", "valid")}
    settings = arguments(
        folder,
        recipe["seed"],
        num_train_epochs=recipe["epochs"],
        per_device_train_batch_size=min(recipe["batch_size"], len(parts["train"])),
        gradient_accumulation_steps=recipe["accumulation"],
        learning_rate=recipe["lr"],
        lr_scheduler_type="linear",
        max_grad_norm=1.0,
        weight_decay=0.0,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        eval_on_start=True,
        load_best_model_at_end=True,
        metric_for_best_model="eval_mrr",
        greater_is_better=True,
        remove_unused_columns=False,
        label_names=[],
    )
    callbacks: list[Any] = [MarkWhole()]
    if recipe["early_stopping"] is not None:
        callbacks.append(EarlyStoppingCallback(recipe["early_stopping"]))
    trainer = CobertTrainer(model, parts["train"], parts["valid"], args=settings, callbacks=callbacks)
    trainer.train(resume_from_checkpoint=newest_whole(folder))
    return curve(trainer.state.log_history)


def curve(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The Trainer's log as one row an epoch."""
    rows: dict[int, dict[str, Any]] = {}
    for entry in history:
        row = rows.setdefault(
            entry["step"],
            {"epoch": round(entry.get("epoch") or 0), "step": entry["step"], "train_loss": None},
        )
        if "loss" in entry:
            row["train_loss"] = round(entry["loss"], 6)
        for name in ("loss", "mrr", "r@1"):
            if f"eval_{name}" in entry:
                row[f"valid_{name}"] = round(entry[f"eval_{name}"], 6)
    return [row for row in rows.values() if "valid_loss" in row]
