from pathlib import Path

import torch

from attune.generators.adapters import add_lora, add_virtual_tokens
from attune.generators.batches import by_length, ends_together, left_padded, scored_batch
from attune.generators.encoding import Encoded
from tests.generators.tiny import gpt, saved


def test_labels_are_the_reply_and_its_eos_alone() -> None:
    eos = 9  # also the pad: only places tell them apart
    batch = scored_batch([Encoded("a", [eos, 1, 2], [3, eos]), Encoded("b", [4], [eos])], pad=eos, ends=False)
    assert batch["input_ids"].tolist() == [[9, 1, 2, 3, 9], [4, 9, 9, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]
    assert batch["labels"].tolist() == [[-100, -100, -100, 3, 9], [-100, 9, -100, -100, -100]]


def test_generation_pads_on_the_left() -> None:
    padded, mask = left_padded([torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0]])])
    assert padded.squeeze(2).tolist() == [[1, 2], [0, 3]]
    assert mask.tolist() == [[1, 1], [0, 1]]


def test_batches_put_like_lengths_together() -> None:
    assert by_length([5, 1, 4, 2], 2) == [[1, 3], [2, 0]]
    assert by_length([5, 1, 4, 2], 4, tokens=8) == [[1, 3], [2], [0]]
    assert by_length([9, 9, 9], 4, tokens=8) == [[0], [1], [2]]
    assert by_length([], 4, tokens=8) == []


def test_rows_that_end_together_begin_where_their_padding_ends() -> None:
    batch = scored_batch([Encoded("a", [5, 1, 2], [3, 9]), Encoded("b", [4], [9])], pad=0, ends=True)
    assert batch["input_ids"].tolist() == [[5, 1, 2, 3, 9], [0, 0, 0, 4, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [0, 0, 0, 1, 1]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 4], [0, 0, 0, 0, 1]]
    assert batch["labels"].tolist() == [[-100, -100, -100, 3, 9], [-100, -100, -100, -100, 9]]


def test_virtual_tokens_keep_the_padding_behind(tmp_path: Path) -> None:
    folder = saved(gpt(), tmp_path)
    assert ends_together(gpt())
    assert ends_together(add_lora(gpt(), folder, lora_rank=2, lora_alpha=4, lora_dropout=0.0))
    assert not ends_together(add_virtual_tokens(gpt(), folder, virtual_tokens=2))
