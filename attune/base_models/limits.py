"""What is asked of bases that they do not have, said before one is fetched or loaded."""

from collections.abc import Iterator
from contextlib import suppress

from attune.base_models.sizes import Size, size_of
from attune.core.errors import AttuneError
from attune.parameters import Parameters
from attune.parameters.generation import SHORTEST_PROMPT
from attune.parameters.generators import GeneratorSettings, TrainedSettings


def beyond(settings: Parameters) -> Iterator[str]:
    """Generators with more layers or positions than their base has; each base too small for replies once."""
    left: dict[str, list[tuple[int, str]]] = {}
    for name, generator in settings.generators.items():
        if generator.base in settings.bases:
            with suppress(AttuneError, PermissionError):  # of a broken folder, which is said where that is checked
                size = size_of(settings.bases[generator.base].model)
                yield from _untrainable(name, generator, size)
                if size.positions is not None:
                    left.setdefault(generator.base, []).append((size.positions - _virtual(generator), name))
    for base, each in left.items():
        positions, name = min(each)
        yield from _unwritable(base, positions, name, settings)


def _virtual(generator: GeneratorSettings) -> int:
    tokens: int = generator.method_keys.get("virtual_tokens", 0)
    return tokens


def _untrainable(name: str, generator: GeneratorSettings, size: Size) -> Iterator[str]:
    """What would be refused once the base is loaded to be trained."""
    passages, frozen = 0, 0.0
    if isinstance(generator, TrainedSettings):
        passages, frozen = generator.passage_tokens, generator.frozen_layers
    if size.layers and frozen >= size.layers:
        yield (
            f"generators.{name}.frozen_layers = {frozen}, but the base {generator.base} has {size.layers} layers, and "
            "one at least must train"
        )
    if size.positions is None:
        return
    positions, needed = size.positions - _virtual(generator), generator.max_length + passages
    if needed > positions > SHORTEST_PROMPT:  # with fewer, no length would do
        yield (
            f"generators.{name}: max_length = {generator.max_length} and passage_tokens = {passages} need {needed} "
            f"positions, but the base {generator.base} has {positions} beside its virtual tokens; lower them"
        )


def _unwritable(base: str, positions: int, name: str, settings: Parameters) -> Iterator[str]:
    """What would be refused once the base is loaded to write the longest reply; of its generators `name` has least."""
    longest = settings.generation.max_new_tokens
    has = f"the base {base} of generators.{name} has {positions} positions beside its virtual tokens"
    if positions <= SHORTEST_PROMPT:
        fewer = f"lower generators.{name}.virtual_tokens, or " if _virtual(settings.generators[name]) else ""
        yield (
            f"{has}, and a prompt and a reply need {SHORTEST_PROMPT + 1} at least; {fewer}name a model with more "
            f"positions in bases.{base}.model"
        )
    elif longest + SHORTEST_PROMPT > positions:
        yield (
            f"generation.max_new_tokens = {longest}, but {has}, and a prompt needs {SHORTEST_PROMPT}; lower it to "
            f"{positions - SHORTEST_PROMPT}"
        )
