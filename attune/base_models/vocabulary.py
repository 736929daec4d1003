"""A model's tokenizer beside the embeddings that its ids choose from."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple

from attune.base_models.headers import check_content, read_object
from attune.core.errors import AttuneError
from attune.core.tokens import stays_text

# How the families call their table of token embeddings.
_TABLES = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "shared.weight", "embed_in.weight")
_FILES: Sequence[tuple[str, ...]] = (("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"))
# The special tokens that are put around texts, and the one that fills rows up, which generators do without.
_AROUND, _FILLING = ("bos_token", "eos_token", "cls_token", "sep_token"), "pad_token"


# Kinds of tokenizers that have no special token unless their files name it; others have some by default.
_PLAIN = ("PreTrainedTokenizerFast", "TokenizersBackend")


class _Added(NamedTuple):
    id: int
    content: str
    special: bool


class _Vocabulary(NamedTuple):
    """The highest id of the vocabulary, its words, the tokens added to it, and what stands for unknown text."""

    largest: int
    words: AbstractSet[str]
    added: Sequence[_Added] = ()
    unknown: str | None = None


def check_vocabulary(folder: Path, config: Mapping[str, Any], shapes: Mapping[str, Sequence[int]], fills: bool) -> None:
    """Check that the folder has a tokenizer, that it can be read, and that each id it gives has an embedding.

    Some tokenizers have special tokens for what the model does not read, such as images: these need no embedding, since
    nobody's text is read as one. config: of config.json. shapes: of the weights. fills: rows are filled up with the
    padding token.

    Raises
    ------
    AttuneError
        naming what is missing, broken or too large.
    """
    names = next((each for each in _FILES if all((folder / name).is_file() for name in each)), None)
    if names is None:
        raise AttuneError(
            f"{folder} has no tokenizer; it needs tokenizer.json, vocab.txt, or vocab.json with merges.txt"
        )
    for name in names:
        check_content(folder / name)
    largest, missing = _largest_id(folder, folder / names[0], fills)
    rows = number_of_embeddings(folder, config, shapes)
    if rows is not None:
        _check_ids(folder / names[0], largest, missing, rows)


def number_of_embeddings(folder: Path, config: Mapping[str, Any], shapes: Mapping[str, Sequence[int]]) -> int | None:
    """For how many ids the model in `folder` has embeddings; None where neither its weights nor config.json tell.

    Raises
    ------
    AttuneError
        if they tell different numbers.
    """
    said = config.get("vocab_size")
    held = [shape[0] for name, shape in shapes.items() if name.endswith(_TABLES) and len(shape) == 2]
    if held and isinstance(said, int) and held[0] != said:
        raise AttuneError(
            f"{folder}: config.json says vocab_size {said}, the weights hold {held[0]} embeddings; one is of another "
            "model"
        )
    rows = held[0] if held else said
    return rows if isinstance(rows, int) else None


def _check_ids(path: Path, largest: int, missing: Mapping[str, int], rows: int) -> None:
    """Check what `_largest_id` says of the vocabulary in `path` by the number of embeddings."""
    if largest >= rows:
        raise AttuneError(
            f"{path} has ids up to {largest}, but the model has embeddings for {rows} tokens; it is another model's "
            "tokenizer, or the embeddings were not resized"
        )
    if max(missing.values(), default=-1) >= rows:
        raise AttuneError(
            f"{path} lacks {', '.join(map(repr, missing))}, which tokenizer_config.json or special_tokens_map.json "
            f"names, so that ids go up to {max(missing.values())}, but the model has embeddings for {rows} tokens: "
            "they were not resized; name tokens of the vocabulary, or resize them"
        )


def check_end(folder: Path) -> None:
    """Refuse a tokenizer without an end-of-text token, as far as its files tell."""
    config = _settings(folder, "tokenizer_config.json")
    named = _settings(folder, "special_tokens_map.json").get("eos_token") or config.get("eos_token")
    if not named and ("eos_token" in config or config.get("tokenizer_class") in _PLAIN):
        raise AttuneError(
            f"{folder / 'tokenizer_config.json'} names no end-of-text token, without which no reply ends; set eos_token"
        )


def _largest_id(folder: Path, path: Path, fills: bool) -> tuple[int, dict[str, int]]:
    """The highest id that the model may be given, by the vocabulary in `path` and the files beside it.

    With it the special tokens that are named but in neither, and the ids after all others, which the tokenizer gives
    them once it is loaded.
    """
    vocabulary = _vocabulary(path)
    config = _settings(folder, "tokenizer_config.json")
    template = _template(folder, config)
    added = [*vocabulary.added, *_described(config)]
    known = {each.content for each in added}
    listed = _settings(folder, "added_tokens.json").items()
    added += [_Added(at, name, False) for name, at in listed if name not in known and isinstance(at, int)]
    roles = _special(_settings(folder, "special_tokens_map.json")) + _special(config)
    around = {name for role, name in roles if role in _AROUND or (fills and role == _FILLING)}
    given = {vocabulary.unknown, *around, *(name for role, name in roles if role in template)}
    unread = {each.content for each in added if each.special and stays_text(each.content)} - given
    needed = [each.id for each in added if each.content not in unread or each.content in template]
    missing = sorted(around - {each.content for each in added} - vocabulary.words)
    free = 1 + max([vocabulary.largest, *(each.id for each in added)])
    return max([vocabulary.largest, *needed]), {name: free + at for at, name in enumerate(missing)}


def _special(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The roles and names of the special tokens in a file of settings."""
    named = [
        (role, value.get("content") if isinstance(value, dict) else value)
        for role, value in settings.items()
        if role.endswith("_token")
    ]
    return [(role, name) for role, name in named if name and isinstance(name, str)]


