"""One's own choice of a dataset of the hub: which of its files belong to a config and split, and those files.

No code of a dataset is run. As the hub has it (https://huggingface.co/docs/hub/datasets-data-files-configuration), the
dataset's card says which files these are, or else their folders and names do.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fsspec.utils import glob_translate

from attune.core.errors import AttuneError
from attune.core.waits import bound_waits
from attune.parameters.data import OwnDataset
from attune.sources import hub
from attune.sources.own_files import SUFFIXES
from attune.sources.own_listing import listed, told

CARD = "README.md"
# The words by which files that no card assigns are known to be of a split.
_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
# The hub's client calls a split's parts data/SPLIT-00000-of-00002.parquet.
_PART = re.compile(r"(?:^|/)data/([^/]+?)-\d{5}-of-\d{5}\b")
_FORMATS = (".parquet", ".json", ".csv")  # .jsonl is read as .json is
# What describes a dataset, beside its rows.
_DESCRIBING = ("config.json", "dataset_dict.json", "dataset_info.json", "dataset_infos.json")
# The hub's own conversion of a dataset, whose files are CONFIG/SPLIT/NUMBER.parquet.
_PARQUET = "refs/convert/parquet"
_SPLITS = {word: split for split, words in _WORDS.items() for word in words}


def download(key: str, entry: OwnDataset) -> tuple[list[Path], str, str]:
    """The files of the split in the hub client's cache, the dataset's public address and the commit.

    key: the entry's in params.yaml.

    Raises
    ------
    AttuneError
        for a dataset, configuration, split or revision that there is not, for files of another kind, and for what
        cannot be fetched.
    """
    bound_waits()
    url = hub.dataset_address(entry.datasets)
    commit, names = listed(entry)

    def fetched(name: str) -> Path:
        return hub.cached_file(key, url, entry.datasets, name, commit, named_by="datasets")[0]

    configs = _configs(fetched(CARD)) if CARD in names else {}
    chosen = split_files(entry, sorted(names), configs)
    if others := [name for name in chosen if Path(name).suffix not in SUFFIXES]:
        raise AttuneError(f"{told(entry)}: {others[0]} is none of {', '.join(SUFFIXES)}; {_CONVERTED}")
    return [fetched(name) for name in chosen], f"https://huggingface.co/datasets/{entry.datasets}", commit


def _configs(card: Path) -> dict[str, dict[str, Any]]:
    """What a card says about configurations, by their names; nothing where it is broken."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    matter = re.match(r"---\s*\n(.*?\n)---\s*(\n|$)", card.read_text(encoding="utf-8", errors="replace"), re.DOTALL)
    try:
        values = YAML(typ="safe", pure=True).load(matter[1]) if matter else {}
    except (YAMLError, ValueError, LookupError, RecursionError):  # all but the first of a value, as a 30th of February
        return {}
    listed = values.get("configs") if isinstance(values, dict) else None
    configs = listed if isinstance(listed, list) else []
    found = [each for each in configs if isinstance(each, dict) and {"data_files", "data_dir"} & each.keys()]
    return {str(each.get("config_name", "default")): each for each in found}


