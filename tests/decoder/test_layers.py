"""The history encoder: causal, blind to padding, counted from the newest item."""

import torch
from torch.nn import functional

from sidflow.decoder.layers import HistoryEncoder, causal_attention


def encoder() -> HistoryEncoder:
    """A small encoder in evaluation mode."""
    torch.manual_seed(0)
    return HistoryEncoder(dim=8, layers=2, heads=2, dropout=0.5, max_items=6).eval()


def test_attention_is_torch_s() -> None:
    """The written-out products equal torch's kernel."""
    query, key, value = torch.randn(3, 2, 4, 5, 8).unbind(0)
    expected = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    torch.testing.assert_close(causal_attention(query, key, value), expected)


def test_later_items_do_not_change_earlier_states() -> None:
    """At equal length, a state depends on items up to its own only."""
    vectors = torch.randn(1, 5, 8)
    changed = vectors.clone()
    changed[0, 3:] = 1.0
    lengths = torch.tensor([5])
    first, second = encoder()(vectors, lengths), encoder()(changed, lengths)
    assert torch.equal(first[0, :3], second[0, :3])
    assert not torch.allclose(first[0, 3], second[0, 3])


def test_padding_changes_nothing() -> None:
    """A history beside longer ones has the states that it has alone."""
    vectors = torch.randn(2, 5, 8)
    together = encoder()(vectors, torch.tensor([3, 5]))
    alone = encoder()(vectors[:1, :3], torch.tensor([3]))
    torch.testing.assert_close(together[0, :3], alone[0], rtol=1e-5, atol=1e-6)


def test_positions_count_back_from_the_newest() -> None:
    """The newest item has position 0 whatever the length."""
    model = encoder()
    vectors = torch.randn(1, 6, 8)
    before = model(vectors[:, :2], torch.tensor([2]))
    with torch.no_grad():
        model.positions.weight[2:] += 1.0
    assert torch.equal(model(vectors[:, :2], torch.tensor([2])), before)
    assert not torch.equal(model(vectors, torch.tensor([6]))[:, 1], encoder()(vectors, torch.tensor([6]))[:, 1])


def test_the_newest_state_alone_is_that_of_all() -> None:
    """Whatever the padding, and with a single item."""
    vectors, lengths = torch.randn(3, 5, 8), torch.tensor([3, 5, 1])
    model = encoder()
    every = model(vectors, lengths)
    torch.testing.assert_close(model.newest(vectors, lengths), every[torch.arange(3), lengths - 1])
    shallow = HistoryEncoder(dim=8, layers=1, heads=2, dropout=0.5, max_items=6).eval()
    torch.testing.assert_close(shallow.newest(vectors, lengths), shallow(vectors, lengths)[range(3), lengths - 1])
