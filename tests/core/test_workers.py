"""Pieces of work on several cores: at once, in order, and to the same bits as one after another."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from attune.core import cores, workers

CPU = torch.device("cpu")


@pytest.fixture(params=[2, 3])
def count(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv(cores.WORKERS, str(request.param))
    return request.param


def test_pieces_are_computed_at_once_and_come_in_their_order(count: int) -> None:
    meeting = threading.Barrier(count, timeout=20)  # breaks unless so many are at work

    def piece(number: int) -> int:
        meeting.wait()
        return -number

    assert list(workers.spread(piece, range(4 * count), CPU)) == [-number for number in range(4 * count)]


def test_pieces_are_not_all_begun_before_the_first_result_is_used(count: int) -> None:
    taken = []

    def parts() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    assert next(workers.spread(abs, parts(), CPU)) == 0
    assert len(taken) == 2 * count + 1


@pytest.mark.usefixtures("count")
def test_a_piece_s_own_pieces_are_computed_by_its_thread() -> None:
    """Otherwise all threads might wait for pieces that none of them is free to compute."""

    def names(numbers: range) -> list[str]:
        return list(workers.spread(lambda _: threading.current_thread().name, numbers, CPU))

    for found in workers.spread(names, [range(3)] * 12, CPU):
        assert len(set(found)) == 1
        assert found[0].startswith("worker")


@pytest.mark.usefixtures("count")
def test_a_gpu_s_pieces_are_begun_one_after_another() -> None:
    found = workers.spread(lambda _: threading.current_thread(), range(3), torch.device("cuda"))
    assert set(found) == {threading.current_thread()}


@pytest.mark.usefixtures("count")
@pytest.mark.parametrize("wanted", [True, False])
def test_gradients_are_wanted_where_the_caller_wants_them(wanted: bool) -> None:
    with torch.set_grad_enabled(wanted):
        assert set(workers.spread(lambda _: torch.is_grad_enabled(), range(5), CPU)) == {wanted}


@pytest.mark.usefixtures("count")
def test_an_error_of_a_piece_is_the_caller_s() -> None:
    with pytest.raises(ZeroDivisionError):
        list(workers.spread(lambda number: 1 // (3 - number), range(5), CPU))


@pytest.mark.usefixtures("count")
def test_a_fork_has_workers_of_its_own() -> None:
    """Threads end in a fork, and a pool of threads that have ended would never answer."""
    list(workers.spread(abs, range(5), CPU))
    child = os.fork()
    if child == 0:
        signal.alarm(5)  # rather than wait for ever
        found = list(workers.spread(abs, range(-5, 0), CPU))
        os._exit(0 if found == [5, 4, 3, 2, 1] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def gradients(number: int, of_parts: bool) -> list[Tensor]:
    """Output and gradients of eight parts of different size, each through the same layers, `number` at once."""
    generator = torch.Generator().manual_seed(1)
    layers = nn.Sequential(nn.Linear(33, 65), nn.GELU(), nn.LayerNorm(65), nn.Linear(65, 33))
    with torch.no_grad():
        for weights in layers.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator))
    states = torch.randn(190, 33, generator=generator, requires_grad=of_parts)
    layers[0].weight.requires_grad_(False)
    shared = list(layers.parameters())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cores.WORKERS, str(number))
        parts = states.split([5, 9, 16, 20, 25, 30, 40, 45])
        found = workers.spread_graphs(lambda place, part: layers(part) * (place + 1), parts, shared)
        torch.cat(found).square().sum().backward()
    return [torch.cat(found), *(each.grad for each in shared[1:]), *([states.grad] if of_parts else [])]


@pytest.mark.parametrize("of_parts", [True, False])
def test_graphs_have_the_bits_of_a_plain_loop(count: int, of_parts: bool) -> None:
    """Also where a part is no leaf, takes no gradient, or a layer is frozen."""
    expected, found = gradients(1, of_parts), gradients(count, of_parts)
    assert len(expected) == 6 + of_parts
    assert all(torch.equal(*pair) for pair in zip(expected, found, strict=True))


@pytest.mark.parametrize(
    ("named", "threads", "processes", "expected"),
    [("", 1, None, 8), ("", 2, None, 4), ("", 1, "4", 2), ("", 16, None, 1), ("3", 2, "4", 3), ("0", 1, None, 8)],
)
def test_the_workers_share_eight_cores(
    monkeypatch: pytest.MonkeyPatch, named: str, threads: int, processes: str | None, expected: int
) -> None:
    """named: in the environment; processes: that a launcher started."""
    monkeypatch.setattr(cores, "usable", lambda: 8)
    monkeypatch.setenv(cores.WORKERS, named)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if processes:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
    assert cores.workers(threads) == expected
