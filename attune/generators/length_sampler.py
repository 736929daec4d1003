"""The order of training: shuffled anew each epoch, rows of like length together in a batch."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import DataLoader, Sampler

from attune.core.determinism import seeded
from attune.training.trainer import FiniteTrainer

_POOL = 50  # batches that are sorted by length together; more pads less and shuffles less


class LengthGrouped(Sampler[int]):
    """Like transformers' LengthGroupedSampler, but an epoch's order depends on seed and epoch alone.

    That one draws from torch's running state, so that a resumed epoch has another order than the broken one.
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
        own = seeded(self.seed, "order", self.epoch)
        order = list(range(len(self.lengths)))
        own.shuffle(order)
        pool = self.batch_size * _POOL
        batches: list[list[int]] = []
        for start in range(0, len(order), pool):
            alike = sorted(order[start : start + pool], key=self.lengths.__getitem__)
            batches += [alike[at : at + self.batch_size] for at in range(0, len(alike), self.batch_size)]
        short = [batch for batch in batches if len(batch) < self.batch_size]  # must come last
        full = [batch for batch in batches if len(batch) == self.batch_size]
        own.shuffle(full)
        return iter([place for batch in full + short for place in batch])


class GroupingTrainer(FiniteTrainer):
    """Reads its rows, each with a `length`, in the order of LengthGrouped."""

    def get_train_dataloader(self) -> DataLoader[Any]:
        size = self.args.train_batch_size
        order = LengthGrouped([row.length for row in self.train_dataset], size, self.args.seed)
        loader = DataLoader(self.train_dataset, batch_size=size, sampler=order, collate_fn=self.data_collator)
        return self.accelerator.prepare(loader)
