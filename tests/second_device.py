"""A second device without a GPU: `pytest -p tests.second_device` runs tests with all models on it.

Its tensors lie in this machine's memory and are computed by its processor, but which device each belongs to is kept,
and an operation on tensors of both devices is refused, as are numpy's: what a GPU would refuse. Only that is tested; a
GPU's results, memory, random numbers and speed are not.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map
from transformers import TrainingArguments

from attune.core import devices

HOST, DEVICE = torch.device("cpu"), torch.device("cuda", 0)
_Tensor = torch.Tensor
# What may have arguments of both devices: properties that are set, questions about types, copies, and what takes
# lengths from the host.
_MIXED = {"__set__", "_parse_to", "_has_compatible_shallow_copy_type", "copy_", "set_", "_pack_padded_sequence", "lstm"}
_INDEXED = {"__getitem__", "__setitem__", "index_put_", "index_put"}
# Storages on the device, by address: the reference keeps an address from being used again.
_storages: dict[int, StorageWeakRef] = {}


def on_device(tensor: torch.Tensor) -> bool:
    return tensor.device.type != "meta" and tensor.untyped_storage()._cdata in _storages


def _put(tensor: torch.Tensor) -> None:
    storage = tensor.untyped_storage()
    if storage._cdata not in _storages:
        _storages[storage._cdata] = StorageWeakRef(storage)
    if len(_storages) > 10_000:
        for address in [address for address, reference in _storages.items() if reference.expired()]:
            del _storages[address]


def _named(value: object) -> torch.device | None:
    """The device that an argument names."""
    text = value.type if isinstance(value, torch.device) else value if isinstance(value, str) else ""
    kind = text.partition(":")[0]
    return {"cuda": DEVICE, "cpu": HOST}.get(kind)


class SecondDevice(TorchFunctionMode):
    """While it is entered, "cuda" names the second device, in the thread that has entered it."""

    def __torch_function__(
        self, function: Any, _types: Any, arguments: Sequence[Any] = (), named: Mapping[str, Any] | None = None
    ) -> Any:
        named = named or {}
        name = getattr(function, "__name__", "")
        tensors = [each for each in tree_leaves((arguments, named)) if isinstance(each, torch.Tensor)]
        if function == _Tensor.device.__get__:  # type: ignore[attr-defined]
            return DEVICE if on_device(arguments[0]) else function(*arguments)
        if function == _Tensor.grad.__get__:  # type: ignore[attr-defined]
            gradient = function(*arguments)
            if gradient is not None and on_device(arguments[0]):
                _put(gradient)
            return gradient
        named = {key: value for key, value in named.items() if key != "pin_memory"}
        if name in _MIXED:
            return function(*arguments, **named)
        if name in ("numpy", "__array__") and on_device(arguments[0]):
            raise TypeError(f"{name} of a tensor on {DEVICE}")
        if function in (_Tensor.to, _Tensor.cpu, _Tensor.cuda):
            return _moved(function, arguments, named)
        _check(name, arguments, tensors)
        wanted = _first(arguments, named)
        result = function(*tree_map(_without_device, arguments), **tree_map(_without_device, named))
        if wanted == DEVICE or (wanted is None and any(map(on_device, tensors))):
            for each in tree_leaves(result):
                if isinstance(each, torch.Tensor):
                    _put(each)
        return result


def _check(name: str, arguments: Sequence[Any], tensors: Iterable[torch.Tensor]) -> None:
    """Refuse what a GPU refuses: tensors of both devices, apart from single numbers, and from indices on the host."""
    places = {on_device(each) for each in tensors if each.dim()}
    indexed = name in _INDEXED and on_device(arguments[0])
    if len(places) == 2 and not indexed:
        raise RuntimeError(f"Expected all tensors to be on the same device, but {name} got some on {HOST} and {DEVICE}")


def _first(arguments: Sequence[Any], named: Mapping[str, Any]) -> torch.device | None:
    """The device that the arguments of a call name."""
    return next((found for each in tree_leaves((arguments, named)) if (found := _named(each))), None)


def _without_device(value: Any) -> Any:
    """An argument of a call that is computed on the host."""
    if _named(value) is None:
        return value
    return HOST if isinstance(value, torch.device) else HOST.type


def _moved(function: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> torch.Tensor:
    """What `to`, `cpu` and `cuda` return: the same tensor if it is there already, else a copy."""
    tensor, *rest = arguments
    like = next((each for each in (*rest, *named.values()) if isinstance(each, torch.Tensor)), None)
    dtype = next((each for each in (*rest, *named.values()) if isinstance(each, torch.dtype)), None)
    wanted = _first(rest, named)
    if like is not None:
        dtype, wanted = like.dtype, DEVICE if on_device(like) else HOST
    elif function != _Tensor.to:
        wanted = HOST if function == _Tensor.cpu else DEVICE
    there = on_device(tensor) if wanted is None else wanted == DEVICE
    result = tensor if dtype is None else tensor.to(dtype)
    if result is tensor and (there != on_device(tensor) or named.get("copy")):
        result = tensor.clone() if tensor.requires_grad else tensor.detach().clone()
    if there:
        _put(result)
    return result


def _in_threads() -> None:
    """Let every thread enter the mode, which belongs to one."""
    run = threading.Thread.run

    def entered(thread: threading.Thread) -> None:
        with SecondDevice():
            run(thread)

    threading.Thread.run = entered  # type: ignore[method-assign]


def pytest_configure() -> None:
    """Put models there, as `attune.core.devices.device` and Trainer do with a GPU."""
    devices.device = lambda: "cuda"  # type: ignore[assignment]
    TrainingArguments.device = property(lambda self: (self._setup_devices, DEVICE)[1])
    TrainingArguments.n_gpu = property(lambda _: 1)
    Accelerator.device = property(lambda _: DEVICE)
    torch.cuda.get_rng_state = lambda *_: torch.get_rng_state()
    torch.cuda.set_rng_state = lambda state, *_: torch.set_rng_state(state)
    _in_threads()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what asks CUDA itself: whether the GPU knows bf16."""
    items[:] = [item for item in items if "bf16_where_the_trainer_does" not in item.name]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Any:
    with SecondDevice():
        return (yield)
