"""Where models compute: one answer for training, scoring, writing and embedding."""

import os
from functools import cache

from attune.core.errors import AttuneError


@cache
def device() -> str:
    """The first NVIDIA GPU where there is one, else the processor: `cuda` or `cpu`.

    A Mac's GPU, `mps`, is used only where the environment says ATTUNE_DEVICE=mps, since that was never run.

    Raises
    ------
    AttuneError
        if ATTUNE_DEVICE is neither empty nor `mps`, or this machine has no MPS.
    """
    import torch

    wish = os.environ.get("ATTUNE_DEVICE", "")
    if wish not in ("", "mps"):
        raise AttuneError(f"ATTUNE_DEVICE is {wish}; unset it, or set it to mps for a Mac's GPU")
    if wish and not torch.backends.mps.is_available():
        raise AttuneError("ATTUNE_DEVICE is mps, but this machine has no MPS that PyTorch can use; unset it")
    return wish or ("cuda" if torch.cuda.is_available() else "cpu")
