"""Tokenizers as SentencePiece trains them, in both ways in which transformers writes their first space."""

from typing import Any

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

TEXTS = ("Speaker: My cat ran away.", "Listener: I am sorry.", "That is sad.", "<assistant>", "<user>")


def bpe(normalised: bool = True) -> Any:
    """As Llama 2's (`normalised`), or as Mistral's later ones."""
    tokenizer = Tokenizer(BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    names, letters = ["<unk>", "<s>", "</s>"], sorted({"\n", "▁", *"".join(TEXTS)})
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=names, initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator(TEXTS * 20, trainer)
    if normalised:
        tokenizer.pre_tokenizer = None
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
