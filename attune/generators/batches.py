"""Token ids as padded tensors."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch

from attune.generators.encoded import IGNORED, Joined


def accepts_left_padding(model: Any) -> bool:
    """Whether `model` accepts rows that are padded on the left.

    Virtual tokens stand before the padding, which would shift their positions.
    """
    config = getattr(model, "active_peft_config", None)
    if config is not None and config.is_prompt_learning:
        return False
    base = model if config is None else model.get_base_model()
    return "position_ids" in inspect.signature(base.forward).parameters


def scored_batch(rows: Sequence[Joined], pad: int, *, left: bool) -> dict[str, torch.Tensor]:
    """input_ids, attention_mask and labels, each [rows, longest]; labels are IGNORED outside replies.

    left: pad on the left; `position_ids` then count from the first real token.
    """
    width = max(row.length for row in rows)
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for at, row in enumerate(rows):
        start = width - row.length if left else 0
        ids[at, start : start + row.length] = torch.tensor(row.ids)
        mask[at, start : start + row.length] = 1
        labels[at, start : start + row.length] = torch.tensor(row.labels)
    batch = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return batch | {"position_ids": (mask.cumsum(1) - 1).clamp(min=0)} if left else batch


def tokens_at_once(device: torch.device) -> int | None:
    """The most tokens that a batch should have on `device`, padding included; None: any number.

    A CPU computes few tokens as fast as many, and padding costs it as much as text.
    """
    return 512 if device.type == "cpu" else None
