"""A user's own models, of random weights: `python -m tests.models FOLDER` writes FOLDER/llama and FOLDER/roberta."""

import sys
from pathlib import Path

from transformers import LlamaConfig, LlamaForCausalLM

from tests.cobert.tiny import encoder
from tests.generation import tiny


def main(folder: str) -> None:
    words = tiny.tokenizer()
    words.chat_template = tiny.CHAT
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
    )
    tiny.saved(LlamaForCausalLM(config), Path(folder) / "llama", words)
    encoder(Path(folder) / "roberta", "roberta")


if __name__ == "__main__":
    main(*sys.argv[1:])