def split_files(entry: OwnDataset, names: Sequence[str], configs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Those of `names` that belong to the entry's config and split.

    Raises
    ------
    AttuneError
        for a config or split that there is not, or that must be chosen, with those that there are.
    """
    if configs:
        splits = _by_card(names, _chosen(entry, configs))
    else:
        found = _folder(entry, [name for name in names if _holds_rows(name)])
        splits = _by_folder(found) if entry.revision == _PARQUET else _by_name(found)
    if not splits:
        raise AttuneError(f"{told(entry)} has no file of {', '.join(SUFFIXES)}; {_CONVERTED}")
    if entry.split not in splits:
        raise AttuneError(f"{told(entry)} has no split {entry.split!r}; it has {', '.join(splits)}")
    return splits[entry.split]


def _chosen(entry: OwnDataset, configs: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    defaults = [name for name, each in configs.items() if each.get("default") is True]
    name = entry.config or next(iter([*defaults, *(configs if len(configs) == 1 else ["default"])]))
    if name not in configs:
        raise AttuneError(f"{told(entry)} has the configs {', '.join(configs)}; name one of them as `config`")
    return configs[name]


def _by_card(names: Sequence[str], config: Mapping[str, Any]) -> dict[str, list[str]]:
    inside = str(config.get("data_dir") or ".").strip("/") + "/"
    below = [name for name in names if inside == "./" or name.startswith(inside)]
    files = config.get("data_files")
    if files is None:
        return _by_name([name for name in below if _holds_rows(name)])
    splits: dict[str, list[str]] = {}
    for part in files if isinstance(files, list) else [files]:
        split, paths = (part.get("split", "train"), part.get("path", ())) if isinstance(part, dict) else ("train", part)
        for path in paths if isinstance(paths, (list, tuple)) else [paths]:
            pattern = f"{inside}{path}".removeprefix("./")
            splits.setdefault(str(split), []).extend(
                name for name in below if re.fullmatch(glob_translate(pattern), name)
            )
    return {split: found for split, found in splits.items() if found}


def _holds_rows(name: str) -> bool:
    """Whether a file of this name may be data, by its suffix, and is none of those that describe a dataset."""
    return Path(name).suffix in SUFFIXES and Path(name).name not in _DESCRIBING


def _folder(entry: OwnDataset, names: Sequence[str]) -> list[str]:
    """The files of a config that no card describes: a folder of its name, or for `default` what is in none."""
    folders = {name.partition("/")[0] for name in names if "/" in name} - {"data"}
    folders = {folder for folder in folders if not _split_of(folder)}
    if entry.config is None and len(folders) < 2:
        return list(names)
    chosen = entry.config or "default"
    if chosen in folders:
        return [name for name in names if name.startswith(f"{chosen}/")]
    outside = [name for name in names if name.partition("/")[0] not in folders]
    if chosen == "default" and outside:
        return outside
    raise AttuneError(f"{told(entry)} has the configs {', '.join(sorted(folders)) or 'none'}; choose by `config`")


def _by_folder(names: Sequence[str]) -> dict[str, list[str]]:
    """By the folder that a file is in; the hub marks one that does not hold the whole split."""
    splits: dict[str, list[str]] = {}
    for name in names:
        splits.setdefault(Path(name).parent.name.removeprefix("partial-"), []).append(name)
    return splits


def _by_name(names: Sequence[str]) -> dict[str, list[str]]:
    """By the names that the hub's client gives to a split's parts, else by the first word in a path that names a split.

    Where no path names any, all files are to train on. Of a split in several formats one is read, since its files have
    the same rows in each: that of most files of the dataset.
    """
    parts = {name: part[1] for name in names if (part := _PART.search(name))}
    found = parts or {name: split for name in names if (split := _split_of(name))}
    found = found or dict.fromkeys(names, "train")
    kept = {*_of_one_format([*found])}
    there = {found[name] for name in kept}
    splits: dict[str, list[str]] = {}
    for name, split in found.items():
        if name in kept or split not in there:
            splits.setdefault(split, []).append(name)
    return splits


def _of_one_format(names: Sequence[str]) -> list[str]:
    """The files of the format that most have; of as many, parquet goes first, as on the hub."""
    formats = [_format(name) for name in names]
    kept = max(_FORMATS, key=formats.count)
    return [name for name, format_ in zip(names, formats, strict=True) if format_ == kept]


def _format(name: str) -> str:
    return Path(name).suffix.replace("jsonl", "json")


def _split_of(name: str) -> str | None:
    return next((_SPLITS[word] for word in re.findall("[a-z]+", name.lower()) if word in _SPLITS), None)


_CONVERTED = "of many datasets the hub has parquet files at the revision refs/convert/parquet"
