from pathlib import Path

from attune.generators.adapters import add_lora, add_virtual_tokens
from attune.generators.batches import accepts_left_padding, scored_batch
from attune.generators.encoded import Encoded
from tests.generators.tiny import alone, gpt, saved


def test_labels_are_the_reply_and_its_eos_alone() -> None:
    eos = 9  # also the pad: only places tell them apart
    batch = scored_batch(alone(Encoded("a", [eos, 1, 2], [3, eos]), Encoded("b", [4], [eos])), pad=eos, left=False)
    assert batch["input_ids"].tolist() == [[9, 1, 2, 3, 9], [4, 9, 9, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]
    assert batch["labels"].tolist() == [[-100, -100, -100, 3, 9], [-100, 9, -100, -100, -100]]


def test_rows_that_end_together_begin_where_their_padding_ends() -> None:
    batch = scored_batch(alone(Encoded("a", [5, 1, 2], [3, 9]), Encoded("b", [4], [9])), pad=0, left=True)
    assert batch["input_ids"].tolist() == [[5, 1, 2, 3, 9], [0, 0, 0, 4, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [0, 0, 0, 1, 1]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 4], [0, 0, 0, 0, 1]]
    assert batch["labels"].tolist() == [[-100, -100, -100, 3, 9], [-100, -100, -100, -100, 9]]


def test_virtual_tokens_keep_the_padding_behind(tmp_path: Path) -> None:
    folder = saved(gpt(), tmp_path)
    assert accepts_left_padding(gpt())
    assert accepts_left_padding(add_lora(gpt(), folder, lora_rank=2, lora_alpha=4, lora_dropout=0.0))
    assert not accepts_left_padding(add_virtual_tokens(gpt(), folder, virtual_tokens=2))
