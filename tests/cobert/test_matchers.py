import math
from statistics import fmean
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BertConfig, BertModel

from attune.cobert.co_attention import match
from attune.cobert.matchers import MATCHERS, PolyEncoder, Side, means, part_means

WIDTH, SCALE = 5, 0.5


def side(seed: int, rows: int, longest: int, empty: bool = False) -> Side:
    """Random states in rows of several lengths, each in parts of two tokens; the last row of none, where asked."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, longest + 1, (rows,), generator=generator)
    lengths[0] = longest
    if empty:
        lengths[-1] = 0
    mask = torch.arange(longest)[None] < lengths[:, None]
    states = torch.randn(rows, longest, WIDTH, generator=generator, dtype=torch.float64)
    return Side(states, mask, torch.where(mask, torch.arange(longest)[None] // 2, -1))


def padded(given: Side, more: int) -> Side:
    def longer(tensor: torch.Tensor, value: float) -> torch.Tensor:
        width = (0, 0, 0, more) if tensor.dim() == 3 else (0, more)
        return torch.nn.functional.pad(tensor, width, value=value)

    return Side(longer(given.states, 37.0), longer(given.mask, 0), longer(given.parts, -1))


def matcher(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    shape = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 1, "intermediate_size": 8}
    encoder = BertModel(BertConfig(vocab_size=10, **shape), add_pooling_layer=False).eval()
    built = MATCHERS[name](encoder, SimpleNamespace(attention_scale=SCALE, frozen_layers=1)).double()
    if name == "joint":  # every term takes part
        with torch.no_grad():
            built.weights.copy_(torch.tensor([0.7, 1.1, -0.4, 0.3, 0.5]))
    return built


@pytest.mark.parametrize("name", MATCHERS)
@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_scores_depend_on_neither_padding_nor_batch_nor_order(
    name: str, seed: int, more_x: int, more_p: int, more_y: int
) -> None:
    x, p, y = side(seed, 3, 6), side(seed + 1, 3, 7, empty=True), side(seed + 2, 4, 3)
    model = matcher(name)
    with torch.no_grad():
        whole = model(x, p, y)
        wider = model(padded(x, more_x), padded(p, more_p), padded(y, more_y))
        order = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
        alone = torch.cat([model(x[row : row + 1], p[row : row + 1], y[order]) for row in range(3)])
    assert whole.shape == (3, 4)
    torch.testing.assert_close(wider, whole, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(alone, whole[:, order], rtol=1e-9, atol=1e-9)


def test_a_persona_of_no_sentence_adds_nothing() -> None:
    x, y = side(1, 2, 4), side(2, 3, 3)
    nobody = Side(
        torch.zeros(2, 1, WIDTH, dtype=torch.float64), torch.zeros(2, 1, dtype=torch.bool), torch.full((2, 1), -1)
    )
    with torch.no_grad():
        alone = match(x.states, x.mask, y.states, y.mask, SCALE)
        assert torch.allclose(matcher("co_attention")(x, nobody, y), alone)
        assert torch.allclose(matcher("bi_encoder")(x, nobody, y), means(x) @ means(y).T)
        joint = matcher("joint")
        joint.weights[[0, 2, 3, 4]] = 0
        assert torch.equal(joint(x, nobody, y), torch.zeros(2, 3, dtype=torch.float64))


def test_means_by_hand() -> None:
    given = side(3, 3, 5)
    for row in range(3):
        real = given.states[row][given.mask[row]]
        torch.testing.assert_close(means(given)[row], real.mean(0))
        found, there = part_means(given)
        pairs = [real[start : start + 2].mean(0) for start in range(0, len(real), 2)]
        assert there[row].sum() == len(pairs)
        torch.testing.assert_close(found[row, : len(pairs)], torch.stack(pairs))


def test_the_poly_encoder_is_the_paper_s() -> None:
    x, p, y = side(4, 2, 4), side(5, 2, 3), side(6, 3, 2)
    model = matcher("poly_encoder")
    assert model.codes.shape == (PolyEncoder.CODES, WIDTH)
    found = model(x, p, y)

    def softmax(values: list[float]) -> list[float]:
        total = sum(map(math.exp, values))
        return [math.exp(value) / total for value in values]

    for row in range(2):
        for column in range(3):
            reply = y.states[column][y.mask[column]].mean(0)
            expected = 0.0
            for part in (x, p):
                real = part.states[row][part.mask[row]]
                vectors = []
                for code in model.codes:
                    shares = softmax([float(code @ state) for state in real])
                    vectors.append(sum(share * state for share, state in zip(shares, real, strict=True)))
                shares = softmax([float(vector @ reply) for vector in vectors])
                expected += float(sum(share * (vector @ reply) for share, vector in zip(shares, vectors, strict=True)))
            assert found[row, column].item() == pytest.approx(expected, abs=1e-9)


def test_max_sim_is_the_mean_of_each_token_s_best_cosine() -> None:
    x, p, y = side(10, 2, 5), side(11, 2, 4, empty=True), side(12, 3, 3)
    found = matcher("max_sim")(x, p, y)
    for row in range(2):
        for column in range(3):
            replies, expected = y.states[column][y.mask[column]], 0.0
            for part in (x, p):
                tokens = part.states[row][part.mask[row]]
                best = [float(torch.cosine_similarity(token[None], replies).max()) for token in tokens]
                expected += fmean(best) if best else 0.0
            assert found[row, column].item() == pytest.approx(expected, abs=1e-6)


def test_the_joint_score_is_cosines_and_late_interaction() -> None:
    x, p, y = side(7, 2, 5), side(8, 2, 6), side(9, 3, 3)
    model = matcher("joint")
    found = model(x, p, y)

    def cosine(one: torch.Tensor, other: torch.Tensor) -> float:
        return float(torch.nn.functional.cosine_similarity(one, other, dim=0))

    for row in range(2):
        for column in range(3):
            tokens = y.states[column][y.mask[column]]
            reply = tokens.mean(0)
            real, parts = x.states[row][x.mask[row]], x.parts[row][x.mask[row]]
            sentences, places = p.states[row][p.mask[row]], p.parts[row][p.mask[row]]
            terms = (
                cosine(real[parts == parts.max()].mean(0), reply),
                max(cosine(sentences[places == place].mean(0), reply) for place in places.unique()),
                cosine(real.mean(0), reply),
                fmean(max(cosine(token, other) for other in real) for token in tokens),
                fmean(max(cosine(token, other) for other in tokens) for token in real),
            )
            expected = sum(weight * term for weight, term in zip(model.weights.tolist(), terms, strict=True))
            assert found[row, column].item() == pytest.approx(expected, abs=1e-6)
