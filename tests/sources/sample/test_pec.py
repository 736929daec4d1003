"""The PEC sample: its raw format, and what its conversations promise about users, personas and replies."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from attune.sources.sample import pec

RULE = "*" * 20
SPLITS = {"train": 1400, "valid": 250, "test": 350}
KINDS = {"happy": "cheer", "offmychest": "comfort"}
Turns = list[tuple[str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pec")
    pec.write(path, 7)
    return path / "hf_pec"


def blocks(path: Path) -> list[list[str]]:
    text = path.read_bytes().decode("utf-8")
    assert text.endswith(f"\n{RULE}\n")
    assert "\r" not in text
    return [part.strip("\n").split("\n") for part in text.split(RULE + "\n")[:-1]]


def conversations(folder: Path, domain: str, split: str) -> list[Turns]:
    made = []
    for block in blocks(folder / domain / f"{split}.txt"):
        pairs = [line.split(" ---+--- ") for line in block]
        assert all(len(pair) == 2 and all(pair) for pair in pairs)
        made.append([(name, text) for name, text in pairs])
    return made


def personas(folder: Path, domain: str) -> dict[str, list[str]]:
    parts = blocks(folder / domain / "persona.txt")
    assert len({part[0] for part in parts}) == len(parts)
    return {part[0]: part[1:] for part in parts}


def every(folder: Path, domain: str) -> list[Turns]:
    return [turns for split in SPLITS for turns in conversations(folder, domain, split)]


def owners() -> dict[str, pec.Fact]:
    return {says: fact for fact in pec.facts() for says in fact.says}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'm home, at last!", "i 'm home , at last !"),
        ("my cat's ill. we can't pay 1,900.", "my cat 's ill . we ca n't pay 1,900 ."),
        ("hired!!! it won't stop", "hired ! ! ! it wo n't stop"),
        ("the 5.40 train at three o'clock", "the 5.40 train at three o'clock"),
    ],
)
def test_tokenise_sets_spaces_as_pec_has_them(text: str, expected: str) -> None:
    assert pec.tokenise(text) == expected


@pytest.mark.parametrize("domain", KINDS)
def test_splits_have_their_sizes_and_two_or_four_turns(folder: Path, domain: str) -> None:
    for split, size in SPLITS.items():
        made = conversations(folder, domain, split)
        assert len(made) == size
        lengths = Counter(len(turns) for turns in made)
        assert set(lengths) == {2, 4}
        assert 0.4 < lengths[4] / size < 0.6
        for turns in made:
            names = [name for name, _ in turns]
            assert names[-1] not in names[:-1]
            assert len(turns) == 2 or (names[0] == names[2] != names[1])


@pytest.mark.parametrize("domain", KINDS)
def test_text_is_lower_cased_and_tokenised(folder: Path, domain: str) -> None:
    said = {text for turns in every(folder, domain) for _, text in turns}
    said |= {text for lines in personas(folder, domain).values() for text in lines}
    for text in said:
        assert text == text.lower() == " ".join(text.split())
        assert text.endswith((" .", " !", " ?"))


@pytest.mark.parametrize("domain", KINDS)
def test_speakers_of_the_splits_are_disjoint(folder: Path, domain: str) -> None:
    names = {split: {name for turns in conversations(folder, domain, split) for name, _ in turns} for split in SPLITS}
    for one, other in combinations(SPLITS, 2):
        assert not names[one] & names[other]


@pytest.mark.parametrize("domain", KINDS)
def test_every_responder_has_a_persona_of_three_to_six_sentences(folder: Path, domain: str) -> None:
    known = personas(folder, domain)
    assert len(known) == 320
    assert {turns[-1][0] for turns in every(folder, domain)} <= set(known)
    assert {len(lines) for lines in known.values()} == {3, 4, 5, 6}
    assert all(len(set(lines)) == len(lines) for lines in known.values())


@pytest.mark.parametrize("domain", KINDS)
def test_no_persona_contradicts_itself(folder: Path, domain: str) -> None:
    owner = owners()
    for lines in personas(folder, domain).values():
        groups = Counter(group for line in lines for group in owner[line].excludes)
        assert not groups or max(groups.values()) == 1, lines


@pytest.mark.parametrize("domain", KINDS)
def test_a_reply_speaks_out_of_one_fact_of_its_own_persona(folder: Path, domain: str) -> None:
    owner, known, kind = owners(), personas(folder, domain), KINDS[domain]
    shapes: Counter[str] = Counter()
    scenes = pec.situations(domain)
    for turns in every(folder, domain):
        name, reply = turns[-1]
        own = [text for line in known[name] for text in getattr(owner[line], kind) if text in reply]
        assert len(own) == 1, (name, reply)
        scene = next(scene for scene in scenes if turns[0][1] in scene.posts)
        rest = reply.replace(own[0], "").strip()
        assert rest == "" or rest in scene.reactions
        shapes["alone" if not rest else "first" if reply.startswith(own[0]) else "after"] += 1
        assert not any(line in reply for line in known[name])
    assert shapes["alone"] > 0
    assert shapes["first"] > 0
    assert 0.8 < shapes["after"] / shapes.total() < 0.92


@pytest.mark.parametrize("domain", KINDS)
def test_nothing_is_told_twice(folder: Path, domain: str) -> None:
    made = every(folder, domain)
    pairs = [(turns[0][1], turns[-1][1]) for turns in made]
    assert len(set(pairs)) == len(pairs) == 2000
    assert len({tuple(turns) for turns in made}) == 2000


@pytest.mark.parametrize("domain", KINDS)
def test_each_situation_stands_in_every_split(folder: Path, domain: str) -> None:
    topic = {post: scene.topic for scene in pec.situations(domain) for post in scene.posts}
    for split in SPLITS:
        told = {topic[turns[0][1]] for turns in conversations(folder, domain, split)}
        assert told == set(topic.values())


def test_twenty_names_are_in_both_domains_with_different_personas(folder: Path) -> None:
    happy, offmychest = personas(folder, "happy"), personas(folder, "offmychest")
    both = set(happy) & set(offmychest)
    assert len(both) == 20
    assert all(set(happy[name]) != set(offmychest[name]) for name in both)


def test_the_fact_bank_is_large_and_no_sentence_stands_in_it_twice() -> None:
    bank = pec.facts()
    assert len(bank) >= 260
    said = [text for fact in bank for text in (*fact.says, *fact.comfort, *fact.cheer)]
    assert len(said) == 6 * len(bank)
    assert len(set(said)) == len(said)
    assert {"work", "pets", "family", "health", "fears"} <= {fact.facet for fact in bank}


@pytest.mark.parametrize("domain", KINDS)
def test_each_situation_is_fully_told(domain: str) -> None:
    scenes = pec.situations(domain)
    assert len(scenes) >= 45
    assert len({scene.topic for scene in scenes}) == len(scenes)
    for scene in scenes:
        assert len(set(scene.posts)) >= 5, scene.topic
        assert len(set(scene.reactions)) >= 4, scene.topic
        assert len(set(scene.asks)) == 2, scene.topic
        assert len(set(scene.answers)) == 3, scene.topic


def test_a_seed_fixes_every_byte_and_another_seed_changes_them(folder: Path, tmp_path: Path) -> None:
    pec.write(tmp_path / "same", 7)
    pec.write(tmp_path / "other", 8)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*.txt"))
    assert len(files) == 8
    for file in files:
        original = (folder / file).read_bytes()
        assert (tmp_path / "same" / "hf_pec" / file).read_bytes() == original
        assert (tmp_path / "other" / "hf_pec" / file).read_bytes() != original
