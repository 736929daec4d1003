"""Training CoBERT with transformers' Trainer: in-batch negatives, valid ranking after each epoch."""

from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor
from transformers import EarlyStoppingCallback

from attune.cobert.examples import Example, every_turn, examples
from attune.cobert.gradient_cache import step
from attune.cobert.inputs import Inputs
from attune.cobert.model import Cobert
from attune.cobert.scoring import encode, lower_cache, scores, stack
from attune.core.determinism import seeded
from attune.core.errors import AttuneError
from attune.metrics.ranking import loss, rank, ranking_scores
from attune.training.checkpoints import newest_whole
from attune.training.trainer import FiniteTrainer, MarkWhole, arguments


class CobertTrainer(FiniteTrainer):
    """Trainer whose evaluation ranks every valid response for every valid context.

    `recipe`: see `train`. On a GPU that runs out of memory the micro-batch is halved and the step done again.
    """

    def __init__(
        self, model: Cobert, train: list[Example], valid: list[Example], recipe: dict[str, Any], **settings: Any
    ) -> None:
        self.valid, self.recipe = valid, recipe
        self.replies = sorted({each.response for each in train}, key=lambda each: each.ids)
        self.micro_batch: int | None = recipe["micro_batch"]
        super().__init__(model=model, train_dataset=train, eval_dataset=valid, data_collator=self._collate, **settings)
        if self.micro_batch and self.args.world_size > 1:
            raise AttuneError("micro_batch works on one device; set it to null to train on several")
        # After the Trainer moved the model to its device.
        self.lower = lower_cache(
            model, (part for each in [*train, *valid] for part in (each.context, each.persona, each.response))
        )

    def _collate(self, batch: list[Example]) -> dict[str, Any]:
        # Drawn by what the batch holds and not in passing, so that a resumed training draws the same.
        draws = seeded(self.recipe["seed"], "negatives", *(each.id for each in batch))
        further = draws.sample(self.replies, min(self.recipe["extra_negatives"], len(self.replies)))
        own = [each.response for each in batch]
        return {
            "context": stack([each.context for each in batch], self.lower),
            "persona": stack([each.persona for each in batch], self.lower),
            "response": stack([*own, *further], self.lower),
            "same": torch.tensor([[left == right for right in [*own, *further]] for left in own]),
        }

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW; the matching's own weights have a learning rate of their own."""
        parts: Any = model or self.model
        kind, settings = self.get_optimizer_cls_and_kwargs(self.args, parts)
        learned = [each for each in parts.encoder.parameters() if each.requires_grad]
        own = {"params": list(parts.matcher.parameters()), "lr": self.recipe["matcher_lr"] or self.recipe["lr"]}
        self.optimizer: Any = kind([{"params": learned}, *([own] if own["params"] else [])], **settings)
        return self.optimizer

    def training_step(self, model: Any, inputs: dict[str, Any], *rest: Any, **named: Any) -> Tensor:
        before = [None if each.grad is None else each.grad.clone() for each in model.parameters()]
        while True:
            try:
                return super().training_step(model, inputs, *rest, **named)
            except torch.OutOfMemoryError:
                self._halve(len(inputs["same"]))
            for parameter, gradient in zip(model.parameters(), before, strict=True):
                parameter.grad = None if gradient is None else gradient.clone()
            torch.cuda.empty_cache()

    def _step(self, model: Any, inputs: dict[str, Any], *rest: Any, **named: Any) -> Tensor:
        if self.micro_batch is None:
            return super()._step(model, inputs, *rest, **named)
        model.train()
        inputs = self._prepare_inputs(inputs)
        share = 1 / self.current_gradient_accumulation_steps
        # Of a step in one go the accelerator sees to the precision; it knows nothing of this one.
        return step(model, inputs, self.micro_batch, share, self.accelerator.autocast)

    def _halve(self, batch: int) -> None:
        held = min(self.micro_batch or batch, batch)
        if held == 1:
            raise AttuneError(
                "the GPU's memory does not hold a single sequence's step; lower max_length or num_personas, raise "
                "frozen_layers, or name a smaller encoder"
            ) from None
        self.micro_batch = held // 2
        print(
            f"out of GPU memory at step {self.state.global_step + 1}: going on with micro-batches of "
            f"{self.micro_batch}, the batch stays {self.recipe['batch_size']}",
            flush=True,
        )

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        found = {f"{metric_key_prefix}_{name}": value for name, value in in_batch_scores(self.model, self).items()}
        self.check(found[f"{metric_key_prefix}_loss"], "validation", self.state.global_step)
        self.log(found)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, found)
        return found


def in_batch_scores(model: Any, trainer: CobertTrainer) -> dict[str, float]:
    """Loss, MRR and R@k over the valid split, whose own responses are the candidates, repeated ones once."""
    valid = trainer.valid
    states = encode(
        model, [part for each in valid for part in (each.context, each.persona, each.response)], trainer.lower
    )
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
    rows = [row.tolist() for row in found]
    losses = [loss(row, place) for row, place in zip(rows, right, strict=True)]
    return {"loss": fmean(losses)} | ranking_scores([rank(row, place) for row, place in zip(rows, right, strict=True)])


def train(
    model: Cobert, rows: dict[str, list[dict[str, Any]]], inputs: Inputs, recipe: dict[str, Any], folder: Path
) -> list[dict[str, Any]]:
    """Train in place, going on from the newest whole checkpoint in `folder`; ends with the best trained epoch.

    Best is the highest valid MRR; the untrained model takes no part.

    `rows`: "train" and "valid" of the PEC schema. `recipe`: as data/recipes/ has it. Returns the learning curve, a row
    an epoch from 0 (untrained): epoch, step, train_loss (mean of the epoch's batches), valid_loss, valid_mrr,
    valid_r@1.
    """
    given = every_turn(rows["train"]) if recipe["every_turn"] else rows["train"]
    parts = {"train": examples(given, inputs), "valid": examples(rows["valid"], inputs)}
    checkpoint = newest_whole(folder)
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
        # Once: early stopping would count another evaluation of the same weights as an epoch that was no better.
        eval_on_start=checkpoint is None,
        restore_callback_states_from_checkpoint=True,
        load_best_model_at_end=True,
        metric_for_best_model="eval_mrr",
        greater_is_better=True,
        remove_unused_columns=False,
        label_names=[],
        bf16=recipe["bf16"] and torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
    )
    callbacks: list[Any] = [MarkWhole()]
    if recipe["early_stopping"] is not None:
        callbacks.append(EarlyStoppingCallback(recipe["early_stopping"]))
    trainer = CobertTrainer(model, parts["train"], parts["valid"], recipe, args=settings, callbacks=callbacks)
    trainer.train(resume_from_checkpoint=checkpoint)
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
