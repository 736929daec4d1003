import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attune.cobert.co_attention import match, match_blocks


def by_the_paper(x: list[list[float]], y: list[list[float]], scale: float = 1.0) -> float:
    """Section 4's equations element by element, in plain Python; no padding. `scale`: of A, 1 in the paper."""
    m, n, d = len(x), len(y), len(x[0])
    a = [[scale * sum(x[i][k] * y[j][k] for k in range(d)) for j in range(n)] for i in range(m)]

    def softmax(values: list[float]) -> list[float]:
        exponentials = [math.exp(value - max(values)) for value in values]
        return [value / sum(exponentials) for value in exponentials]

    r = [softmax(a[i]) for i in range(m)]  # m x n, over Y
    q = [softmax([a[i][j] for i in range(m)]) for j in range(n)]  # n x m, over X
    x1 = [[sum(r[i][j] * y[j][k] for j in range(n)) for k in range(d)] for i in range(m)]
    y1 = [[sum(q[j][i] * x[i][k] for i in range(m)) for k in range(d)] for j in range(n)]
    first = sum(max(x1[i][k] for i in range(m)) * max(y1[j][k] for j in range(n)) for k in range(d))

    mean_r = [sum(r[i][j] for i in range(m)) / m for j in range(n)]
    mean_q = [sum(q[j][i] for j in range(n)) / n for i in range(m)]
    weights_x = [sum(mean_r[j] * q[j][i] for j in range(n)) for i in range(m)]
    weights_y = [sum(mean_q[i] * r[i][j] for i in range(m)) for j in range(n)]
    x2 = [sum(weights_x[i] * x[i][k] for i in range(m)) for k in range(d)]
    y2 = [sum(weights_y[j] * y[j][k] for j in range(n)) for k in range(d)]
    return first + sum(x2[k] * y2[k] for k in range(d))


def sides(seed: int, rows: int, longest: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(rows, longest, 5, generator=generator, dtype=torch.float64)
    lengths = torch.randint(1, longest + 1, (rows,), generator=generator)
    lengths[0] = longest
    return states, torch.arange(longest)[None] < lengths[:, None]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 0.1, 3.0]))
def test_scores_are_the_papers(seed: int, scale: float) -> None:
    (x, x_mask), (y, y_mask) = sides(seed, 3, 6), sides(seed + 1, 4, 3)
    scores = match(x, x_mask, y, y_mask, scale) if scale != 1 else match(x, x_mask, y, y_mask)
    assert scores.shape == (3, 4)
    for i in range(3):
        for j in range(4):
            expected = by_the_paper(x[i][x_mask[i]].tolist(), y[j][y_mask[j]].tolist(), scale)
            assert abs(scores[i, j].item() - expected) < 1e-9


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(0, 9), st.integers(0, 9))
def test_padding_changes_nothing_whatever_it_holds(seed: int, more_x: int, more_y: int) -> None:
    (x, x_mask), (y, y_mask) = sides(seed, 3, 6), sides(seed + 1, 4, 3)

    def padded(states: torch.Tensor, mask: torch.Tensor, more: int) -> tuple[torch.Tensor, torch.Tensor]:
        noise = torch.full((len(states), more, 5), 37.0, dtype=torch.float64)
        filled = states.masked_fill(~mask[..., None], -51.0)
        return torch.cat([filled, noise], 1), torch.cat([mask, torch.zeros(len(mask), more, dtype=torch.bool)], 1)

    scores = match(*padded(x, x_mask, more_x), *padded(y, y_mask, more_y))
    torch.testing.assert_close(scores, match(x, x_mask, y, y_mask), rtol=0, atol=1e-9)


def test_a_pair_does_not_depend_on_the_others_nor_on_their_order() -> None:
    (x, x_mask), (y, y_mask) = sides(1, 3, 6), sides(2, 4, 3)
    whole = match(x, x_mask, y, y_mask)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(match(x, x_mask, y[order], y_mask[order]), whole[:, order])
    torch.testing.assert_close(match(x[1:2], x_mask[1:2], y[3:], y_mask[3:]), whole[1:2, 3:])


def test_rows_in_groups_score_as_all_at_once() -> None:
    (x, x_mask), (y, y_mask) = sides(1, 11, 6), sides(2, 4, 3)
    x_mask[3] = False
    for scale in (1.0, 0.1):
        torch.testing.assert_close(match_blocks(x, x_mask, y, y_mask, scale), match(x, x_mask, y, y_mask, scale))


def test_tokens_that_look_at_all_alike_score_as_means_do() -> None:
    (x, _), (y, _) = sides(1, 3, 6), sides(2, 4, 3)
    everywhere = (torch.ones(3, 6, dtype=torch.bool), torch.ones(4, 3, dtype=torch.bool))
    scores = match(x, everywhere[0], y, everywhere[1], 1e-9)
    torch.testing.assert_close(scores, 2 * x.mean(1) @ y.mean(1).T, rtol=0, atol=1e-6)


def test_a_side_without_positions_scores_nothing_and_has_finite_gradients() -> None:
    (x, x_mask), (y, y_mask) = sides(1, 3, 6), sides(2, 4, 3)
    x_mask[1] = False
    x.requires_grad_()
    scores = match(x, x_mask, y, y_mask)
    assert scores[1].tolist() == [0.0] * 4
    assert (scores[0] != 0).all()
    scores.logsumexp(1).sum().backward()
    assert torch.isfinite(x.grad).all()
