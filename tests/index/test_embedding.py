import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding, Transformer
from tokenizers import Tokenizer
from transformers import Qwen3Config, Qwen3Model

from attune.core.errors import AttuneError
from attune.index.embedding import embed, embed_by, load_embedder
from attune.index.reader import Reader, Role, prompt_of, reads_whole, tells_queries_apart, with_persona
from attune.sources.packages import minilm_folder
from tests.generators.tiny import saved, tokenizer


def test_a_repeated_text_and_another_order_change_nothing() -> None:
    encoder = load_embedder(minilm_folder())
    first = embed(encoder, ["a dog", "a cat", "a dog"], 8)
    second = embed(encoder, ["a cat", "a dog"], 8)
    assert np.array_equal(first[0], first[2])
    assert np.array_equal(first[:2], second[::-1])


def test_a_missing_encoder_names_the_stage_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"embedder is missing; run `dvc repro base_encoders@embedder`"):
        load_embedder(tmp_path / "embedder")


def test_batches_are_of_texts_of_similar_length_and_each_vector_returns_to_its_text() -> None:
    texts = ["ccc", "a", "bb", "dddd", "a"]
    batches: list[list[str]] = []

    def lengths(parts: Iterator[list[str]]) -> Iterator[np.ndarray]:
        for part in parts:
            batches.append(part)
            yield np.array([[len(text), 0] for text in part], np.float32)

    assert embed_by(lengths, texts, 3)[:, 0].tolist() == [3, 1, 2, 4, 1]
    assert batches == [["dddd", "ccc", "bb"], ["a"]]
    assert len(embed_by(lengths, [], 3)) == 0


@pytest.mark.slow
def test_openvino_gives_the_vectors_of_torch() -> None:
    """Of unequal lengths, more than OpenVINO encodes together, and one longer than the encoder reads."""
    pytest.importorskip("openvino")
    texts = [f"{'very ' * (number % 7)}cold day {number} !" for number in range(40)] + ["long " * 600, "a"]
    expected = embed(load_embedder(minilm_folder()), texts, 64)
    encoder = load_embedder(minilm_folder(), "openvino")
    vectors = embed(encoder, texts, 64)
    assert (vectors * expected).sum(1).min() > 0.999
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(embed(encoder, texts, 64), vectors)


def test_openvino_gives_torch_s_vectors_of_an_encoder_that_pads_on_the_left(tmp_path: Path) -> None:
    """A decoder whose last token counts, as Qwen3-Embedding is."""
    pytest.importorskip("openvino")
    words = tokenizer()
    words.padding_side = words.init_kwargs["padding_side"] = "left"
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(1)
    config = Qwen3Config(vocab_size=len(words), head_dim=8, num_key_value_heads=1, initializer_range=0.3, **size)
    saved(Qwen3Model(config), tmp_path / "base", words)
    modules = [Transformer(str(tmp_path / "base")), Pooling(16, "lasttoken")]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "encoder"))
    encoder = load_embedder(tmp_path / "encoder")
    assert encoder.tokenizer.padding_side == "left"
    texts = [f"{'very ' * (number % 7)}cold day {number} !" for number in range(40)] + ["a"]
    expected = embed(encoder, texts, 64)
    vectors = embed(load_embedder(tmp_path / "encoder", "openvino"), texts, 64)
    assert (vectors * expected).sum(1).min() > 0.999
    assert (expected @ expected.T).min() < 0.9  # the texts' vectors differ


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("static", [False, True])
def test_an_encoder_of_half_precision_gives_unit_vectors_whatever_the_batch(
    tmp_path: Path, dtype: torch.dtype, static: bool
) -> None:
    encoder = load_embedder(minilm_folder())
    if static:
        words = Tokenizer.from_str(encoder.tokenizer.backend_tokenizer.to_str())
        weights = encoder[0].model.embeddings.word_embeddings.weight.detach()
        encoder = SentenceTransformer(modules=[StaticEmbedding(words, embedding_weights=weights)], device="cpu")
    encoder.to(dtype).save(str(tmp_path / "half"))
    encoder = load_embedder(tmp_path / "half")
    texts = [f"{'very ' * (number % 7)}cold day {number} !" for number in range(20)]
    together, alone = embed(encoder, texts, 20), embed(encoder, texts, 1)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert np.allclose(together, alone, atol=1e-5)


def test_a_backend_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)  # an import of it fails
    with pytest.raises(AttuneError, match=r"index\.backend = 'openvino' needs the package openvino, .*make setup"):
        load_embedder(minilm_folder(), "openvino")


START = "We moved into the house in spring and painted every wall. " * 40


