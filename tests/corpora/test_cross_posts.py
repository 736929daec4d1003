"""The same post in two of PEC's domains, in files as they are published."""

from pathlib import Path

import pytest

from attune.corpora import record_of
from attune.corpora.base import Sampling
from attune.corpora.blocks import END
from attune.corpora.reading import BadRows

POST = "i found my old dog again after seven long years today"
SIZES = {"large": {"train": None, "valid": 1, "test": 1, "evaluate": None}}


def written(folder: Path, openings: dict[str, list[str]]) -> Path:
    """PEC's files. openings: the first turns of each domain's split; all conversations have different replies."""
    for domain in ("happy", "offmychest"):
        place = folder / "hf_pec" / domain
        place.mkdir(parents=True)
        (place / "persona.txt").write_text(f"bob\ni ski .\n{END}\n")
        for split in ("train", "valid", "test"):
            turns = [f"{split} of {domain}", *openings.get(f"{domain}/{split}", [])]
            blocks = [
                f"ann ---+--- {turn}\nbob ---+--- reply {n} {domain} {split}\n{END}\n" for n, turn in enumerate(turns)
            ]
            (place / f"{split}.txt").write_text("".join(blocks))
    return folder


SAID = [("eve", "i found my old dog"), ("bob", "how  nice !")]
SAID_BY_OTHERS = [("cy", "i found my OLD dog"), ("dan", "how nice !")]


@pytest.mark.parametrize(("earlier", "later"), [("train", "valid"), ("train", "test"), ("valid", "test")])
@pytest.mark.parametrize("domain", ["happy", "offmychest"])
def test_the_same_words_of_others_in_a_later_split_of_any_domain(
    tmp_path: Path, earlier: str, later: str, domain: str
) -> None:
    raw = written(tmp_path, {})
    for place, turns in ((f"happy/{earlier}", SAID), (f"{domain}/{later}", SAID_BY_OTHERS)):
        with (raw / "hf_pec" / f"{place}.txt").open("a") as file:
            file.write("".join(f"{user} ---+--- {turn}\n" for user, turn in turns) + f"{END}\n")
    record = record_of("pec")
    assert record.subset is not None
    sizes = {"large": {"train": None, "valid": None, "test": None, "evaluate": None}}
    subset = record.subset(record, raw, Sampling(13, None, 0.2, sizes), BadRows("error"), tmp_path / "scratch")
    users = {name: {row["speakers"][0] for row in rows} for name, rows in subset.conversations.items()}
    for name in ("happy", "all"):
        assert users[f"large/{name}/{earlier}"] == {"ann"}
    assert "cy" in users[f"large/{domain}/{later}"] & users[f"large/all/{later}"]
    assert subset.counts[f"happy_{earlier}_also_in_a_later_split"] == 1


def firsts(folder: Path, openings: dict[str, list[str]]) -> tuple[dict[str, list[str]], dict[str, int]]:
    """The first turns of each file of the subset that train, and what was counted."""
    record = record_of("pec")
    assert record.subset is not None
    raw = written(folder, openings)
    subset = record.subset(record, raw, Sampling(13, None, 0.2, SIZES), BadRows("error"), folder / "scratch")
    trained = {name: rows for name, rows in subset.conversations.items() if name.endswith("train")}
    return {name: sorted(row["utterances"][0] for row in rows) for name, rows in trained.items()}, dict(subset.counts)


@pytest.mark.parametrize("later", ["valid", "test"])
def test_what_another_domain_s_test_begins_with_is_left_out_of_all(tmp_path: Path, later: str) -> None:
    trained, counts = firsts(tmp_path, {"happy/train": [POST, POST], f"offmychest/{later}": [POST]})
    assert trained["large/all/train"] == ["train of happy", "train of offmychest"]
    assert trained["large/happy/train"] == [POST, POST, "train of happy"]  # its own test does not have the post
    assert counts["all_train_posted_in_another_domain"] == 2
    assert "all_valid_posted_in_another_domain" not in counts


def test_what_a_domain_s_own_test_begins_with_too_stays_as_it_is_published(tmp_path: Path) -> None:
    trained, counts = firsts(tmp_path, {"happy/train": [POST], "happy/test": [POST]})
    assert trained["large/all/train"] == [POST, "train of happy", "train of offmychest"]
    assert "all_train_posted_in_another_domain" not in counts


def test_a_first_turn_of_ten_words_is_known_again_and_one_of_nine_is_not(tmp_path: Path) -> None:
    ten, nine = (" ".join(POST.split()[:count]) for count in (10, 9))
    trained, _ = firsts(tmp_path, {"happy/train": [ten, nine], "offmychest/test": [ten, nine]})
    assert trained["large/all/train"] == [nine, "train of happy", "train of offmychest"]


def test_posts_of_one_split_and_greetings_stay(tmp_path: Path) -> None:
    openings = {"happy/train": [POST, "hi !"], "offmychest/train": [POST], "offmychest/test": ["hi !"]}
    trained, counts = firsts(tmp_path, openings)
    assert trained["large/all/train"] == ["hi !", POST, POST, "train of happy", "train of offmychest"]
    assert not [name for name in counts if "another_domain" in name]
