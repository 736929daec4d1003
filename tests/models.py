"""A user's own models, of random weights: `python -m tests.models FOLDER` writes FOLDER/llama and FOLDER/roberta."""

import sys
from pathlib import Path

from tests.cobert.tiny import encoder
from tests.generators import tiny


def main(folder: str) -> None:
    words = tiny.tokenizer()
    words.chat_template = tiny.CHAT
    model = tiny.llama(
        hidden_size=32,
        intermediate_size=64,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
    )
    tiny.saved(model, Path(folder) / "llama", words)
    encoder(Path(folder) / "roberta", "roberta")


if __name__ == "__main__":
    main(*sys.argv[1:])
