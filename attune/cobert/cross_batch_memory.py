"""Extra negatives out of the replies of the last batches, as the encoder of then had them, without gradient.

They cost a step no encoding. This is the cross-batch memory of Wang et al. (2020, section 3.2): MoCo's queue (He et al.
2020, section 3.1) without its second, slower encoder. It needs an encoder whose states move little from batch to batch;
docs/recipes.md says what came of it.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import pad
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from attune.cobert.matchers import Side

FILE = "cross_batch_memory.safetensors"


class CrossBatchMemory(TrainerCallback):
    """The last `size` replies, the newest last; fewer as long as there were no more. Saved with each checkpoint.

    A reply is known by its id, a number: equal replies have the same.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.replies: Side | None = None
        self.ids = torch.empty(0, dtype=torch.long)

    def beside(self, replies: Side, reply_ids: Tensor, same: Tensor) -> tuple[Side, Tensor]:
        """A batch's c replies and the m that are remembered, and (b, c + m) bool, `same` of them all.

        reply_ids: (c,), those of the batch's replies, the first b of which are the true ones; same: (b, c) bool.
        """
        if self.replies is None:
            return replies, same
        return _joined(replies, self.replies), torch.cat([same, reply_ids[: len(same), None] == self.ids], 1)

    def add(self, replies: Side, reply_ids: Tensor) -> None:
        """Remember a batch's replies, and forget the oldest."""
        self.replies, self.ids = self.with_added(replies, reply_ids)

    def with_added(self, replies: Side, reply_ids: Tensor) -> tuple[Side, Tensor]:
        """The `replies` and `ids` that there are once a batch's are added."""
        new = Side(replies.states.detach(), replies.mask, replies.parts)
        both = new if self.replies is None else _joined(self.replies, new)
        newest = both[-self.size :]
        longest = max(int(newest.mask.sum(1).max()), 1)
        kept = Side(*(each[:, :longest].clone() for each in (newest.states, newest.mask, newest.parts)))
        return kept, torch.cat([self.ids.to(reply_ids.device), reply_ids])[-self.size :]

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # As `MarkComplete` says: the last checkpoint is never resumed from.
        if state.is_world_process_zero and not control.should_training_stop and self.replies is not None:
            kept = {"states": self.replies.states, "mask": self.replies.mask, "parts": self.replies.parts}
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            save_file(kept | {"ids": self.ids}, folder / FILE)

    def load(self, checkpoint: Path, device: torch.device) -> None:
        """Remember what was saved with `checkpoint`."""
        kept = load_file(checkpoint / FILE, device=str(device))
        self.replies, self.ids = Side(kept["states"], kept["mask"], kept["parts"]), kept["ids"]


def _joined(left: Side, right: Side) -> Side:
    """The rows of both, padded to the longest."""
    length = max(left.mask.shape[1], right.mask.shape[1])
    sides = [(side, length - side.mask.shape[1]) for side in (left, right)]
    return Side(
        torch.cat([pad(side.states, (0, 0, 0, missing)) for side, missing in sides]),
        torch.cat([pad(side.mask, (0, missing), value=False) for side, missing in sides]),
        torch.cat([pad(side.parts, (0, missing), value=-1) for side, missing in sides]),
    )