def _vocabulary(path: Path) -> _Vocabulary:
    if path.name == "vocab.txt":
        try:
            with path.open(encoding="utf-8") as file:  # tokenizers break lines as this does; splitlines breaks more
                lines = [line.rstrip("\n") for line in file]
                return _Vocabulary(len(lines) - 1, {*lines})
        except UnicodeDecodeError:
            raise AttuneError(f"{path} is not UTF-8; fetch it again") from None
    if path.name == "vocab.json":
        words, added, unknown, around = read_object(path), [], None, []
    else:
        tokenizer = _tokenizer(path)
        words, unknown = tokenizer.get_vocab(with_added_tokens=False), getattr(tokenizer.model, "unk_token", None)
        around = tokenizer.encode("").ids
        added = [_Added(at, each.content, each.special) for at, each in tokenizer.get_added_tokens_decoder().items()]
    if not (words or added) or not all(isinstance(each, int) for each in words.values()):
        raise AttuneError(f"{path} holds no vocabulary; fetch it again")
    named = {each.id for each in added} - {*around}
    largest = max((at for at in (*words.values(), *around) if at not in named), default=-1)
    return _Vocabulary(largest, words.keys(), added, unknown)


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more precise
        read_object(path)  # says more about what is not JSON
        reason = str(error).splitlines()[0]
        raise AttuneError(f"{path} is no tokenizer that can be read ({reason}); fetch it again") from None


def _settings(folder: Path, name: str) -> dict[str, Any]:
    return read_object(folder / name) if (folder / name).is_file() else {}


def _described(config: Mapping[str, Any]) -> list[_Added]:
    """The added tokens that tokenizer_config.json describes."""
    listed = config.get("added_tokens_decoder") or {}
    return [
        _Added(int(at), str(each.get("content")), bool(each.get("special")))
        for at, each in listed.items()
        if at.isdigit() and isinstance(each, dict)
    ]


def _template(folder: Path, config: Mapping[str, Any]) -> str:
    """The chat templates, one after the other."""
    files = [*folder.glob("chat_template.jinja"), *folder.glob("additional_chat_templates/*.jinja")]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    return "\n".join([str(config.get("chat_template") or ""), *texts])
