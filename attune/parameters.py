"""params.yaml, read once and typed: a wrong key, type or combination is one clear error before anything starts."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from attune.errors import AttuneError

Count = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, le=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Name = Annotated[str, Field(min_length=1)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.]*$")]
SubsetName = Literal["large", "small"]
Domain = Literal["all", "happy", "offmychest"]
TextCorpus = Literal["empathetic_dialogues", "openassistant_guanaco", "openorca"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PecSource(Section):
    url: Name
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None


class HubCorpus(Section):
    repo: Name
    revision: Name
    cap: Count | None


class Corpora(Section):
    on_bad_row: Literal["error", "skip"]
    pec: PecSource
    empathetic_dialogues: HubCorpus
    openassistant_guanaco: HubCorpus
    openorca: HubCorpus


class Subset(Section):
    train: Count
    valid: Count
    test: Count


class Subsets(Section):
    large: Subset
    small: Subset

    @model_validator(mode="after")
    def small_fits_into_large(self) -> Self:
        for split in ("train", "valid", "test"):
            if getattr(self.small, split) > getattr(self.large, split):
                raise ValueError(
                    f"small.{split} = {getattr(self.small, split)} must be at most large.{split} = "
                    f"{getattr(self.large, split)}, for small lies inside large"
                )
        return self


class Preprocess(Section):
    drop_repeated_personas: bool
    test_share: Annotated[float, Field(gt=0, lt=1)]


class Base(Section):
    """A causal language model to start from; the keys after `model` shape and train a `small` one."""

    model: Name
    family: Literal["gpt2", "gpt_neo"] = "gpt2"
    text: Annotated[list[TextCorpus], Field(min_length=1)] = ["empathetic_dialogues"]
    layers: Count = 4
    width: Count = 256
    heads: Count = 4
    vocabulary: Annotated[int, Field(ge=300)] = 4096
    positions: Annotated[int, Field(ge=32)] = 256
    steps: Count = 400
    batch_tokens: Count = 1024
    lr: Rate = 1e-3

    @model_validator(mode="after")
    def heads_divide_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width = {self.width} must be a multiple of heads = {self.heads}")
        return self

    @model_validator(mode="after")
    def batches_are_whole_blocks(self) -> Self:
        if self.batch_tokens % self.positions:
            raise ValueError(f"batch_tokens = {self.batch_tokens} must be a multiple of positions = {self.positions}")
        return self


class Index(Section):
    embedder: Name
    batch_size: Count
    exact_up_to: NotNegative
    hnsw_links: Annotated[int, Field(ge=2)]
    hnsw_construction: Count
    hnsw_search: Count


class Cobert(Section):
    recipes: Annotated[list[Key], Field(min_length=1)]
    subsets: Annotated[list[SubsetName], Field(min_length=1)]
    domains: Annotated[list[Domain], Field(min_length=1)]
    candidates: Annotated[int, Field(ge=2)]
    drawn_from: Literal["test_split", "in_batch"]


class Compare(Section):
    """Further ways to match, trained on the first of cobert.subsets for every domain."""

    recipes: list[Key]


class Personas(Section):
    """The persona ablation: `recipe` trained and tested with each number of persona sentences."""

    counts: list[NotNegative]
    recipe: Key
    domain: Domain
    subset: SubsetName


class Transfer(Section):
    """`recipe`, one of cobert.recipes, tested on every domain of cobert.domains."""

    recipe: Key


class Retrieval(Section):
    """`recipe`, one of cobert.recipes, orders the `shortlist` replies that the sentence index proposes."""

    recipe: Key
    shortlist: Count


class Recipe(Section):
    """How one CoBERT is trained; null `lr` and `max_length` stand for the top-level values."""

    lr: Rate | None
    max_length: Annotated[int, Field(ge=16)] | None
    early_stopping: Count | None
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    accumulation: Count
    num_personas: NotNegative
    score_scale: Annotated[float, Field(gt=0)]
    frozen_layers: NotNegative
    matching: Literal["co_attention", "bi_encoder", "poly_encoder", "cosines", "joint"] = "co_attention"
    matcher_lr: Rate | None = None
    extra_negatives: NotNegative = 0
    every_turn: bool = False
    micro_batch: Count | None = None
    dropout: Share | None = None
    bf16: bool = False


class Generator(Section):
    base: Key
    corpus: TextCorpus
    method: Literal["full", "prompt_tuning", "lora"]
    lr: Rate
    steps: Count
    batch_size: Count
    accumulation: Count = 1
    warmup: Share = 0.0
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    max_length: Annotated[int, Field(ge=16)]
    virtual_tokens: Count | None = None
    lora_rank: Count | None = None
    lora_alpha: Count | None = None
    lora_dropout: Share | None = None

    @model_validator(mode="after")
    def method_has_its_keys(self) -> Self:
        needs = {
            "full": set(),
            "prompt_tuning": {"virtual_tokens"},
            "lora": {"lora_rank", "lora_alpha", "lora_dropout"},
        }
        for key in ("virtual_tokens", "lora_rank", "lora_alpha", "lora_dropout"):
            if (getattr(self, key) is not None) != (key in needs[self.method]):
                verb = "needs" if key in needs[self.method] else "has no"
                raise ValueError(f"method {self.method} {verb} {key}")
        return self


class Generation(Section):
    perplexity_examples: Count
    reply_examples: Count
    max_new_tokens: Count
    decoding: Literal["greedy", "sampling"]
    temperature: Annotated[float, Field(gt=0)]
    top_k: NotNegative
    top_p: Annotated[float, Field(gt=0, le=1)]
    batch_size: Count


class Parameters(Section):
    source: Name
    seed: NotNegative
    threads: Count
    lr: Rate
    max_length: Annotated[int, Field(ge=16)]
    encoder: Name
    corpora: Corpora
    subsets: Subsets
    preprocess: Preprocess
    bases: dict[Key, Base]
    index: Index
    cobert: Cobert
    recipes: dict[Key, Recipe]
    compare: Compare
    personas: Personas
    transfer: Transfer
    retrieval: Retrieval
    generators: dict[Key, Generator]
    generation: Generation

    @model_validator(mode="after")
    def names_exist(self) -> Self:
        for name, generator in self.generators.items():
            if generator.base not in self.bases:
                raise ValueError(
                    f"generators.{name}.base = {generator.base!r} is no entry of bases: {', '.join(self.bases)}"
                )
        for key, name in (
            *(("cobert.recipes", name) for name in self.cobert.recipes),
            *(("compare.recipes", name) for name in self.compare.recipes),
            ("personas.recipe", self.personas.recipe),
        ):
            if name not in self.recipes:
                raise ValueError(f"{key} names {name!r}, which is no entry of recipes: {', '.join(self.recipes)}")
        return self

    @model_validator(mode="after")
    def what_is_used_is_trained(self) -> Self:
        for key, name in (("retrieval.recipe", self.retrieval.recipe), ("transfer.recipe", self.transfer.recipe)):
            if name not in self.cobert.recipes:
                raise ValueError(f"{key} = {name!r} is not trained; cobert.recipes: {', '.join(self.cobert.recipes)}")
        for name in self.compare.recipes:
            if name in self.cobert.recipes:
                raise ValueError(f"compare.recipes names {name!r}, which cobert.recipes trains already; name it once")
        return self


def load(path: Path = Path("params.yaml")) -> Parameters:
    """Read with ruamel, for PyYAML takes the `5e-05` that `dvc exp run -S lr=5e-5` writes for a string."""
    try:
        raw = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AttuneError(f"{path} is missing; start in the project's folder") from None
    except YAMLError as error:
        raise AttuneError(f"{path} is not YAML: {error}") from None
    if not isinstance(raw, dict):
        raise AttuneError(f"{path} must hold a mapping of parameters")
    return parse(raw, path)


def parse(raw: dict[str, Any], path: Path) -> Parameters:
    try:
        return Parameters.model_validate(raw)
    except ValidationError as error:
        lines = "\n".join(f"{path}: {_sentence(detail)}" for detail in error.errors())
        raise AttuneError(lines) from None


def _sentence(detail: Any) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            section = ".".join(str(part) for part in detail["loc"][:-1]) or "the top level"
            return f"unknown key {key} = {detail['input']!r}; {section} may hold {_known(detail['loc'][:-1])}"
        case "missing":
            return f"the key {key} is missing"
        case "value_error":
            return f"{key}: {detail['ctx']['error']}" if key else str(detail["ctx"]["error"])
    return f"{key} = {detail['input']!r}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _known(location: tuple[str | int, ...]) -> str:
    """The keys that the section at `location` may hold."""
    section: Any = Parameters
    for part in location:
        if section in (Parameters,) or (isinstance(section, type) and issubclass(section, Section)):
            section = section.model_fields[str(part)].annotation
        else:  # a mapping by name: its values' type
            section = section.__args__[1]
    return ", ".join(section.model_fields)
