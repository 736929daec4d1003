"""The sections of params.yaml about generators: their training, and their passages."""

import math
import re
from collections.abc import Mapping
from string import Formatter
from typing import Annotated, Any, Literal, Self

from pydantic import GetCoreSchemaHandler, create_model, model_validator
from pydantic_core.core_schema import CoreSchema, tagged_union_schema

from attune.core.errors import AttuneError
from attune.parameters.methods import METHODS, Method
from attune.parameters.types import Count, Key, Layers, Length, Name, NotNegative, Rate, Section, Share


class GeneratorSettings(Section):
    """An entry of `generators`; the keys of its method come in addition (`attune.parameters.methods`)."""

    method: str
    base: Key
    corpus: Key
    rows: Name
    instruction: str = ""
    max_length: Length
    passage_tokens: NotNegative = 0
    persona_tokens: NotNegative = 0
    load_in_4bit: bool = False

    @property
    def trains(self) -> bool:
        """Whether its method does; then it is a TrainedSettings."""
        return METHODS[self.method].trains

    @property
    def method_keys(self) -> dict[str, Any]:
        """The values of the method's own keys."""
        return {key: getattr(self, key) for key in METHODS[self.method].keys}

    @property
    def passages_of_a_row(self) -> int | None:
        """How many of a train row's passages its prompt takes, as in `prompts.example`: None, which is all, or 0."""
        return None if self.passage_tokens else 0

    @model_validator(mode="after")
    def rows_are_a_folder(self) -> Self:
        if not re.fullmatch(r"(processed|passages)(/\w+)+", self.rows):
            raise ValueError(
                f"rows = {self.rows!r} is no folder of rows below data/; name one such as processed/{self.corpus}"
            )
        return self

    @model_validator(mode="after")
    def four_bits_are_frozen(self) -> Self:
        if self.load_in_4bit and METHODS[self.method].trains_base:
            frozen = ", ".join(name for name, each in METHODS.items() if not each.trains_base)
            raise ValueError(f"weights of 4 bits cannot be trained; load_in_4bit needs a frozen base, as in {frozen}")
        return self


class TrainedSettings(GeneratorSettings):
    """An entry whose method trains."""

    lr: Rate
    steps: Count
    batch_size: Count
    accumulation: Count = 1
    warmup: Share = 0.0
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    log_steps: Count | None = None
    save_steps: Count | None = None
    early_stopping: Count | None = None
    frozen_layers: Layers = 0
    gradient_checkpointing: bool = False
    bf16: bool = False

    @model_validator(mode="after")
    def frozen_layers_stay_below(self) -> Self:
        if self.frozen_layers and not METHODS[self.method].freezes_layers:
            able = ", ".join(name for name, each in METHODS.items() if each.freezes_layers)
            raise ValueError(
                f"frozen_layers = {self.frozen_layers}, but {self.method} trains what the lowest layer reads; it must "
                f"be 0, or the method one of {able}"
            )
        return self

    @property
    def steps_between_logs(self) -> int:
        """`log_steps`, or as many updates as give at most 20 logs."""
        return self.log_steps or math.ceil(self.steps / 20)

    @model_validator(mode="after")
    def checkpoints_fall_on_logs(self) -> Self:
        """A checkpoint between two logs would lose the losses since the first of them."""
        between = self.steps_between_logs
        if self.save_steps and self.save_steps % between:
            null = "" if self.log_steps else f", which null stands for at steps = {self.steps}"
            raise ValueError(f"save_steps = {self.save_steps} must be a multiple of log_steps = {between}{null}")
        return self

    @model_validator(mode="after")
    def warmup_ends_before_training(self) -> Self:
        """The first update of a warm-up has the rate 0."""
        warming = math.ceil(self.steps * self.warmup)  # as transformers counts them
        if self.steps <= warming:
            raise ValueError(
                f"warmup = {self.warmup} of steps = {self.steps} is {warming} update(s), and none would follow at the "
                "full rate; raise steps, or lower warmup (0: no warm-up)"
            )
        return self


def _section(method: Method) -> type[GeneratorSettings]:
    parent = TrainedSettings if method.trains else GeneratorSettings
    kinds = {"method": Literal[method.name], **method.keys}
    fields: dict[str, Any] = {key: (kind, ...) for key, kind in kinds.items()}
    return create_model(method.name, __base__=parent, **fields)


# The section of params.yaml that a generator's entry is checked against, by its method.
SECTIONS = {name: _section(method) for name, method in METHODS.items()}


class _ByMethod:
    """Lets pydantic choose the section by `method`."""

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {name: handler.generate_schema(section) for name, section in SECTIONS.items()}
        return tagged_union_schema(choices, discriminator="method")


AnyGenerator = Annotated[GeneratorSettings, _ByMethod()]


def generator_named(generators: Mapping[str, GeneratorSettings], name: str) -> GeneratorSettings:
    """The entry `name` of `generators`.

    Raises
    ------
    AttuneError
        for an unknown name, with the known ones.
    """
    if name not in generators:
        raise AttuneError(f"{name!r} is no generator; params.yaml has {', '.join(generators)}")
    return generators[name]


def first_untrained(generators: Mapping[str, GeneratorSettings]) -> str | None:
    """The first generator that is not trained, against which the others are compared; None where each is."""
    return next((name for name, entry in generators.items() if not entry.trains), None)


class Rag(Section):
    """Retrieval-augmented generation: passages are exchanges of other train conversations, similar to the prompt's."""

    k: Count
    budget: Count
    template: Name
    shortlist: Count
    recipe: Key
    persona: list[Name]

    @model_validator(mode="after")
    def template_has_known_fields(self) -> Self:
        known = {"situation", "input", "reply"}
        try:
            fields = {field for _, field, _, _ in Formatter().parse(self.template) if field is not None}
            if fields <= known:
                self.template.format(**{name: name for name in known})
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(
                f"template = {self.template!r} cannot be filled in ({error}); its fields are texts, written as "
                "{reply}, {situation} and {input}, and {{ stands for a brace"
            ) from None
        if not fields <= known or "reply" not in fields:
            raise ValueError(
                f"template has the fields {sorted(fields)}; it must have {{reply}}, and may have {{situation}} and "
                "{input}"
            )
        return self

    @model_validator(mode="after")
    def shortlist_holds_k(self) -> Self:
        if self.shortlist < self.k:
            raise ValueError(f"shortlist = {self.shortlist} must be at least k = {self.k}")
        return self
