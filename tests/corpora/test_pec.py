from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attune.core.errors import AttuneError
from attune.corpora import record_of
from attune.corpora.base import Sampling
from attune.corpora.blocks import END
from attune.corpora.pec import MARKER, Conversation, read_conversations, response_rows
from attune.corpora.personas import Personas
from attune.corpora.reading import BadRows
from attune.corpora.subsets import key


def written(folder: Path, text: str) -> Path:
    path = folder / "train.txt"
    path.write_bytes(text.encode())
    return path


def read(folder: Path, text: str) -> list[Conversation]:
    return list(read_conversations(written(folder, text), BadRows("error")))


def test_turns_continuations_and_both_kinds_of_end(tmp_path: Path) -> None:
    text = (
        "ann ---+--- i won !\n"
        "  really won .\n"
        "\n"
        "bob ---+--- well done\n"
        f"{END}\n"
        "[deleted] x ---+--- a ---+--- b\n"
        "ann ---+--- ---+---\n"
    )
    assert read(tmp_path, text) == [
        Conversation(("ann", "bob"), ("i won ! really won .", "well done")),
        Conversation(("[deleted] x", "ann"), ("a ---+--- b", "---+---")),
    ]


@pytest.mark.fault("CRLF and a byte order mark in PEC", "the same rows")
def test_crlf_and_a_byte_order_mark(tmp_path: Path) -> None:
    assert read(tmp_path, f"\ufeffann ---+--- hi\r\nbob ---+--- ho\r\n{END}\r\n") == [
        Conversation(("ann", "bob"), ("hi", "ho"))
    ]


GOOD = f"ann ---+--- hi\nbob ---+--- ho\n{END}\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (f"lost line\nann ---+--- hi\nbob ---+--- ho\n{END}\n", 1, "continues a turn before any turn"),
        (f"ann ---+--- hi\nbob ---+--- \n{END}\n", 2, "no utterance after the marker"),
        (f"ann ---+--- hi\nbob ---+---\n{END}\n", 2, "no utterance after the marker"),
        (f" ---+--- hi\nbob ---+--- ho\n{END}\n", 1, "no user before the marker"),
        (f"---+--- hi\nbob ---+--- ho\n{END}\n", 1, "no user before the marker"),
        (f"ann ---+--- hi\n{END}\n", 2, r"has 1 turn\(s\); expected two"),
        (f"{END}\n", 1, r"has 0 turn\(s\); expected two"),
        ("ann ---+--- hi\nbob ---+--- ho ho", 2, "ends in the middle of this line"),
        (f"ann ---+--- hi\nbob ---+--- ho\n{END[:7]}", 3, "ends in the middle of this line"),
        (f"ann ---+--- hi\nbob ---+--- ho\n{END[:-1]}", 3, "ends in the middle of this line"),
        (f"ann ---+--- hi\nbob ---+--- ho\n {END[:-1]}\n{GOOD}", 3, "a line of 19 asterisks; expected 20"),
        (f"ann ---+--- hi\nbob ---+--- ho\n{END[:10]}\n{GOOD}", 3, "a line of 10 asterisks; expected 20"),
        (f"ann ---+--- hi\nbob ---+--- ho\n{END}*\n{GOOD}", 3, "a line of 21 asterisks; expected 20"),
    ],
)
@pytest.mark.fault("a malformed conversation of PEC", "file and line are named")
def test_malformed_conversation(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = written(tmp_path, GOOD + text)
    with pytest.raises(AttuneError, match=rf"train\.txt, line {line + 3}: .*{message}"):
        list(read_conversations(path, BadRows("error")))
    bad = BadRows("skip")
    assert list(read_conversations(path, bad)) == [Conversation(("ann", "bob"), ("hi", "ho"))]
    assert bad.count == 1


def test_skip_continues_after_the_bad_conversation_and_counts_it_once(tmp_path: Path) -> None:
    bad = BadRows("skip")
    path = written(tmp_path, f"lost\n ---+--- \nann ---+--- \n{END}\n{GOOD}")
    assert len(list(read_conversations(path, bad))) == 1
    assert bad.count == 1


def test_personas_keep_order_drop_repeats_and_add_later_blocks(tmp_path: Path) -> None:
    text = (
        f"ann\ni ski .\ni sew .\ni ski .\n{END}\n"
        f"bob\n{END}\n"
        f"ann\ni sing .\ni sew .\nann ---+--- is no turn here\n{END}\n"
        "* cy *\ni end the file .\n"
    )
    assert Personas(written(tmp_path, text), BadRows("error")) == {
        "ann": ("i ski .", "i sew .", "i sing .", "ann ---+--- is no turn here"),
        "bob": (),
        "* cy *": ("i end the file .",),
    }


def test_persona_block_without_a_user(tmp_path: Path) -> None:
    path = written(tmp_path, f"ann\ni ski .\n{END}\n{END}\nbob\n{END}\n")
    with pytest.raises(AttuneError, match=r"train\.txt, line 4: a persona block without a user"):
        Personas(path, BadRows("error"))
    bad = BadRows("skip")
    assert list(Personas(path, bad)) == ["ann", "bob"]
    assert bad.count == 1


@pytest.mark.fault("PEC's personas with a mistyped end mark", "file and line are named")
def test_two_users_in_one_persona_block_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, f"ann\ni ski .\n*********\n{END}\nbob\ni sew .\n{END}*\ncy\ni sing .\n{END}\n")
    with pytest.raises(
        AttuneError, match=r"train\.txt, line 7: a line of 21 asterisks; expected 20, which close a block"
    ):
        Personas(path, BadRows("error"))
    bad = BadRows("skip")
    assert (dict(Personas(path, bad)), bad.count) == ({"ann": ("i ski .", "*********")}, 1)


