"""The methods that turn a base into a generator: one record each.

No other code knows a method by name, but for `attune.generators.adapters`, which makes a base trainable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field


@dataclass(frozen=True)
class Method:
    """How a base becomes a generator.

    Attributes
    ----------
    name, title, paper: its name in params.yaml; its name in text; its source.
    keys: the keys of params.yaml that only this method has, all required, and their types.
    trains: it changes or adds weights; otherwise the base is used as it is.
    trains_base: the weights of the base itself change, so that a generator is a model and not an adapter.
    freezes_layers: it can leave the base's lowest layers alone, by the key `frozen_layers`.
    """

    name: str
    title: str
    paper: str = ""
    keys: Mapping[str, Any] = field(default_factory=dict)
    trains: bool = False
    trains_base: bool = False
    freezes_layers: bool = False


_Count = Annotated[int, Field(ge=1, le=2**16)]
_Share = Annotated[float, Field(ge=0, lt=1)]
METHODS = {
    method.name: method
    for method in (
        Method("prompt", "zero-shot instruction", keys={"instruction": Annotated[str, Field(min_length=1)]}),
        Method("full", "full fine-tuning", trains=True, trains_base=True, freezes_layers=True),
        Method("prompt_tuning", "prompt tuning", "Lester et al. 2021", keys={"virtual_tokens": _Count}, trains=True),
        Method(
            "lora",
            "LoRA",
            "Hu et al. 2021",
            keys={"lora_rank": _Count, "lora_alpha": _Count, "lora_dropout": _Share},
            trains=True,
            freezes_layers=True,
        ),
    )
}
