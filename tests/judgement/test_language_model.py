import csv
from pathlib import Path

import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import PreTrainedTokenizerFast

from attune.core.errors import AttuneError
from attune.core.files import read_csv, read_json, sha256, write_csv
from attune.core.tokens import token_ids
from attune.judgement.answers import read_answers
from attune.judgement.judge_by_model import main
from attune.judgement.language_model import LanguageModelJudge, Opinion, position_bias
from attune.judgement.pairs import Pair, key, shown
from tests.generators.tiny import CHAT, END, gpt, llama, saved, tokenizer

PAIRS = [Pair(f"p{at}", f"c{at}", ("Hi.",), "x", "y", f"Reply {at}.", "Oh no.") for at in range(3)]
ORIGINS = {each.id: {"conversation": each.id, "cluster": ""} for each in PAIRS}


def test_a_verdict_that_the_order_decides_is_a_tie_and_is_counted() -> None:
    opinions = [
        Opinion("1", True, False),
        Opinion("2", True, True),
        Opinion("3", False, False),
        Opinion("4", False, True),
    ]
    assert [each.verdict for each in opinions] == ["a", "tie", "tie", "b"]
    assert position_bias(opinions) == {
        "pairs": 4, "consistent": 0.5, "always_first": 0.25, "always_second": 0.25, "first_preferred": 0.5,
    }  # fmt: skip


def test_any_causal_model_in_a_folder_answers_as_an_annotator_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    saved(gpt(positions=512), tmp_path / "judge")
    write_csv(tmp_path / "pairs.csv", shown(PAIRS))
    write_csv(tmp_path / "key.csv", key(PAIRS, sha256(tmp_path / "pairs.csv")[:12], ORIGINS))
    words = ["--pairs", str(tmp_path / "pairs.csv"), "--model", str(tmp_path / "judge")]
    main([*words, "--target", str(tmp_path / "judged")])
    judgements = read_answers(tmp_path / "key.csv", [tmp_path / "judged" / "answers.csv"])
    assert {each.annotator for each in judgements} == {"model:judge"}
    assert read_json(tmp_path / "judged" / "position_bias.json")["pairs"] == len(judgements) == 3
    model = LanguageModelJudge.from_folder(tmp_path / "judge")
    exchanged = [
        row | {"reply_a": row["reply_b"], "reply_b": row["reply_a"]} for row in read_csv(tmp_path / "pairs.csv")
    ]
    names = {"a": "b", "b": "a", "tie": "tie"}
    before = [each.verdict for each in model.opinions(read_csv(tmp_path / "pairs.csv"))]
    assert [each.verdict for each in model.opinions(exchanged)] == [names[verdict] for verdict in before]


@pytest.mark.parametrize("template", [None, CHAT])
@pytest.mark.fault("the name of a special token in a reply that is judged", "it stays text")
def test_a_special_token_in_a_reply_is_text(template: str | None) -> None:
    words = tokenizer()
    words.chat_template = template
    ids, (a, b) = LanguageModelJudge(None, words)._prompt(f"Reply A: oh no {END} Reply B: fine")
    assert words.eos_token_id not in ids[1:]
    assert f"oh no {END} Reply" in words.decode(ids)
    assert (words.decode([a]).strip(), words.decode([b]).strip()) == ("A", "B")


def test_a_letter_after_a_space_of_the_template_is_asked_for_after_that_space() -> None:
    merging = ByteLevelBPETokenizer()
    merging.train_from_iterator(["A or B: A B"] * 9, special_tokens=[END], show_progress=False)
    words = PreTrainedTokenizerFast(tokenizer_object=merging._tokenizer, eos_token=END)
    assert len(token_ids(words, "x", " A")) == 2
    words.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n\n{% endfor %}assistant: "
    ids, letters = LanguageModelJudge(None, words)._prompt("A or B?")
    for letter, token in zip("AB", letters, strict=True):
        assert [*ids, token] == token_ids(words, f"user: A or B?\n\nassistant: {letter}")


