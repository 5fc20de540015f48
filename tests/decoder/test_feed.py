"""What an epoch is fed with: every target once, in one block or many, from the start or from the middle."""

from typing import Any

import numpy as np
import pytest

from sidflow.decoder import feed as module
from sidflow.decoder.feed import Feed, Prepared
from sidflow.decoder.team import Team
from sidflow.histories.blocks import user_blocks
from tests.decoder.worlds import planted_dataset, random_decoder

DATASET, VECTORS = planted_dataset()
TRAINED = np.unique(DATASET.histories.items)


def feed(team: Team | None = None, **settings: object) -> Feed:
    """Of the small world, with candidates drawn where 20 are asked for."""
    decoder = random_decoder(DATASET.sids, VECTORS.shape[1], batch_positions=40, **settings)
    return Feed(decoder, DATASET.histories, VECTORS, TRAINED, np.random.default_rng(0), team)


def targets() -> list[int]:
    """Training targets, one by one."""
    histories = DATASET.histories
    rows = zip(histories.offsets[:-1], histories.n_train, strict=True)
    return sorted(int(item) for start, n in rows for item in histories.items[start + 1 : start + max(n, 1)])


def told(prepared: Prepared) -> list[Any]:
    """All that a step is given."""
    return [each.tolist() for each in (*prepared.batch, prepared.candidates.items)]


@pytest.fixture(params=[None, 300, 50])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log in one block, in a few, in many."""
    if request.param:
        monkeypatch.setattr(module, "user_blocks", lambda histories: user_blocks(histories, request.param))


@pytest.mark.usefixtures("blocks")
def test_every_target_once_an_epoch() -> None:
    """In each of several epochs, in another order."""
    source = feed(dense_candidates=20)
    epochs = [[int(each) for step in source.epoch() for each in step.batch.targets] for _ in range(3)]
    assert all(sorted(each) == targets() for each in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("candidates", [20, 4_000])
def test_an_epoch_goes_on_from_every_batch(candidates: int) -> None:
    """What follows a state is what would have followed, in this epoch and the next."""
    whole = feed(dense_candidates=candidates)
    steps, states = [], []
    for _ in range(2):
        for step in whole.epoch():
            steps.append(told(step))
            states.append(whole.state())
    for done in range(0, len(states) // 2, 3):
        again = feed(dense_candidates=candidates)
        again.restore(states[done])
        rest = [told(step) for _ in range(2) for step in again.epoch()]
        assert rest == steps[done + 1 :]


def test_steps_are_counted() -> None:
    """As many as an epoch has, where no history is longer than a window."""
    source = feed()
    source.decoder.max_items = 1_000
    assert source.steps() == sum(1 for _ in source.epoch())


@pytest.mark.parametrize("size", [2, 3])
def test_a_team_shares_every_batch(size: int) -> None:
    """All see the same candidates; each has other windows; shares weigh the means to that of the whole."""
    teams = [Team() for _ in range(size)]
    for rank, team in enumerate(teams):
        team.rank, team.size = rank, size
    alone = feed(dense_candidates=20).epoch()
    for whole, *parts in zip(alone, *(feed(team, dense_candidates=20).epoch() for team in teams), strict=True):
        assert all(part.candidates.items.tolist() == whole.candidates.items.tolist() for part in parts)
        assert all(part.targets == len(whole.batch.targets) for part in parts)
        assert sum(part.share for part in parts) == pytest.approx(1.0)
        shared = [int(each) for part in parts if part.share for each in part.batch.targets]
        assert sorted(shared) == sorted(whole.batch.targets.tolist())
