"""A Llama of one layer with random weights of 4 bits, as one GGUF file."""

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, TokenType
from gguf.quants import quantize

WIDTH, HIDDEN, HEADS, KEY_VALUE_HEADS, POSITIONS = 64, 96, 4, 2, 128
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"


def write(path: Path) -> Path:
    words = [*SPECIAL, *"abcdefghijklmnopqrstuvwxyzĠĊ", "he", "Ġhe"]
    writer = GGUFWriter(path, "llama")
    writer.add_name("Tiny 1 Layer")
    writer.add_block_count(1)
    writer.add_context_length(POSITIONS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([TokenType.CONTROL] * len(SPECIAL) + [TokenType.NORMAL] * (len(words) - len(SPECIAL)))
    writer.add_token_merges(["h e", "Ġ he"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template(CHAT)
    _add_weights(writer, len(words))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_weights(writer: GGUFWriter, vocabulary: int) -> None:
    """The output layer is the embedding, as in SmolLM2."""
    draws = np.random.default_rng(1)
    for name, size in (("output_norm", WIDTH), ("blk.0.attn_norm", WIDTH), ("blk.0.ffn_norm", WIDTH)):
        writer.add_tensor(f"{name}.weight", draws.uniform(0.5, 1.5, size).astype(np.float32))
    key_value = WIDTH // HEADS * KEY_VALUE_HEADS
    for name, shape in (
        ("token_embd", (vocabulary, WIDTH)),
        ("blk.0.attn_q", (WIDTH, WIDTH)),
        ("blk.0.attn_k", (key_value, WIDTH)),
        ("blk.0.attn_v", (key_value, WIDTH)),
        ("blk.0.attn_output", (WIDTH, WIDTH)),
        ("blk.0.ffn_gate", (HIDDEN, WIDTH)),
        ("blk.0.ffn_up", (HIDDEN, WIDTH)),
        ("blk.0.ffn_down", (WIDTH, HIDDEN)),
    ):
        weights = draws.normal(0, 0.5, shape).astype(np.float32)
        kind = GGMLQuantizationType.Q4_1
        writer.add_tensor(f"{name}.weight", quantize(weights, kind), raw_dtype=kind)