def test_a_folder_without_a_model_and_a_pair_that_is_too_long_are_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "pairs.csv", shown(PAIRS))
    saved(gpt(positions=16), tmp_path / "short")
    for folder, sentence in (("none", "none does not exist"), ("short", "pair p0 takes .* tokens, .* at most 16")):
        with pytest.raises(SystemExit, match=sentence):
            main(["--pairs", str(tmp_path / "pairs.csv"), "--model", str(tmp_path / folder), "--target", "t"])


def test_pairs_that_are_missing_are_said_to_be_missing(tmp_path: Path) -> None:
    words = ["--pairs", str(tmp_path / "pairs.csv"), "--model", str(tmp_path), "--target", str(tmp_path / "judged")]
    with pytest.raises(SystemExit, match=r"error: .*/pairs\.csv is missing; `.*\.export_pairs` writes it"):
        main(words)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            b"pair,context,reply_a,reply_b\np0,Hi.,Oh.\n",
            "line 2 has not as many fields as the header has names",
        ),
        ("pair,context,reply_a,reply_b\np0,Hi.,Ö.,Oh.\n".encode("latin1"), "line 2: byte .* is not UTF-8; convert it"),
        (b"pair,context,reply_a\np0,Hi.,Oh.\n", "no column 'reply_b'; its header must name pair, context, "),
        (b"pair,context,reply_a,reply_b\n", "holds no pairs; name the pairs.csv of a form"),
    ],
)
def test_pairs_that_are_malformed_are_one_sentence(tmp_path: Path, text: bytes, sentence: str) -> None:
    (tmp_path / "pairs.csv").write_bytes(text)
    words = ["--pairs", str(tmp_path / "pairs.csv"), "--model", str(tmp_path), "--target", str(tmp_path / "judged")]
    with pytest.raises(SystemExit, match=rf"error: .*pairs\.csv.*{sentence}"):
        main(words)


def test_a_model_judges_in_float32(tmp_path: Path) -> None:
    saved(gpt().to(torch.bfloat16), tmp_path / "judge")
    assert LanguageModelJudge.from_folder(tmp_path / "judge").model.dtype == torch.float32


@pytest.mark.fault("a model that judges and lacks weights", "one sentence; no random weights take their place")
def test_a_model_without_all_of_its_weights_is_refused(tmp_path: Path) -> None:
    model = llama()
    weights = {name: each for name, each in model.state_dict().items() if name != "lm_head.weight"}
    tokenizer().save_pretrained(tmp_path)
    model.save_pretrained(tmp_path, state_dict=weights)
    with pytest.raises(AttuneError, match=r"not of a llama that writes text: lm_head\.weight is missing"):
        LanguageModelJudge.from_folder(tmp_path)


def test_a_spreadsheet_s_byte_order_mark_is_no_part_of_the_form(tmp_path: Path) -> None:
    saved(gpt(positions=512), tmp_path / "judge")
    write_csv(tmp_path / "pairs.csv", shown(PAIRS))
    write_csv(tmp_path / "key.csv", key(PAIRS, sha256(tmp_path / "pairs.csv")[:12], ORIGINS))
    with (tmp_path / "pairs.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, shown(PAIRS)[0], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(shown(PAIRS))
    words = ["--pairs", str(tmp_path / "pairs.csv"), "--model", str(tmp_path / "judge")]
    main([*words, "--target", str(tmp_path / "judged")])
    assert [row["pair"] for row in read_csv(tmp_path / "judged" / "answers.csv")] == ["p0", "p1", "p2"]
    assert len(read_answers(tmp_path / "key.csv", [tmp_path / "judged" / "answers.csv"])) == 3


@pytest.mark.fault(
    "a target of `judge_by_model` with a form in it, or below a file", "one sentence; nothing is deleted"
)
def test_a_target_that_cannot_be_new_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "pairs.csv", shown(PAIRS))
    saved(gpt(positions=512), tmp_path / "judge")
    before = sorted(tmp_path.rglob("*"))
    for target, sentence in (
        (tmp_path, "exists already; name a new folder"),
        (tmp_path / "pairs.csv" / "judged", r"\[Errno \d+\] .*/pairs\.csv"),
    ):
        with pytest.raises(SystemExit, match=f"error: .*{sentence}"):
            main(["--pairs", str(tmp_path / "pairs.csv"), "--model", str(tmp_path / "judge"), "--target", str(target)])
    assert sorted(tmp_path.rglob("*")) == before
