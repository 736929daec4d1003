"""The sections of params.yaml about generators, what they are given to read, and how they write."""

from string import Formatter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from attune.parameters.types import Count, Key, Name, NotNegative, Rate, ReplyCorpus, Section, Share, TextCorpus


class Prompted(Section):
    """A base that replies untrained, after an instruction."""

    method: Literal["prompt"]
    base: Key
    corpus: TextCorpus
    instruction: Name
    max_length: Annotated[int, Field(ge=16)]

    @property
    def passage_tokens(self) -> int:
        return 0

    @property
    def load_in_4bit(self) -> bool:
        return False


class Trained(Section):
    """A base that learns its corpus' replies."""

    method: Literal["full", "prompt_tuning", "lora"]
    base: Key
    corpus: ReplyCorpus
    lr: Rate
    steps: Count
    batch_size: Count
    accumulation: Count = 1
    warmup: Share = 0.0
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    log_steps: Count | None = None
    save_steps: Count | None = None
    max_length: Annotated[int, Field(ge=16)]
    passage_tokens: NotNegative = 0
    virtual_tokens: Count | None = None
    lora_rank: Count | None = None
    lora_alpha: Count | None = None
    lora_dropout: Share | None = None
    gradient_checkpointing: bool = False
    bf16: bool = False
    load_in_4bit: bool = False

    @property
    def instruction(self) -> str:
        """None: it has learned what to do."""
        return ""

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

    @model_validator(mode="after")
    def passages_have_room(self) -> Self:
        if self.corpus.endswith("_rag") != (self.passage_tokens > 0):
            raise ValueError(
                f"passage_tokens = {self.passage_tokens} with the corpus {self.corpus}; it must be above 0 where the "
                "corpus has passages, empathetic_dialogues_rag, and 0 elsewhere"
            )
        return self

    @model_validator(mode="after")
    def four_bits_are_frozen(self) -> Self:
        if self.load_in_4bit and self.method == "full":
            raise ValueError("weights of 4 bits cannot be trained; load_in_4bit goes with lora and prompt_tuning")
        return self

    @model_validator(mode="after")
    def checkpoints_fall_on_logs(self) -> Self:
        """A checkpoint between two logs would lose the losses since the first of them."""
        if self.save_steps and (not self.log_steps or self.save_steps % self.log_steps):
            raise ValueError(f"save_steps = {self.save_steps} must be a multiple of log_steps = {self.log_steps}")
        return self


Generator = Annotated[Prompted | Trained, Field(discriminator="method")]


class Rag(Section):
    """Passages: exchanges of other train conversations that are like the one to be answered."""

    k: Count
    budget: Count
    template: Name
    shortlist: Count
    recipe: Key
    persona: list[Name]

    @model_validator(mode="after")
    def template_has_known_fields(self) -> Self:
        fields = {field for _, field, _, _ in Formatter().parse(self.template) if field is not None}
        if not fields <= {"situation", "input", "reply"} or "reply" not in fields:
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


class Decoding(Section):
    """How the next token is chosen (`temperature`, `top_k`, `top_p`: sampling; `beams`, `early_stopping`: beam)."""

    method: Literal["greedy", "sampling", "beam"]
    temperature: Annotated[float, Field(gt=0)] = 1.0
    top_k: NotNegative = 0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    repetition_penalty: Annotated[float, Field(gt=0)] = 1.0
    no_repeat_ngram: NotNegative = 0
    beams: Count = 1
    early_stopping: bool = False

    @model_validator(mode="after")
    def method_has_its_keys(self) -> Self:
        sampling = {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
        beam = {"beams": 1, "early_stopping": False}
        foreign = (sampling if self.method != "sampling" else {}) | (beam if self.method != "beam" else {})
        for key, neutral in foreign.items():
            if getattr(self, key) != neutral:
                raise ValueError(f"method {self.method} has no {key}")
        if self.method == "beam" and self.beams < 2:
            raise ValueError("method beam needs beams of 2 or more")
        return self


class Point(Section):
    """One setting of the sweep."""

    temperature: Annotated[float, Field(gt=0)]
    top_k: NotNegative
    top_p: Annotated[float, Field(gt=0, le=1)]


class Sweep(Section):
    generators: Annotated[list[Key], Field(min_length=1)]
    points: Annotated[list[Point], Field(min_length=1)]
    examples: Count


class Questions(Section):
    """Questions by type, which `generators` answer."""

    generators: Annotated[list[Key], Field(min_length=1)]
    asked: Annotated[dict[Key, Name], Field(min_length=1)]


class Generation(Section):
    perplexity_examples: Count
    reply_examples: Count
    max_new_tokens: Count
    batch_size: Count
    decoding: dict[Key, Decoding]
    sweep: Sweep
    questions: Questions

    def decoding_of(self, generator: str) -> Decoding:
        return self.decoding.get(generator, self.decoding["default"])

    @model_validator(mode="after")
    def replies_are_among_the_scored(self) -> Self:
        if self.reply_examples > self.perplexity_examples:
            raise ValueError(
                f"reply_examples = {self.reply_examples} must be at most perplexity_examples = "
                f"{self.perplexity_examples}, whose first they are"
            )
        return self

    @model_validator(mode="after")
    def there_is_a_default(self) -> Self:
        if "default" not in self.decoding:
            raise ValueError("decoding needs the entry `default`, for generators that have none of their own")
        return self
