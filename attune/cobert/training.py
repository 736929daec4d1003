"""Train CoBERT with transformers' Trainer: in-batch and extra negatives, validated by ranking after each epoch."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback, TrainingArguments

from attune.cobert import shared_batch
from attune.cobert.cross_batch_memory import CrossBatchMemory
from attune.cobert.early_stopping import EarlyStopping
from attune.cobert.examples import Example, every_turn, examples
from attune.cobert.gradient_cache import step
from attune.cobert.hard_negatives import nearest_replies
from attune.cobert.inputs import Inputs, TokenSequence
from attune.cobert.interpolation import interpolate, trainable_weights
from attune.cobert.model import Cobert
from attune.cobert.scoring import encode, lower_cache, stack
from attune.cobert.scoring import scores as candidate_scores
from attune.core.determinism import seeded
from attune.metrics.ranking import loss, rank, ranking_scores
from attune.training.checkpoints import newest_complete
from attune.training.distributed import agreed, joined, share
from attune.training.launcher import processes
from attune.training.precision import uses_bf16
from attune.training.trainer import Follow, MarkComplete, RecoveringTrainer, arguments


class CobertTrainer(RecoveringTrainer):
    """Trainer whose evaluation ranks each validation context's `valid_candidates`; `recipe` as for `train`."""

    unit = "sequence"
    remedy = "lower max_length or num_personas, raise frozen_layers, or use a smaller encoder"

    def __init__(
        self, model: Cobert, train: list[Example], valid: list[Example], recipe: dict[str, Any], **settings: Any
    ) -> None:
        self.valid, self.recipe = valid, recipe
        self.replies = sorted({each.response for each in train}, key=lambda each: each.ids)
        self.ids = {reply: number for number, reply in enumerate(self.replies)}
        self.micro_batch, self.batch_size = recipe["micro_batch"], recipe["batch_size"]
        self.memory = CrossBatchMemory(recipe["extra_negatives"]) if recipe["cross_batch_memory"] else None
        # Before the callback that marks a checkpoint as complete.
        settings["callbacks"] = [*([self.memory] if self.memory else []), *settings.get("callbacks", [])]
        super().__init__(model=model, train_dataset=train, eval_dataset=valid, data_collator=self._collate, **settings)
        # Only now is the model on its device.
        self.lower = lower_cache(
            model, (part for each in [*train, *valid] for part in (each.context, each.persona, each.response))
        )
        # Before any training, also of one that is resumed, so that both have the same.
        hard = recipe["hard_negatives"]
        self.nearest = None if hard is None else nearest_replies(model, train, hard, self.lower)

    def _pool(self, batch: list[Example]) -> list[TokenSequence]:
        """The replies from which a batch's extra negatives are drawn, in a fixed order."""
        if self.nearest is None:
            return self.replies
        return sorted({reply for each in batch for reply in self.nearest[each.id]}, key=lambda each: each.ids)

    def _extra(self, batch: list[Example]) -> list[TokenSequence]:
        """The negatives that are encoded with a batch, beside its own replies."""
        if self.memory is not None:
            return []
        # Seeded by the batch's ids rather than drawn from one stream, so that a resumed training draws the same.
        draws, pool = seeded(self.recipe["seed"], "negatives", *(each.id for each in batch)), self._pool(batch)
        return draws.sample(pool, min(self.recipe["extra_negatives"], len(pool)))

    def _collate(self, batch: list[Example]) -> dict[str, Any]:
        true = [each.response for each in batch]
        replies = [*true, *self._extra(batch)]
        known = {} if self.memory is None else {"reply_ids": torch.tensor([self.ids[each] for each in replies])}
        if processes() > 1:
            return known | shared_batch.collate(batch, replies, self.lower)
        return known | {
            "context": stack([each.context for each in batch], self.lower),
            "persona": stack([each.persona for each in batch], self.lower),
            "response": stack(replies, self.lower),
            "same": torch.tensor([[left == right for right in replies] for left in true]),
        }

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW with `lr` for the encoder and `matcher_lr` for the matcher's weights, where it has any."""
        trained: Any = model or self.model
        kind, settings = self.get_optimizer_cls_and_kwargs(self.args, trained)
        settings["weight_decay"] = self.args.weight_decay  # not among them, and AdamW's own default is not 0
        encoder = [each for each in trained.encoder.parameters() if each.requires_grad]
        matcher = {"params": list(trained.matcher.parameters()), "lr": self.recipe["matcher_lr"] or self.recipe["lr"]}
        self.optimizer: Any = kind([{"params": encoder}, *([matcher] if matcher["params"] else [])], **settings)
        return self.optimizer

    def rows_of(self, inputs: dict[str, Any]) -> int:
        return len(inputs["same"])

    def _attempt(self, model: Any, inputs: dict[str, Any], *_: Any, **__: Any) -> Tensor:
        model.train()
        with agreed():
            inputs = self._prepare_inputs(inputs)
        weight = 1 / self.current_gradient_accumulation_steps
        # The accelerator wraps a model's forward in autocast; `step` calls the parts of the model itself.
        options = model, inputs, self.micro_batch, weight, self.accelerator.autocast, self.memory
        return step(*options) if processes() == 1 else shared_batch.step(*options)

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        scores = validation_scores(self.model, self)
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in scores.items()}
        self.check(metrics[f"{metric_key_prefix}_loss"], "validation", self.state.global_step)
        self.log(metrics)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def validation_scores(model: Any, trainer: CobertTrainer) -> dict[str, float]:
    """Loss (nats) and the ranking scores over the validation split; the candidates are as `valid_candidates` says."""
    valid = share(trainer.valid)
    replies = valid_candidates(valid, trainer.valid, trainer.recipe)
    parts = [part for each in valid for part in (each.context, each.persona)]
    states = encode(model, [*parts, *(reply for each in replies for reply in each)], trainer.lower)
    contexts, personas = [each.context for each in valid], [each.persona for each in valid]
    scores = candidate_scores(model, states, contexts, personas, replies)
    return summary(scores, [each.index(one.response) for each, one in zip(replies, valid, strict=True)])


