"""The order of training: shuffled anew each epoch, with rows of similar length in a batch."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler

from attune.core.determinism import seeded
from attune.generators.losses import token_losses
from attune.training.distributed import agreed
from attune.training.trainer import RecoveringTrainer

_POOL = 50  # batches that are sorted by length together; more gives less padding and less shuffling


class LengthGrouped(Sampler[int]):
    """As transformers' LengthGroupedSampler, but an epoch's order depends on seed and epoch alone.

    That one draws from torch's global generator, so that a resumed epoch would be read in another order.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.lengths = lengths
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        draws = seeded(self.seed, "order", self.epoch)
        order = list(range(len(self.lengths)))
        draws.shuffle(order)
        pool = self.batch_size * _POOL
        batches: list[list[int]] = []
        for start in range(0, len(order), pool):
            similar = sorted(order[start : start + pool], key=self.lengths.__getitem__)
            batches += [similar[at : at + self.batch_size] for at in range(0, len(similar), self.batch_size)]
        short = [batch for batch in batches if len(batch) < self.batch_size]  # must come last
        full = [batch for batch in batches if len(batch) == self.batch_size]
        draws.shuffle(full)
        return iter([position for batch in full + short for position in batch])


class GroupingTrainer(RecoveringTrainer):
    """Reads its rows, a `datasets.Dataset` with a column `length`, in the order of LengthGrouped.

    Minimises nats per reply token, over all batches that one update accumulates, so that a batch may be computed in
    parts.
    """

    remedy = "lower max_length or passage_tokens, raise frozen_layers, or set gradient_checkpointing"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Trainer would otherwise count the reply tokens of those models alone that take the count themselves.
        self.model_accepts_loss_kwargs = True
        self.batch_size = self.args.train_batch_size

    def get_train_dataloader(self) -> DataLoader[Any]:
        size = self.args.train_batch_size
        order = LengthGrouped(self.train_dataset["length"][:], size, self.args.seed)
        loader = DataLoader(self.train_dataset, batch_size=size, sampler=order, collate_fn=self.data_collator)
        return self.accelerator.prepare(loader)

    def rows_of(self, inputs: Any) -> int:
        return len(inputs["input_ids"])

    def _attempt(self, model: Any, inputs: Any, *rest: Any, **named: Any) -> torch.Tensor:
        rows = self.rows_of(inputs)
        size = self.micro_batch or rows
        parts = [{name: each[at : at + size] for name, each in inputs.items()} for at in range(0, rows, size)]
        step = super()._attempt
        with self._together():
            return torch.stack([step(model, part, *rest, **named) for part in parts]).sum()

    def _together(self) -> AbstractContextManager[None]:
        """Within it, all processes run out of memory or none does."""
        return agreed()

    def compute_loss(self, model: Any, inputs: Any, *_: Any, num_items_in_batch: Any = None, **__: Any) -> torch.Tensor:
        losses = token_losses(model, inputs)
        return losses.sum() / (len(losses) if num_items_in_batch is None else num_items_in_batch)
