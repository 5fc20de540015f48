"""The items next to an item: siblings under its SID's prefixes, and partners in users' histories."""

from dataclasses import dataclass

import numpy as np

from sidflow.inspection.contents import Contents


@dataclass(frozen=True)
class Sibling:
    """An item that shares a prefix.

    Attributes:
        shared: Levels in common.
        distance: Between the two in the quantiser's latent space.
        cosine: Between their text vectors.
    """

    item_id: str
    title: str
    sid: str
    shared: int
    distance: float
    cosine: float


@dataclass(frozen=True)
class Partner:
    """An item that co-occurs with it in histories more than chance explains.

    Attributes:
        shared: SID levels in common.
        support: Users who have both.
        expected: Users who would by chance.
        pmi: ln(support / expected), nats.
        tier: `significant` or `top-up`.
        heldout: Kept out of every loss.
    """

    item_id: str
    title: str
    sid: str
    shared: int
    support: int
    expected: float
    pmi: float
    tier: str
    heldout: bool


def find_siblings(contents: Contents, item: int, count: int) -> tuple[Sibling, ...]:
    """At most `count` items that share the first code: longest prefix first, then nearest in latent space."""
    depths = _depths(contents, item)
    rows = np.flatnonzero(depths)
    rows = rows[rows != item]
    both = np.concatenate([[item], rows])
    vectors = np.asarray(contents.embeddings.vectors[both], np.float32)
    latents = contents.quantizer.encode(vectors)
    distances, cosines = np.linalg.norm(latents[1:] - latents[0], axis=1), vectors[1:] @ vectors[0]
    order = np.lexsort((rows, distances, -depths[rows]))[:count]
    return tuple(
        Sibling(
            item_id=contents.item_ids[int(rows[at])].as_py(),
            title=contents.titles[int(rows[at])].as_py(),
            sid=contents.sid(rows[at]),
            shared=int(depths[rows[at]]),
            distance=float(distances[at]),
            cosine=float(cosines[at]),
        )
        for at in order
    )


def find_partners(contents: Contents, item: int) -> tuple[Partner, ...]:
    """All items that it was mined with: significant ones first, by PMI."""
    pairs, depths = contents.pairs, _depths(contents, item)
    found = np.flatnonzero((pairs.a == item) | (pairs.b == item))
    found = found[np.lexsort((-pairs.pmi[found], ~pairs.significant[found]))]
    return tuple(
        Partner(
            item_id=contents.item_ids[other].as_py(),
            title=contents.titles[other].as_py(),
            sid=contents.sid(other),
            shared=int(depths[other]),
            support=int(pairs.support[at]),
            expected=float(pairs.expected[at]),
            pmi=float(pairs.pmi[at]),
            tier="significant" if pairs.significant[at] else "top-up",
            heldout=bool(pairs.heldout[at]),
        )
        for at, other in ((at, int(pairs.a[at] + pairs.b[at]) - item) for at in found)
    )


def _depths(contents: Contents, item: int) -> np.ndarray:
    """Levels that each item shares with this one, (N,)."""
    codes = contents.sids.codes
    return np.asarray(np.logical_and.accumulate(codes == codes[item], axis=1).sum(1))
