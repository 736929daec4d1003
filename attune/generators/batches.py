"""Token ids as padded tensors."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch

from attune.generators.encoding import Encoded

IGNORED = -100  # cross-entropy's label for positions that are not scored


def ends_together(model: Any) -> bool:
    """Whether `model` accepts rows that are padded on the left.

    Virtual tokens stand before the padding, which would shift their positions.
    """
    config = getattr(model, "active_peft_config", None)
    if config is not None and config.is_prompt_learning:
        return False
    base = model if config is None else model.get_base_model()
    return "position_ids" in inspect.signature(base.forward).parameters


def scored_batch(rows: Sequence[Encoded], pad: int, ends: bool) -> dict[str, torch.Tensor]:
    """input_ids, attention_mask and labels, each [rows, longest]; labels are IGNORED on prompt and padding.

    With `ends`, rows are padded on the left and `position_ids` count from the first real token.
    """
    width = max(row.length for row in rows)
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for at, row in enumerate(rows):
        start = width - row.length if ends else 0
        ids[at, start : start + row.length] = torch.tensor(row.prompt + row.reply)
        mask[at, start : start + row.length] = 1
        labels[at, start + len(row.prompt) : start + row.length] = torch.tensor(row.reply)
    batch = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return batch | {"position_ids": (mask.cumsum(1) - 1).clamp(min=0)} if ends else batch


def left_padded(rows: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of [length, width] as [rows, longest, width] and their mask [rows, longest], zeros on the left."""
    longest = max(len(row) for row in rows)
    padded = rows[0].new_zeros(len(rows), longest, rows[0].shape[1])
    mask = torch.zeros(len(rows), longest, dtype=torch.long, device=padded.device)
    for at, row in enumerate(rows):
        padded[at, longest - len(row) :] = row
        mask[at, longest - len(row) :] = 1
    return padded, mask


def by_length(lengths: Sequence[int], size: int, tokens: int | None = None) -> list[list[int]]:
    """Positions in batches of at most `size`, similar lengths together, so that there is little padding.

    tokens: the most that a batch of more than one position has once padded; None: any number.
    """
    batches: list[list[int]] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        rows = len(batches[-1]) + 1 if batches else 0
        if not batches or rows > size or (tokens is not None and rows * lengths[at] > tokens):
            batches.append([])
        batches[-1].append(at)
    return batches


def tokens_at_once(device: torch.device) -> int | None:
    """The most tokens that a batch should have on `device`, padding included; None: any number.

    A CPU computes few tokens as fast as many, and padding costs it as much as text.
    """
    return 512 if device.type == "cpu" else None