def valid_candidates(
    examples: Sequence[Example], split: Sequence[Example], recipe: dict[str, Any]
) -> list[list[TokenSequence]]:
    """Each example's candidates in validation: all distinct replies of the split, or so many that the recipe names.

    Those are the true reply and others, drawn once per example.
    """
    distinct, count = list(dict.fromkeys(each.response for each in split)), recipe["valid_candidates"]
    if count is None or count >= len(distinct):
        return [distinct] * len(examples)
    drawn = []
    for each in examples:
        others = [reply for reply in distinct if reply != each.response]
        drawn.append([each.response, *seeded(recipe["seed"], "valid", each.id).sample(others, count - 1)])
    return drawn


def summary(scores: list[Tensor], right: list[int]) -> dict[str, float]:
    """The mean cross-entropy (nats) and the ranking scores of candidate number `right` of each row of scores.

    Each process gives the rows of its share; the means are over all.
    """
    rows = zip((row.tolist() for row in scores), right, strict=True)
    losses, ranks = zip(*joined([(loss(row, place), rank(row, place)) for row, place in rows]), strict=True)
    return {"loss": fmean(losses)} | ranking_scores(list(ranks))


def train(
    model: Cobert,
    rows: dict[str, list[dict[str, Any]]],
    inputs: Inputs,
    recipe: dict[str, Any],
    folder: Path,
    follow: Callable[[list[dict[str, Any]]], None] = lambda _: None,
    trackers: Sequence[TrainerCallback] = (),
) -> tuple[list[dict[str, Any]], float]:
    """Train `model` in place, resuming from the newest complete checkpoint in `folder`.

    It ends with the weights of the trained epoch that has the highest validation MRR; where the recipe has
    `interpolate`, with those on the way from the untrained encoder to it whose validation MRR is highest, or with those
    of the untrained model where none of them ranks better.

    rows: "train" and "valid", each row with id, context, context_speakers, response, response_speaker and personas.
    recipe: as in data/recipes/*.json. follow: gets the curve's rows whenever it may have grown. Returns the learning
    curve, one row per epoch from 0 (untrained): epoch, step, train_loss (nats, the mean over the epoch's updates),
    valid_loss (nats), valid_mrr, valid_r@1; and the validation MRR of the weights that it ends with.

    Raises
    ------
    AttuneError
        at the first loss that is not a finite number.
    """
    model.config.context_length, model.config.turn_length = inputs.max_length, inputs.turn_length  # as it is read
    train_rows = every_turn(rows["train"]) if recipe["every_turn"] else rows["train"]
    parts = {"train": examples(train_rows, inputs), "valid": examples(rows["valid"], inputs)}
    before = trainable_weights(model) if recipe["interpolate"] else None
    checkpoint = newest_complete(folder)
    settings = _settings(folder, recipe, len(parts["train"]), resuming=checkpoint is not None)
    stopping = [] if recipe["early_stopping"] is None else [EarlyStopping(recipe["early_stopping"])]
    callbacks: list[Any] = [MarkComplete(), Follow(lambda history: follow(curve(history))), *trackers, *stopping]
    trainer = CobertTrainer(model, parts["train"], parts["valid"], recipe, args=settings, callbacks=callbacks)
    if checkpoint is not None and trainer.memory is not None:
        trainer.memory.load(Path(checkpoint), model.device)
    trainer.train(resume_from_checkpoint=checkpoint)
    learning = curve(trainer.state.log_history)
    return learning, _kept(trainer, before, [row["valid_mrr"] for row in learning])


def _kept(trainer: CobertTrainer, before: dict[str, Tensor] | None, curve: list[float]) -> float:
    """The validation MRR of the weights that are kept: those that `interpolate` chooses if `before`.

    curve: the MRR of each epoch from 0 (untrained), rounded as the others are here.
    """
    model: Any = trainer.model
    reached = max(curve[1:])
    if before is not None:
        model.config.trained_share, reached = interpolate(
            model, before, curve[0], reached, lambda: round(validation_scores(model, trainer)["mrr"], 6)
        )
    return reached


def _settings(folder: Path, recipe: dict[str, Any], size: int, resuming: bool) -> TrainingArguments:
    """size: number of training examples, the upper limit of the batch size."""
    return arguments(
        folder,
        recipe["seed"],
        num_train_epochs=recipe["epochs"],
        per_device_train_batch_size=min(recipe["batch_size"], size),
        gradient_accumulation_steps=recipe["accumulation"],
        learning_rate=recipe["lr"],
        lr_scheduler_type="linear",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        # Not when resuming: it is in the log already.
        eval_on_start=not resuming,
        restore_callback_states_from_checkpoint=True,
        load_best_model_at_end=True,
        metric_for_best_model="eval_mrr",
        greater_is_better=True,
        remove_unused_columns=False,
        label_names=[],
        bf16=uses_bf16(recipe["bf16"]),
    )


def curve(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The Trainer's log as one row per epoch, as `train` returns it."""
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
