"""Encoders of a few thousand random weights and a word-level tokenizer, as folders on disk."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    AutoModel,
    BertConfig,
    ConvBertConfig,
    Data2VecTextConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    FNetConfig,
    GPT2Config,
    GPTNeoConfig,
    LongformerConfig,
    ModernBertConfig,
    MPNetConfig,
    NomicBertConfig,
    NystromformerConfig,
    PreTrainedTokenizerFast,
    ReformerConfig,
    RobertaConfig,
    T5Config,
    XLNetConfig,
    YosoConfig,
)

from attune.cobert.model import Cobert, inputs_for

WORDS = [
    "i",
    "you",
    "we",
    "my",
    "dog",
    "cat",
    "bike",
    "won",
    "lost",
    "like",
    "love",
    "have",
    "a",
    "the",
    "so",
    "sad",
    "glad",
    ".",
    "!",
    "?",
    "old",
    "new",
    "job",
    "city",
    "sea",
]
SHAPE = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}


_ROBERTA = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
SPECIALS = {
    "bert": {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"},
    "roberta": _ROBERTA,
    "mpnet": _ROBERTA,
    "gpt2": {"eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"},
}


def encoder(folder: Path, family: str = "bert", **changes: Any) -> Path:
    """A random encoder with its tokenizer; `changes` go into the configuration."""
    count = changes.get("num_hidden_layers", SHAPE["num_hidden_layers"])
    torch.manual_seed(0)
    named = SPECIALS.get(family, SPECIALS["bert"])
    vocabulary = {word: place for place, word in enumerate([*dict.fromkeys(named.values()), *WORDS])}
    raw = Tokenizer(WordLevel(vocabulary, unk_token=named.get("unk_token", named.get("eos_token"))))
    raw.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=raw, **named).save_pretrained(folder)
    size = len(vocabulary)
    config = {
        "bert": lambda: BertConfig(vocab_size=size, **SHAPE | changes),
        "roberta": lambda: RobertaConfig(
            vocab_size=size, type_vocab_size=1, **{"max_position_embeddings": 130} | SHAPE | changes
        ),
        "data2vec-text": lambda: Data2VecTextConfig(
            vocab_size=size, type_vocab_size=1, **{"max_position_embeddings": 130} | SHAPE | changes
        ),
        "longformer": lambda: LongformerConfig(vocab_size=size, attention_window=8, **SHAPE | changes),
        "mpnet": lambda: MPNetConfig(vocab_size=size, **{"max_position_embeddings": 130} | SHAPE | changes),
        # Its weights have other names on the hub than in transformers.
        "nomic_bert": lambda: NomicBertConfig(vocab_size=size, max_position_embeddings=130, **SHAPE | changes),
        "modernbert": lambda: ModernBertConfig(
            vocab_size=size, pad_token_id=0, embedding_dropout=0.1, mlp_dropout=0.1, **SHAPE | changes
        ),
        "gpt_neo": lambda: GPTNeoConfig(
            vocab_size=size,
            hidden_size=16,
            num_layers=2,
            num_heads=2,
            attention_types=[[["global", "local"], 1]],
            embed_dropout=0.1,
            resid_dropout=0.1,
        ),
        "xlnet": lambda: XLNetConfig(vocab_size=size, d_model=16, n_layer=count, n_head=2, d_inner=32),
        "fnet": lambda: FNetConfig(vocab_size=size, **SHAPE | changes),
        "convbert": lambda: ConvBertConfig(vocab_size=size, embedding_size=16, head_ratio=1, **SHAPE | changes),
        "yoso": lambda: YosoConfig(vocab_size=size, **SHAPE | changes),
        "nystromformer": lambda: NystromformerConfig(vocab_size=size, num_landmarks=4, **SHAPE | changes),
        "t5": lambda: T5Config(vocab_size=size, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2),
        "deberta-v2": lambda: DebertaV2Config(
            vocab_size=size, relative_attention=True, conv_kernel_size=3, **SHAPE | changes
        ),
        "reformer": lambda: ReformerConfig(
            vocab_size=size,
            hidden_size=16,
            attention_head_size=8,
            feed_forward_size=32,
            num_attention_heads=2,
            attn_layers=["lsh", "local"],
            axial_pos_embds=False,
            lsh_attn_chunk_length=4,
            local_attn_chunk_length=4,
            num_buckets=4,
        ),
        "electra": lambda: ElectraConfig(vocab_size=size, embedding_size=8, **SHAPE | changes),
        "distilbert": lambda: DistilBertConfig(
            vocab_size=size, dim=16, n_layers=count, n_heads=2, hidden_dim=32, max_position_embeddings=128, **changes
        ),
        "gpt2": lambda: GPT2Config(
            vocab_size=size,
            n_embd=16,
            n_layer=count,
            n_head=2,
            n_positions=128,
            bos_token_id=0,
            eos_token_id=0,
            **changes,
        ),
    }[family]()
    AutoModel.from_config(config).save_pretrained(folder)
    return folder


def cobert(
    folder: Path, family: str = "bert", layers: int = SHAPE["num_hidden_layers"], **settings: Any
) -> tuple[Cobert, Any]:
    model = Cobert.from_encoder(encoder(folder, family, num_hidden_layers=layers), **settings).eval()
    return model, inputs_for(model, folder)


def rows(count: int, prefix: str = "") -> list[dict[str, Any]]:
    """Learnable rows of the PEC schema: the reply repeats the context's noun and the persona's."""
    things, places = ("dog", "cat", "bike", "job"), ("sea", "city", "old", "new")
    return [
        {
            "id": f"{prefix}{number}",
            "context": [f"i lost my {things[number % 4]} .", "so sad ?"][: 1 + number % 2],
            "personas": [f"i love the {places[number // 4 % 4]} .", "i have a job ."],
            "response": f"the {things[number % 4]} ! i like the {places[number // 4 % 4]} .",
        }
        for number in range(count)
    ]
