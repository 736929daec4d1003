"""What dropout is drawn from, so that what is computed twice has the same dropout both times."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

# The random states of the CPU and, where the model is on one, of the GPU.
RandomStates = tuple[Tensor, list[Tensor]]


def random_states(device: torch.device) -> RandomStates:
    """Those of a model on `device`."""
    return torch.get_rng_state(), [] if device.type == "cpu" else [torch.get_device_module(device).get_rng_state()]


def set_random_states(device: torch.device, states: RandomStates) -> None:
    """From here on, random numbers are drawn from `states`."""
    torch.set_rng_state(states[0])
    for state in states[1]:
        torch.get_device_module(device).set_rng_state(state)


@contextmanager
def restored(device: torch.device, states: RandomStates) -> Iterator[None]:
    """Inside, random numbers are drawn from `states`; afterwards, as if none had been drawn."""
    before = random_states(device)
    set_random_states(device, states)
    try:
        yield
    finally:
        set_random_states(device, before)
