"""PEC's stand-in in the sample: how chats become exchanges and personas, and what the whole of it promises."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from attune.core.errors import AttuneError
from attune.corpora.pec import DOMAINS, read_conversations
from attune.corpora.personas import Personas
from attune.corpora.reading import BadRows
from attune.corpora.wording import tokenised
from attune.sources.packages import chitchat_file
from attune.sources.sample import pec
from attune.sources.sample.wording import masked

SPLITS = ("train", "valid", "test")


def entry(turns: list[tuple[str, str]], start: str = "2018-05-01", upbeat: int | None = 7) -> dict[str, Any]:
    """A chat as the package has it, one message per turn."""
    messages = [[{"sender": f"{who}-of-a-long-id", "text": text, "timestamp": start}] for who, text in turns]
    return {"messages": messages, "start": start} | ({} if upbeat is None else {"ratings": {"upbeat": upbeat}})


def about(who: str, number: int) -> list[tuple[str, str]]:
    """`number` turns of `who`, each a different persona sentence, answered by the other one."""
    return [each for at in range(number) for each in ((who, f"I own {at} green cars."), ("other", "ok"))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'm home, at last!", "i 'm home , at last !"),
        ("my cat's ill. we can’t pay 1,900.", "my cat 's ill . we ca n't pay 1,900 ."),
        ("hired!!! it won't stop", "hired !!! it wo n't stop"),
        ("the 5.40 train at three o'clock", "the 5.40 train at three o'clock"),
        ("so...I left at 10:30 :) (really?!)", "so ... i left at 10:30 :) ( really ?! )"),
        ("  two\nlines\t", "two lines"),
    ],
)
def test_tokenised_sets_spaces_as_pec_has_them(text: str, expected: str) -> None:
    assert tokenised(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail ann.b@mail.example.org now", "mail <e-mail> now"),
        ("(808) 555-0157 or 808 555 0157", "<phone> or <phone>"),
        ("call +1-808-555-0157.", "call <phone>."),
        ("see https://example.org/a?b=1 and www.example.org", "see <link> and <link>"),
        ("it 's at docs.example.org/open?id=1 or example.org", "it 's at <link> or example.org"),
        ("follow me: @ann.bee", "follow me: <account>"),
        ("my Insta is ann_b7. My instagram is: annb", "my Insta is <account>. My instagram is <account>"),
        ("Instagram is great and/or yes", "Instagram is great and/or yes"),
        ("0.0000000013% of 2018 people @ home", "0.0000000013% of 2018 people @ home"),
    ],
)
def test_masked_hides_addresses_and_numbers(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_chats_are_of_two_people_in_order_of_time_with_successive_messages_as_one_turn() -> None:
    dataset = {
        "late": entry([("a", "hi"), ("b", "hello")], "2018-06-01", upbeat=None),
        "early": entry([("a", "hi"), ("a", "you?"), ("b", " "), ("b", "good")], "2018-05-01"),
        "alone": entry([("a", "hi"), ("a", "anybody?")]),
        "three": entry([("a", "hi"), ("b", "hi"), ("c", "hi")]),
    }
    early, late = pec.chats(dataset)
    assert (early.id, early.upbeat, late.id, late.upbeat) == ("early", 7, "late", None)
    assert early.turns == (("writer_a-of-a-l", ("hi", "you ?")), ("writer_b-of-a-l", ("good",)))


def test_persona_sentences_are_those_of_the_paper() -> None:
    message = "i love my cat . do i ? i do . my cat is old . we ski a lot . i know that he likes you , do n't i ?"
    assert list(pec.persona_sentences(message)) == ["i love my cat .", "my cat is old ."]
    assert list(pec.persona_sentences("i" + " very" * 19)) == ["i" + " very" * 19]
    assert list(pec.persona_sentences("i" + " very" * 20)) == []


def test_a_chat_gives_personas_until_both_of_its_people_have_said_enough() -> None:
    dataset = {
        "1": entry(about("a", 10), "2018-05-01"),
        "2": entry(about("b", 9), "2018-05-02"),
        "3": entry([("a", "hi"), ("b", "I own nothing else."), ("a", "I own one more thing.")], "2018-05-03"),
        "4": entry([("a", "hi"), ("b", "I own nothing at all.")], "2018-05-04"),
        "5": entry([("a", "hi"), ("b", "hi")], "2018-05-05", upbeat=None),
        "6": entry([("a", "I am too late for this."), ("c", "I am new in this place.")], "2018-05-06"),
    }
    parts = pec.divided(pec.chats(dataset))
    assert [chat.id for chat in parts.personas] == ["1", "2", "3", "6"]
    assert [chat.id for chat in parts.examples] == ["4"]
    assert list(parts.said["writer_b-of-a-l"])[-1] == "i own nothing else ."
    assert len(parts.said["writer_a-of-a-l"]) == 11
    assert list(parts.said["writer_c-of-a-l"]) == ["i am new in this place ."]


def test_exchanges_are_pieces_that_end_with_a_response_of_five_tokens() -> None:
    turns = [("a", "hi"), ("b", "hello my old friend there"), ("a", "how are you"), ("b", "i am fine , thanks")]
    turns += [("a", "good"), ("b", "yes"), ("a", "and what do you do"), ("b", "this is left out")]
    (chat,) = pec.chats({"1": entry(turns)})
    assert [[text for _, text in piece] for piece in pec.exchanges(chat)] == [
        ["hi", "hello my old friend there", "how are you", "i am fine , thanks"],
        ["good", "yes", "and what do you do"],
    ]


@pytest.mark.parametrize(("upbeat", "domain"), [(10, "happy"), (6, "happy"), (5, "offmychest"), (1, "offmychest")])
def test_domains_are_the_more_and_the_less_upbeat_chats(upbeat: int, domain: str) -> None:
    (chat,) = pec.chats({"1": entry([("a", "hi"), ("b", "hi")], upbeat=upbeat)})
    assert pec.domain_of(chat) == domain


@pytest.fixture(scope="module")
def chats() -> dict[str, pec.Chat]:
    """All chats of the package by id, oldest first."""
    return {chat.id: chat for chat in pec.chats(json.loads(chitchat_file().read_text()))}


@pytest.fixture(scope="module")
def folder(chats: dict[str, pec.Chat], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pec")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pec, "chats", lambda _: list(chats.values()))  # reading the package takes seconds
        pec.write(path, 7)
    return path / "hf_pec"


def test_no_chat_is_in_two_splits_and_none_that_gave_a_persona_gives_an_exchange(
    folder: Path, chats: dict[str, pec.Chat]
) -> None:
    origins = json.loads((folder / pec.ORIGINS).read_text())
    names = [name for part in origins.values() for name in part]
    assert len(names) == len(set(names))
    first: dict[str, str] = {}
    for name in (name for split in SPLITS for name in origins[split]):
        for person in chats[name].people:
            first[person] = min(first.get(person, chats[name].start), chats[name].start)
    said: dict[str, set[str]] = {}
    for name in origins["persona"]:
        for person, messages in chats[name].turns:
            if chats[name].start <= first.get(person, ""):
                said.setdefault(person, set()).update(s for each in messages for s in pec.persona_sentences(each))
    for domain in DOMAINS:
        for who, sentences in Personas(folder / domain / "persona.txt", BadRows("error")).items():
            assert len(sentences) >= pec.PERSONA_SIZE
            assert set(sentences) == said[who]


def test_each_exchange_is_of_a_chat_of_its_own_split(folder: Path, chats: dict[str, pec.Chat]) -> None:
    origins = json.loads((folder / pec.ORIGINS).read_text())
    for domain in DOMAINS:
        for split in SPLITS:
            own = [chats[name] for name in origins[split] if pec.domain_of(chats[name]) == domain]
            cut = Counter(tuple(piece) for chat in own for piece in pec.exchanges(chat))
            read = read_conversations(folder / domain / f"{split}.txt", BadRows("error"))
            assert cut == Counter(tuple(zip(each.speakers, each.utterances, strict=True)) for each in read)


def test_sizes_and_responders(folder: Path) -> None:
    for domain, fewest in (("happy", 1500), ("offmychest", 700)):
        personas = Personas(folder / domain / "persona.txt", BadRows("error"))
        read = {split: list(read_conversations(folder / domain / f"{split}.txt", BadRows("error"))) for split in SPLITS}
        assert {each.speakers[-1] for part in read.values() for each in part} == personas.keys()
        assert min(len(read["valid"]), len(read["test"])) > fewest
        assert len(read["train"]) > 5 * fewest
        for each in read["test"]:
            assert len(each.utterances) >= pec.FEWEST_TURNS
            assert len(each.utterances[-1].split()) >= pec.SHORTEST_RESPONSE


def test_addresses_numbers_and_links_are_masked(folder: Path) -> None:
    text = "".join(path.read_text() for path in folder.rglob("*.txt"))
    assert re.search(r"@\w", text) is None
    assert re.search(r"https?:/|www\.|\w\.[a-z]{2,}/\w", text) is None
    assert "<link>" in text


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_one_other_splits(
    folder: Path, chats: dict[str, pec.Chat], tmp_path: Path
) -> None:
    pec.write(tmp_path / "same", 7)
    for name in ("happy/train.txt", "offmychest/test.txt", "happy/persona.txt", pec.ORIGINS):
        assert (tmp_path / "same/hf_pec" / name).read_bytes() == (folder / name).read_bytes()
    examples = pec.divided(chats.values()).examples
    tests = [{chat.id for chat in pec.split(examples, seed)["test"]} for seed in (7, 8)]
    assert len(tests[0]) == len(tests[1])
    assert tests[0] != tests[1]


def test_another_version_of_the_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chitchat_dataset-0.9.0.dist-info").mkdir()
    (tmp_path / "chitchat_dataset-0.9.0.dist-info/METADATA").write_text("Name: chitchat-dataset\nVersion: 0.9.0\n")
    (tmp_path / "chitchat_dataset").mkdir()
    (tmp_path / "chitchat_dataset/dataset.json").write_text("{}")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AttuneError, match="chitchat-dataset has the sha256"):
        pec.write(tmp_path / "raw", 7)
    assert not (tmp_path / "raw").exists()
