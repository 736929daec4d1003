"""A CoBERT recipe with nothing left open: what the top level says where the recipe says null."""

from typing import Any

from attune.parameters import Parameters


def resolved(parameters: Parameters, name: str) -> dict[str, Any]:
    recipe = parameters.recipes[name]
    return recipe.model_dump() | {
        "lr": parameters.lr if recipe.lr is None else recipe.lr,
        "max_length": parameters.max_length if recipe.max_length is None else recipe.max_length,
        "seed": parameters.seed,
        "threads": parameters.threads,
    }
