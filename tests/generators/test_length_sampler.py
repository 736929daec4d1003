import itertools
from pathlib import Path

import pytest
import torch
from datasets import Dataset

from attune.generators.batches import scored_batch
from attune.generators.encoded import Encoded
from attune.generators.length_sampler import GroupingTrainer, LengthGrouped
from attune.training.trainer import arguments
from tests.generators.tiny import alone, gpt

LENGTHS = [at % 7 + 1 for at in range(450)]


def order(seed: int, epoch: int) -> list[int]:
    sampler = LengthGrouped(LENGTHS, batch_size=4, seed=seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_an_epoch_reads_every_row_once_in_an_order_of_its_own() -> None:
    assert sorted(order(1, 0)) == list(range(450))
    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_a_batch_holds_rows_of_like_length() -> None:
    places = order(1, 0)
    spreads = [
        max(lengths) - min(lengths)
        for at in range(0, 448, 4)
        for lengths in [[LENGTHS[place] for place in places[at : at + 4]]]
    ]
    assert sum(spreads) / len(spreads) < 0.5


def test_long_rows_are_not_all_read_late() -> None:
    lengths = [LENGTHS[at] for at in LengthGrouped(LENGTHS[:60], batch_size=4, seed=1)]  # sorted together by length
    rising = sum(earlier <= later for earlier, later in itertools.pairwise(lengths[::4]))
    assert 3 <= rising <= 11  # of 14


@pytest.mark.parametrize("counting", [True, False])
def test_an_update_is_that_of_the_whole_batch_also_of_a_model_that_takes_no_count(
    tmp_path: Path, counting: bool
) -> None:
    """Replies of 2 to 14 tokens, in one batch, in micro-batches of a reply each, and in two batches of an update."""
    replies = [[5] * size + [3] for size in (1, 5, 9, 13)]

    def update(size: int, micro_batch: int | None, accumulation: int) -> torch.Tensor:
        model = gpt()
        start = model.transformer.wte.weight.detach().clone()
        model.accepts_loss_kwargs = counting
        settings = {"learning_rate": 1.0, "optim": "sgd", "lr_scheduler_type": "constant", "save_strategy": "no"}
        trainer = GroupingTrainer(
            model=model,
            args=arguments(
                tmp_path,
                1,
                max_steps=1,
                per_device_train_batch_size=size,
                gradient_accumulation_steps=accumulation,
                max_grad_norm=0.0,
                remove_unused_columns=False,
                **settings,
            ),
            train_dataset=Dataset.from_list([{"length": len(reply), "reply": reply} for reply in replies]),
            data_collator=lambda rows: scored_batch(
                alone(*(Encoded("", [1, 2], row["reply"]) for row in rows)), 0, left=True
            ),
        )
        trainer.micro_batch = micro_batch
        trainer.train()
        return model.transformer.wte.weight.detach().to(start.device) - start

    whole = update(4, None, 1)
    assert whole.abs().max() > 0.01
    for parts in ((4, 1, 1), (2, None, 2)):
        torch.testing.assert_close(update(*parts), whole, rtol=1e-4, atol=1e-6)
