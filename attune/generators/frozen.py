"""Freezing a model's lowest layers: their output is computed once per row, and training runs those above alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from attune.generators.adapters import layers

STATES_IN_MEMORY = 256 * 2**20  # bytes in all; beyond them, a row's states are computed whenever they are needed


@contextmanager
def lower_states_kept(model: Any, count: int) -> Iterator[None]:
    """Within the block, `model` takes the output of its lowest `count` layers from memory; its losses are the same.

    It must be called with `input_ids` and `attention_mask` by name. The lower layers compute each row once, by itself,
    and without dropout, gradient or padding, so that their output depends on nothing but the row. Nothing is kept where
    the upper layers need more from the lower ones than one state per token.
    """
    lower = _LowerLayers(model, count) if count and not _shares_keys(model) else None
    if lower is None or not lower.states_alone:
        yield
        return
    hooks = (
        model.register_forward_pre_hook(lower.look_up, with_kwargs=True),
        lower.layers[count].register_forward_pre_hook(lower.hand_on),
    )
    lower.skip(range(count))
    try:
        yield
    finally:
        lower.skip(range(0))
        for hook in hooks:
            hook.remove()


def _shares_keys(model: Any) -> bool:
    """Whether upper layers read lower ones' keys and values, which skipped layers would not have computed (Gemma 4)."""
    return any(getattr(each, "is_kv_shared_layer", False) for each in model.modules())


class _LowerLayers:
    """What the lowest layers make of each row that was seen, and of the batch at hand."""

    def __init__(self, model: Any, count: int) -> None:
        self.model, self.count = model, count
        self.layers = list(layers(model))
        first = torch.zeros(1, dtype=torch.long, device=next(model.parameters()).device)
        output = self._output(self.layers[0], first)
        self.pairs = isinstance(output, tuple)
        self.states_alone = (output[0] if self.pairs else output).dim() == 3  # Gemma 3n has several for each token
        self.known: dict[tuple[int, ...], torch.Tensor] = {}
        self.room = STATES_IN_MEMORY
        self.batch: torch.Tensor | None = None

    def skip(self, places: range) -> None:
        """Let the layers at `places` hand their input on, and all others compute."""
        stack = layers(self.model)
        for place, layer in enumerate(self.layers):
            stack[place] = _Skipped(self.pairs) if place in places else layer

    def look_up(self, _model: Any, _unnamed: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Put together the states [rows, length, width] of a batch, zeros where it is padded."""
        ids, mask = named["input_ids"], named["attention_mask"].bool()
        rows = torch.cat([self._states(row[kept]) for row, kept in zip(ids, mask, strict=True)])
        self.batch = rows.new_zeros(*ids.shape, rows.shape[1])
        self.batch[mask] = rows

    def hand_on(self, _layer: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The states of the batch in the place of what the skipped layers handed on."""
        return (self.batch, *inputs[1:])

    def _states(self, row: torch.Tensor) -> torch.Tensor:
        """[length, width] of a row [length]."""
        key = tuple(row.tolist())
        if key not in self.known:
            states = self._lowest(row)
            if states.nbytes > self.room:
                return states
            self.room -= states.nbytes
            self.known[key] = states
        return self.known[key]

    def _lowest(self, row: torch.Tensor) -> torch.Tensor:
        self.skip(range(self.count, len(self.layers)))
        try:
            output = self._output(self.layers[self.count - 1], row)
        finally:  # a step that runs out of memory is repeated
            self.skip(range(self.count))
        return (output[0] if self.pairs else output)[0]

    @torch.inference_mode(False)  # what is computed while scoring may be trained on later
    @torch.no_grad()
    def _output(self, layer: Any, row: torch.Tensor) -> Any:
        """What `layer` returns for a row [length], without dropout."""
        outputs: list[Any] = []
        hook = layer.register_forward_hook(lambda _layer, _inputs, output: outputs.append(output))
        body, was_training = self.model.base_model, self.model.training
        body.eval()
        try:
            body(input_ids=row[None], use_cache=False)
        finally:
            body.train(was_training)
            hook.remove()
        return outputs[0]


class _Skipped(nn.Module):
    """Stands in for a layer, and changes nothing."""

    def __init__(self, pairs: bool) -> None:
        super().__init__()
        self.pairs = pairs

    def forward(self, states: torch.Tensor, *_: Any, **__: Any) -> Any:
        return (states, None) if self.pairs else states
