"""Token ids as padded tensors: on the right for training and scoring, on the left for generation."""

from collections.abc import Sequence

import torch

from attune.generation.encoding import Encoded

IGNORED = -100  # cross-entropy's label for "not a reply token"


def scored_batch(rows: Sequence[Encoded], pad: int) -> dict[str, torch.Tensor]:
    """input_ids, attention_mask, labels, each [rows, longest]; labels are IGNORED on prompt and padding."""
    width = max(row.length for row in rows)
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for at, row in enumerate(rows):
        ids[at, : row.length] = torch.tensor(row.prompt + row.reply)
        mask[at, : row.length] = 1
        labels[at, len(row.prompt) : row.length] = torch.tensor(row.reply)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def left_padded(rows: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of [length, width] as [rows, longest, width] and their mask [rows, longest], zeros on the left."""
    longest = max(len(row) for row in rows)
    padded = rows[0].new_zeros(len(rows), longest, rows[0].shape[1])
    mask = torch.zeros(len(rows), longest, dtype=torch.long, device=padded.device)
    for at, row in enumerate(rows):
        padded[at, longest - len(row) :] = row
        mask[at, longest - len(row) :] = 1
    return padded, mask


def by_length(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Places, `size` at a time, with like lengths together, so that little is padded."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [order[at : at + size] for at in range(0, len(order), size)]
