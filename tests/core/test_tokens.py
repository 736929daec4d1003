"""Special tokens in what people wrote, by tokenizers of every family."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, normalizers, pre_tokenizers, trainers
from tokenizers.models import Unigram, WordLevel
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

from attune.core import tokens
from attune.core.tokenizer import read_tokenizer
from attune.core.tokens import Markup, token_ids, too_many_unknown, unknown_share
from attune.sources.packages import minilm_folder
from tests.generators import tiny
from tests.generators.sentencepiece import TEXTS, bpe

SPECIALS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


def unigram() -> Any:
    """As T5's and XLM-RoBERTa's, whose vocabulary holds the special tokens as pieces like any other."""
    tokenizer = Tokenizer(Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    names = list(SPECIALS.values())
    settings = {"vocab_size": 120, "special_tokens": names, "unk_token": "<unk>", "show_progress": False}
    alphabet = sorted(set("".join([*TEXTS, *names, "＜/s＞"])))
    tokenizer.train_from_iterator([*TEXTS, *alphabet], trainers.UnigramTrainer(**settings))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIALS)


def words() -> Any:
    tokenizer = Tokenizer(WordLevel({name: at for at, name in enumerate([*SPECIALS.values(), "cat"])}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIALS)


def wordpiece() -> Any:
    return PreTrainedTokenizerFast.from_pretrained(minilm_folder(), trust_remote_code=False)


FAMILIES: list[Callable[[], Any]] = [tiny.tokenizer, wordpiece, unigram, words, bpe, ByT5Tokenizer]


@pytest.mark.parametrize("made", FAMILIES)
@pytest.mark.fault("the name of a special token in what people wrote", "it stays text")
def test_a_special_tokens_name_is_text_in_what_people_wrote_and_special_in_markup(made: Callable[[], Any]) -> None:
    tokenizer = made()
    unknown = tokenizer.unk_token_id if tokenizer.unk_token != tokenizer.eos_token else None
    for name in tokenizer.all_special_tokens:
        ids = token_ids(tokenizer, f"my cat wrote {name} on {name}{name} .")
        assert not {*ids} & {*tokenizer.all_special_ids} - {unknown}
        if unknown is None:
            assert tokenizer.decode(ids) == f"my cat wrote {name} on {name}{name} ."
        special = tokenizer.convert_tokens_to_ids(name)
        assert token_ids(tokenizer, Markup(name), f" {name}", Markup(name)).count(special) >= 2


@pytest.mark.parametrize("made", FAMILIES)
def test_ordinary_text_has_the_tokens_that_it_always_had(made: Callable[[], Any]) -> None:
    tokenizer = made()
    for text in (*TEXTS, "two  spaces\n\nand lines", "", " ", "naïve 🙂"):
        assert token_ids(tokenizer, text) == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_a_normaliser_makes_no_special_token_of_letters_that_look_like_one() -> None:
    tokenizer = unigram()
    text = "the cat wrote ＜/s＞"
    assert tokenizer.eos_token_id in tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert tokenizer.eos_token_id not in token_ids(tokenizer, text)


@pytest.mark.parametrize("made", [each for each in FAMILIES if each is not ByT5Tokenizer])
@pytest.mark.fault("a name that special tokens have inside of attune, in what people wrote", "it stays text")
def test_no_writing_of_the_names_in_the_copy_makes_a_special_token(made: Callable[[], Any]) -> None:
    tokenizer = made()
    unknown = tokenizer.unk_token_id if tokenizer.unk_token != tokenizer.eos_token else None
    token_ids(tokenizer, "which makes the copy")
    for name in tokens._READERS[tokenizer].names.values():
        wide = "".join(chr(ord(letter) + 0xFEE0) if letter.isascii() else letter for letter in name)
        for text in (name, name.upper(), name.title(), wide, "\u00ad".join(name), f"{name[0]}\u00ad{name[1:]}"):
            assert not {*token_ids(tokenizer, f"my {text} cat")} & {*tokenizer.all_special_ids} - {unknown}


def test_what_a_chat_template_marks_turns_with_is_text_in_a_turn() -> None:
    tokenizer = tiny.tokenizer()
    tokenizer.add_tokens(["<user>"])
    marked = tokenizer.convert_tokens_to_ids("<user>")
    assert marked in token_ids(tokenizer, "a <user> b")
    tokenizer.chat_template = "{% for m in messages %}<user>{{ m.content }}{% endfor %}"
    assert marked not in token_ids(tokenizer, "a <user> b")
    assert token_ids(tokenizer, Markup("<user>"))[0] == marked


def test_a_mark_of_punctuation_stays_one_where_it_also_pads(tmp_path: Path) -> None:
    tokenizer = tiny.tokenizer()
    tokenizer.pad_token = "!"
    tokenizer.save_pretrained(tmp_path)
    again = PreTrainedTokenizerFast.from_pretrained(tmp_path, trust_remote_code=False)
    assert token_ids(again, "so sad!") == again("so sad!", add_special_tokens=False)["input_ids"]


def knowing(*known: str) -> Any:
    raw = Tokenizer(WordLevel({word: at for at, word in enumerate(["<unk>", *known])}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="<unk>")


def test_the_share_is_of_texts_with_half_of_their_words_unknown_and_none_where_bytes_are_read() -> None:
    tokenizer = knowing("a", "b")
    assert unknown_share(tokenizer, ["a b", "a b x", "a x", "x"]) == 1 / 2
    assert unknown_share(tokenizer, []) == unknown_share(tokenizer, [""]) == 0
    assert unknown_share(ByT5Tokenizer(), ["ሰላም"]) == 0
    assert too_many_unknown(tokenizer, ["a"] * 9 + ["x"], Path("m"), "encoder") == ""
    said = too_many_unknown(tokenizer, ["a"] * 8 + ["x"], Path("m"), "encoder")
    assert said.startswith("warning: 11% of the training texts consist mostly of words that m does not know: ")


def test_of_many_texts_those_looked_at_are_of_every_place_in_a_row() -> None:
    for texts in (["x", "a"] * 2000, ["x", "a", "a", "a"] * 4000, ["a"] * 1000 + ["x"] * 3000):
        assert unknown_share(knowing("a"), texts) == pytest.approx(texts.count("x") / len(texts), abs=0.05)


THAI = "ฉันเศร้ามากวันนี้เพราะสุนัขของฉันตายเมื่อวานนี้"  # seven words without a space, which are one piece


@pytest.mark.parametrize("made", [wordpiece, unigram])
def test_half_of_the_texts_are_unknown_where_half_are_of_another_script(made: Callable[[], Any]) -> None:
    assert unknown_share(made(), ["i got the new job that i applied for last month and i am happy", THAI] * 30) == 1 / 2


def test_emoji_and_numbers_are_no_words_of_a_language() -> None:
    texts = ["thanks so much 😀", "so sad😭😭", "love it ❤️ 🎉", "😀", "3️⃣ 🎉 ¾"]
    assert too_many_unknown(wordpiece(), texts, Path("m"), "encoder") == ""


def test_ideographs_are_words_each() -> None:
    chinese = knowing("我", "好", "累")
    assert unknown_share(chinese, ["我好累", "我好难", "我好累😀", "天很难"]) == 1 / 4


def test_a_word_of_kana_is_unknown_to_an_encoder_of_english_although_each_kana_is_known() -> None:
    tokenizer, text = read_tokenizer(minilm_folder()), "どうしたの、だいじょうぶ？"
    assert unknown_share(tokenizer, [*text]) < 0.1
    assert unknown_share(tokenizer, [text]) == 1
