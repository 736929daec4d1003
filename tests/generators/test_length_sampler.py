from attune.generators.length_sampler import LengthGrouped

LENGTHS = [at % 7 + 1 for at in range(450)]


def order(seed: int, epoch: int) -> list[int]:
    sampler = LengthGrouped(LENGTHS, batch_size=4, seed=seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_an_epoch_reads_every_row_once_in_an_order_of_its_own() -> None:
    assert sorted(order(1, 0)) == list(range(450))
    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_a_batch_holds_rows_of_like_length() -> None:
    places = order(1, 0)
    spreads = [
        max(lengths) - min(lengths)
        for at in range(0, 448, 4)
        for lengths in [[LENGTHS[place] for place in places[at : at + 4]]]
    ]
    assert sum(spreads) / len(spreads) < 0.5