@pytest.mark.fault("PEC's personas cut in mid-line", "file and line are named")
def test_persona_file_cut_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"line 2: the file ends in the middle"):
        Personas(written(tmp_path, "ann\ni sk"), BadRows("error"))


words = st.text(st.characters(exclude_characters="\n\ufeff", exclude_categories=["Cs"]), min_size=1, max_size=20).map(
    str.strip
)
users = words.filter(lambda text: text and "---+---" not in text)
turns = st.lists(st.tuples(users, words.filter(bool)), min_size=2, max_size=5)


@given(st.lists(turns, max_size=4))
@example([[("\0", "a"), ("b", "c")]])
@pytest.mark.fault("any text at all in PEC (fuzz)", "it is read back as it was")
def test_any_text_survives_the_format(
    tmp_path_factory: pytest.TempPathFactory, conversations: list[list[tuple[str, str]]]
) -> None:
    text = "".join(
        "".join(f"{user}{MARKER}{utterance}\n" for user, utterance in conversation) + f"{END}\n"
        for conversation in conversations
    )
    assert read(tmp_path_factory.mktemp("pec"), text) == [
        Conversation(*zip(*conversation, strict=True)) for conversation in conversations
    ]


def test_published_counts(real_corpora: Path) -> None:
    counts = {
        f"{domain}/{split}": sum(
            1 for _ in read_conversations(real_corpora / f"pec/hf_pec/{domain}/{split}.txt", BadRows("error"))
        )
        for domain in ("happy", "offmychest")
        for split in ("train", "valid", "test")
    }
    assert counts == {
        "happy/train": 4858,
        "happy/valid": 918,
        "happy/test": 737,
        "offmychest/train": 12568,
        "offmychest/valid": 2903,
        "offmychest/test": 3302,
    }


def test_genuine_sample(real_formats: Path) -> None:
    bad = BadRows("error")
    personas = Personas(real_formats / "pec/hf_pec/happy/persona.txt", bad)
    assert len(personas) == 19
    lengths = [len(sentences) for sentences in personas.values()]
    assert (min(lengths), max(lengths)) == (4, 10)
    for domain in ("happy", "offmychest"):
        for split in ("train", "valid", "test"):
            read = list(read_conversations(real_formats / f"pec/hf_pec/{domain}/{split}.txt", bad))
            assert len(read) == 2
            assert all(conversation.speakers[-1] in personas for conversation in read)