@pytest.mark.parametrize("role", [None, "query", "document"])
def test_the_end_of_a_text_counts_that_is_longer_than_the_encoder_reads(role: Role | None) -> None:
    encoder = load_embedder(minilm_folder())
    vectors = embed(encoder, [START + "My dog died yesterday.", START + "I won the lottery yesterday."], 2, role)
    assert vectors[0] @ vectors[1] < 0.99
    reader = Reader(encoder, role)
    read = reader.read(START + "My dog died yesterday.")
    assert read.endswith("painted every wall. My dog died yesterday.")
    assert encoder.max_seq_length - 8 < len(encoder.tokenizer(read)["input_ids"]) <= encoder.max_seq_length
    assert (reads_whole(encoder, START), reads_whole(encoder, "My dog died.")) == (False, True)
    assert (reader.fits(START), reader.fits("My dog died."), reader.read("My dog died.")) == (
        False,
        True,
        "My dog died.",
    )


def test_letters_of_several_tokens_are_counted_by_their_tokens() -> None:
    """A syllable of Hangul is three tokens, so that a text of fewer letters than the encoder reads may be too long."""
    encoder = load_embedder(minilm_folder())
    long = "각 " * 120
    assert len(long) < encoder.max_seq_length - 2
    assert (reads_whole(encoder, long), reads_whole(encoder, long[:120])) == (False, True)
    read = Reader(encoder, None).read(f"My dog died. {long}")
    assert "dog" not in read
    assert set(read) <= {*long}


def test_a_long_persona_leaves_the_whole_message_in_the_query() -> None:
    encoder, message = load_embedder(minilm_folder()), "My dog died yesterday."
    persona = [f"I met {number} friends in the town by the sea on a rainy weekend." for number in range(60)]
    reader, query = Reader(encoder, "query"), with_persona(encoder, message, persona, 60)
    kept = query.count("friends")
    assert reader.read(query) == query == " ".join([message, *persona[:kept]])
    assert not reader.fits(" ".join([message, *persona[: kept + 1]]))
    assert with_persona(encoder, message, persona, 2) == " ".join([message, *persona[:2]])
    assert with_persona(encoder, START, persona, 60) == START


def test_the_name_of_a_special_token_is_text() -> None:
    encoder = load_embedder(minilm_folder())
    ids = encoder.tokenizer(Reader(encoder, "query").read("what does [SEP] mean , [MASK] ?"))["input_ids"]
    assert ids.count(encoder.tokenizer.sep_token_id) == 1
    assert encoder.tokenizer.mask_token_id not in ids
    named, plain = embed(encoder, ["what does [SEP] mean ?", "what does [ SEP ] mean ?"], 2)
    assert np.allclose(named, plain, atol=1e-6)


def test_queries_and_documents_get_the_encoders_own_prompts() -> None:
    encoder = load_embedder(minilm_folder())
    assert not tells_queries_apart(encoder)
    encoder.prompts = {"query": "question: ", "passage": "answer: "}
    assert tells_queries_apart(encoder)
    by_role = {role: embed(encoder, ["a dog"], 1, role)[0] for role in (None, "query", "document")}
    written = embed(encoder, ["a dog", "question: a dog", "answer: a dog"], 1)
    assert np.allclose(list(by_role.values()), written, atol=1e-6)
    assert Reader(encoder, "query").room == Reader(encoder, None).room - 2


@pytest.mark.parametrize("lacking", [{}, {"query": "", "document": ""}], ids=["made", "loaded"])
def test_the_prompt_of_a_role_is_what_is_put_before_its_texts(lacking: dict[str, str]) -> None:
    """A loaded encoder has the prompts that it lacks as empty ones."""
    encoder, bare = load_embedder(minilm_folder()), load_embedder(minilm_folder())
    kept: list[dict[str, str]] = [{}, {"query": "question: "}, {"passage": "answer: "}, {"query": "", "corpus": "a: "}]
    for prompts, default in product(kept, (None, "query", "passage", "other")):
        encoder.prompts, encoder.default_prompt_name = {"other": "other: "} | lacking | prompts, default
        roles: list[Role | None] = [None, "query", "document"]
        for role in roles:
            written = f"{prompt_of(encoder, role)}a dog"
            assert np.allclose(embed(encoder, ["a dog"], 1, role), embed(bare, [written], 1), atol=1e-5)
        query, document = (embed(encoder, ["a dog"], 1, role) for role in roles[1:])
        assert tells_queries_apart(encoder) != np.allclose(query, document, atol=1e-5)


def test_an_encoder_that_compares_by_dot_product_keeps_its_lengths_in_a_search() -> None:
    encoder = load_embedder(minilm_folder())
    del encoder[2]  # MiniLM itself divides by the length
    assert np.isclose(np.linalg.norm(embed(encoder, ["a dog"], 1, "query")), 1)
    encoder.similarity_fn_name = "dot"
    assert not np.isclose(np.linalg.norm(embed(encoder, ["a dog"], 1, "query")), 1)
    assert np.isclose(np.linalg.norm(embed(encoder, ["a dog"], 1)), 1)


def test_code_of_the_encoders_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text('[{"path": "", "type": "custom_st.Transformer"}]')
    with pytest.raises(AttuneError, match=r"modules\.json: type names code of the model's own"):
        load_embedder(tmp_path)
