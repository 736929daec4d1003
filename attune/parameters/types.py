"""The types of values in params.yaml."""

from importlib.util import find_spec
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, model_validator

# The highest whole number that all libraries below take, as one of 32 bits.
MOST = 2**31 - 1
Count = Annotated[int, Field(ge=1, le=MOST)]
NotNegative = Annotated[int, Field(ge=0, le=MOST)]
Length = Annotated[int, Field(ge=16, le=2**20)]
# Threads or processes.
Workers = Annotated[int, Field(ge=1, le=1024)]
Positive = Annotated[float, Field(gt=0, le=1e6)]
Rate = Annotated[float, Field(gt=0, le=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Name = Annotated[str, Field(min_length=1)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$")]
SubsetName = Literal["large", "small"]
# PEC's, and all of them together; one's own data may have others.
PUBLISHED_DOMAINS = ("all", "happy", "offmychest")


def _distinct(values: list[Any]) -> list[Any]:
    for at, value in enumerate(values):
        if value in values[:at]:
            raise ValueError(f"{value} is in the list twice; name it once")
    return values


# For a list whose entries are each trained, tested or drawn: twice the same would count twice.
Distinct = AfterValidator(_distinct)


def _layers(value: Any) -> int | float:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
    if not whole and not (isinstance(value, float) and 0 < value < 1):
        raise ValueError(f"{value!r} is neither a whole number of layers nor a share of them, above 0 and below 1")
    return value


# A union would be refused once for each of its types, with the types in the place of keys.
Layers = Annotated[int | float, PlainValidator(_layers)]


def _installed(tracker: str) -> str:
    if find_spec(tracker) is None:
        raise ValueError(f"the package {tracker} is not installed; run `pip install -e '.[{tracker}]'`")
    return tracker


# What shows a training's curve while it runs, by the name of its package and of its extra in pyproject.toml.
Tracker = Annotated[Literal["tensorboard", "dvclive", "trackio", "wandb"], AfterValidator(_installed)]


class Section(BaseModel):
    """A mapping in params.yaml: unknown keys and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Launcher(Section):
    """In how many processes each training runs, and whether each holds a part of a generator's weights only."""

    processes: Workers
    fsdp: bool

    @model_validator(mode="after")
    def parts_need_processes(self) -> Self:
        if self.fsdp and self.processes == 1:
            raise ValueError("fsdp divides the weights among processes; it needs processes of 2 or more")
        return self