CONVERSATION = {
    "id": "x",
    "domain": "happy",
    "speakers": ["a", "b", "c"],
    "utterances": ["we won !", "who ?", "i like chess . well done !"],
    "personas": ["i like chess .", "i am old ."],
}


def test_the_last_turn_is_the_response_and_what_it_repeats_is_dropped() -> None:
    (row,) = response_rows(CONVERSATION, drop_repeated_personas=True)
    assert row["context"] == ["we won !", "who ?"]
    assert row["context_speakers"] == ["a", "b"]
    assert (row["response"], row["response_speaker"]) == ("i like chess . well done !", "c")
    assert (row["personas"], row["dropped_personas"]) == (["i am old ."], 1)
    (kept,) = response_rows(CONVERSATION, drop_repeated_personas=False)
    assert (kept["personas"], kept["dropped_personas"]) == (["i like chess .", "i am old ."], 0)


def test_personas_are_read_when_asked_for(tmp_path: Path) -> None:
    text = f"\ufeffann\r\ni ski .\r\n\r\n{END}\r\nbøb\ni søw .\n{END}\ncy\n{END}\nann\ni sing .\n"
    personas = Personas(written(tmp_path, text), BadRows("error"))
    assert personas["ann"] == ("i ski .", "i sing .")
    assert personas["bøb"] == ("i søw .",)
    assert (len(personas), list(personas)) == (3, ["ann", "bøb", "cy"])
    assert personas.with_sentences.tolist() == sorted(map(key, ["ann", "bøb"]))
    assert personas.get("eve") is None


def pec(folder: Path, **splits: list[tuple[str, str]]) -> None:
    """Both domains alike: conversations of `ann` and the named user, by their last turn; bob has no persona."""
    for domain in ("happy", "offmychest"):
        place = folder / "hf_pec" / domain
        place.mkdir(parents=True)
        for split, replies in splits.items():
            blocks = (f"ann{MARKER}hi\n{user}{MARKER}{reply}\n{END}\n" for user, reply in replies)
            (place / f"{split}.txt").write_text("".join(blocks))
        (place / "persona.txt").write_text(f"cy\ni am {domain} .\n{END}\nbob\n{END}\n")


def test_repeats_and_leaks_leave_the_subset_and_are_counted(tmp_path: Path) -> None:
    pec(
        tmp_path,
        train=[("cy", "a"), ("cy", "a"), ("bob", "b"), ("cy", "v"), ("cy", "t"), ("cy", "c")],
        valid=[("cy", "v"), ("bob", "x"), ("cy", "t")],
        test=[("cy", "t"), ("dan", "u"), ("cy", "w")],
    )
    sizes = {"large": {"train": 3, "valid": 2, "test": 3}, "small": {"train": 1, "valid": 1, "test": 1}}
    sampling = Sampling(13, None, 0.2, sizes)
    subset = record_of("pec").subset(record_of("pec"), tmp_path, sampling, BadRows("error"), tmp_path / "scratch")
    each = {
        "train_also_in_a_later_split": 2,
        "valid_also_in_a_later_split": 1,
        "test_also_in_a_later_split": 0,
        "responses_without_persona": 3,
    }
    named = {f"{domain}_{name}": count for domain in ("happy", "offmychest") for name, count in each.items()}
    assert subset.counts == {"bad_rows": 0, "repeated": 2} | named
    assert [row["response"] for row in subset.candidates["all"]] == ["t", "u", "w", "t", "u", "w"]
    rows = {name: list(part) for name, part in subset.conversations.items()}
    train = {row["utterances"][-1]: row["personas"] for row in rows["large/offmychest/train"]}
    assert train == {"a": ["i am offmychest ."], "b": [], "c": ["i am offmychest ."]}
    assert {row["utterances"][-1] for row in rows["large/happy/valid"]} == {"v", "x"}
    assert [row["id"] for row in rows["small/happy/train"]] == [rows["large/happy/train"][0]["id"]]
    assert len(rows["large/all/train"]) == 3
