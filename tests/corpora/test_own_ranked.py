"""One's own conversations in PEC's place: what is ranked, and where it is split."""

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attune.core.errors import AttuneError
from attune.core.people import ASKS, REPLIES
from attune.corpora import raw_corpus
from attune.corpora.base import Sampling
from attune.corpora.own import FILE
from attune.corpora.reading import BadRows
from attune.corpora.subsets import digest

SIZES = {"large": {"train": 20, "valid": 4, "test": 8, "evaluate": None}, "small": {"train": 5, "valid": 1, "test": 2}}


def conversation(number: int, **labels: str) -> dict[str, Any]:
    """Two conversations begin with each first turn."""
    first, last = f"I lost pet {number // 2}.", f"I'm sorry about {number}!"
    return {
        "id": digest(first, last), "system": "", "emotion": "", "personas": ["I love cats."] if number else [],
        "speakers": [ASKS, REPLIES], "utterances": [first, last], **labels,
    }  # fmt: skip


def drawn(
    folder: Path, rows: list[dict[str, Any]], cap: int | None = None, sizes: Any = SIZES
) -> tuple[dict[str, list[Any]], Any]:
    """The conversations and candidates by name, and the counts."""
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    record = raw_corpus("pec", own=True)
    assert record.subset is not None
    subset = record.subset(record, folder, Sampling(13, cap, 0.2, sizes), BadRows("error"), folder / "scratch")
    files = {name: list(each) for name, each in subset.conversations.items()}
    return files | {f"candidates/{name}": list(each) for name, each in subset.candidates.items()}, subset.counts


def test_first_turns_stay_together_and_candidates_are_the_whole_test_split(tmp_path: Path) -> None:
    rows = [conversation(number) for number in range(60)]
    files, counts = drawn(tmp_path, [*rows, rows[3], rows[0]])  # of which the first alone has no persona
    assert (counts["repeated"], counts["conversations_without_persona"]) == (2, 1)
    assert {name.split("/")[1] for name in files if name.startswith("large")} == {"all"}
    firsts = {
        split: {row["utterances"][0] for row in files[f"large/all/{split}"]} for split in ("train", "valid", "test")
    }
    assert not firsts["train"] & firsts["test"] | firsts["train"] & firsts["valid"] | firsts["valid"] & firsts["test"]
    assert [len(files[f"large/all/{split}"]) for split in ("train", "valid", "test")] == [20, 4, 8]
    assert {row["id"] for row in files["small/all/test"]} < {row["id"] for row in files["large/all/test"]}
    assert 12 <= len(files["candidates/all"]) <= 14  # a fifth of 60, and a first turn more at most


def test_half_of_the_test_share_of_the_rest_is_for_validation(tmp_path: Path) -> None:
    """Of 120 conversations 24 are tested on, and a tenth of the other 96, with one first turn more at most."""
    rows = [conversation(number) for number in range(120)]
    sizes = {"large": dict.fromkeys(("train", "valid", "test", "evaluate"))}
    files, _ = drawn(tmp_path, rows, sizes=sizes)
    train, valid, test = (len(files[f"large/all/{split}"]) for split in ("train", "valid", "test"))
    assert (test, train + valid) == (24, 96)
    assert valid == 10


def test_where_most_begin_alike_the_others_are_for_testing_and_validation(tmp_path: Path) -> None:
    rows = [conversation(number) for number in range(90)]
    for row in rows[30:]:
        row["utterances"] = ["Hello!", row["utterances"][1]]
    files, _ = drawn(tmp_path, rows)
    assert {row["utterances"][0] for row in files["large/all/train"]} == {"hello !"}
    for split in ("valid", "test"):
        assert not [row for row in files[f"large/all/{split}"] if row["utterances"][0] == "hello !"]
    assert len(files["candidates/all"]) == 18  # of the 30 others


def test_texts_are_in_the_wording_that_rankers_read(tmp_path: Path) -> None:
    files, _ = drawn(tmp_path, [conversation(number) for number in range(1, 61)])
    row = files["large/all/train"][0]
    assert row["utterances"][1].startswith("i 'm sorry about")
    assert row["personas"] == ["i love cats ."]


def test_personas_that_are_equal_in_that_wording_count_once(tmp_path: Path) -> None:
    said = ["I love cats.", "i love cats .", "I have a dog."]
    files, _ = drawn(tmp_path, [conversation(number) | {"personas": said} for number in range(60)])
    assert files["large/all/train"][0]["personas"] == ["i love cats .", "i have a dog ."]


def test_a_domain_with_too_few_conversations_is_part_of_all_alone(tmp_path: Path) -> None:
    rows = [conversation(number, domain="pets") for number in range(100)]
    files, _ = drawn(tmp_path, [*rows, *(conversation(number, domain="rare") for number in range(100, 104))])
    assert {name.split("/")[1] for name in files if name.startswith("large")} == {"all", "pets"}
    assert {row["domain"] for row in files["large/pets/train"]} == {"pets"}
    assert len(files["candidates/all"]) >= len(files["candidates/pets"])


def test_the_only_domain_is_one_too(tmp_path: Path) -> None:
    files, _ = drawn(tmp_path, [conversation(number, domain="pets") for number in range(100)])
    assert {name.split("/")[1] for name in files if name.startswith("large")} == {"all", "pets"}


@pytest.fixture
def _few_open_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("_few_open_files")
@pytest.mark.fault("own data of more domains than files can be open", "each is written all the same")
def test_there_may_be_more_domains_than_files_can_be_open(tmp_path: Path) -> None:
    rows = [conversation(number, domain=f"d{number // 2 % 50}") for number in range(50 * 60)]
    sizes = {size: {"train": 2, "valid": 1, "test": 1, "evaluate": None} for size in ("large", "small")}
    files, _ = drawn(tmp_path, rows, sizes=sizes)
    domains = {name.split("/")[1] for name in files if name.startswith("candidates/")}
    assert len(domains) > 40
    for domain in domains - {"all"}:
        assert {row["domain"] for row in files[f"large/{domain}/train"]} == {domain}
    in_domains = (row["id"] for domain in domains - {"all"} for row in files[f"candidates/{domain}"])
    assert {row["id"] for row in files["candidates/all"]} >= set(in_domains)


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"pec has \d+ to train on, .* add -S 'subsets\.large=\{train: "):
        drawn(tmp_path, [conversation(number) for number in range(20)])
    alike = [conversation(number) | {"utterances": ["Hi!", f"No {number}."]} for number in range(4)]
    with pytest.raises(AttuneError, match=r"^corpora\.pec has 4 conversation\(s\) with 1 different opening\(s\)"):
        drawn(tmp_path / "alike", alike)
    with pytest.raises(AttuneError, match=r"^corpora\.pec without its test split has 2 conversation\(s\) with 1"):
        drawn(tmp_path / "few", [conversation(number) for number in range(4)])
    with pytest.raises(AttuneError, match=r"corpora\.pec\.cap does nothing"):
        drawn(tmp_path, [], cap=10)
    with pytest.raises(AttuneError, match=r"corpora\.openorca is built in, and takes no data of your own"):
        raw_corpus("openorca", own=True)
