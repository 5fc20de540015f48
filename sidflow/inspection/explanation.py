"""Why an item has its SID: its text, its prefixes, its siblings and its mined partners."""

from dataclasses import dataclass

import numpy as np

from sidflow.artifacts import Store
from sidflow.availability import availability_files, live_availability
from sidflow.catalogue.availability import mask_items, read_availability
from sidflow.config import CatalogueConfig
from sidflow.embedding.text import render_texts
from sidflow.inspection.contents import Contents, sid_text
from sidflow.inspection.lookup import find_item
from sidflow.inspection.neighbours import Partner, Sibling, find_partners, find_siblings
from sidflow.inspection.quantised import Quantisation, quantisation_of
from sidflow.release import Release

SHOWN = 10


@dataclass(frozen=True)
class Prefix:
    """One prefix of the item's SID.

    Attributes:
        prefix: Its codes, "12-7".
        topic: The topic it was named by.
        items: How many items share it, the item included.
        titles: Titles typical of it, at most three; none of a prefix that takes the name above it.
    """

    prefix: str
    topic: str
    items: int
    titles: tuple[str, ...]


@dataclass(frozen=True)
class Popularity:
    """Interactions with the item in the histories, and its rank by those for training, 1 being the highest."""

    training: int
    all: int
    rank: int
    items: int


@dataclass(frozen=True)
class Explanation:
    """All that a release knows of an item, and whether it may be recommended; `partners_found` counts all of them."""

    release: str
    item_id: str
    title: str
    text: str
    available: bool
    sid: str
    prefixes: tuple[Prefix, ...]
    quantisation: Quantisation
    popularity: Popularity
    siblings: tuple[Sibling, ...]
    partners: tuple[Partner, ...]
    partners_found: int


def explain(
    store: Store, release: Release, wanted: str, count: int = SHOWN, catalogue: CatalogueConfig | None = None
) -> Explanation:
    """What a release knows of an item.

    Args:
        store: Where the release is.
        release: Which one.
        wanted: An item's id, its title, or a part of a title that no other has.
        count: Most siblings and most partners.
        catalogue: Where the item files are, for whether it is available now; None: as the release knows it.

    Raises:
        DataContractError: If no item, or more than one, is meant.
        MissingArtifact: If a part of the release was collected.
    """
    contents = Contents(store, release)
    item = find_item(contents.item_ids, contents.titles, wanted)
    template = store.manifest(release.artifact("embeddings")).identity["template"]
    row = contents.catalogue.slice(item, 1)
    partners = find_partners(contents, item)
    return Explanation(
        release=release.id,
        item_id=contents.item_ids[item].as_py(),
        title=contents.titles[item].as_py(),
        text=render_texts(row, template)[0],
        available=_available(contents, item, catalogue),
        sid=contents.sid(item),
        prefixes=_prefixes(contents, item),
        quantisation=quantisation_of(contents, item),
        popularity=_popularity(contents, item),
        siblings=find_siblings(contents, item, count),
        partners=partners[:count],
        partners_found=len(partners),
    )


def _available(contents: Contents, item: int, catalogue: CatalogueConfig | None) -> bool:
    if catalogue is not None:
        return bool(live_availability(contents.store, contents.release, catalogue, contents.item_ids)[item])
    known = read_availability(availability_files(contents.store, contents.release))
    return bool(mask_items(contents.item_ids, known, known)[item])


def _prefixes(contents: Contents, item: int) -> tuple[Prefix, ...]:
    codes = contents.sids.codes
    shared = np.logical_and.accumulate(codes == codes[item], axis=1).sum(0)
    path = tuple(codes[item].tolist())
    return tuple(
        Prefix(
            prefix=sid_text(codes[item, :level]),
            topic=topic,
            items=int(items),
            titles=contents.typical_titles.get(path[:level], ()),
        )
        for level, (topic, items) in enumerate(zip(contents.topics(item), shared, strict=True), start=1)
    )


def _popularity(contents: Contents, item: int) -> Popularity:
    counts = contents.popularity
    everything = int((contents.histories.items == item).sum())
    return Popularity(int(counts[item]), everything, int((counts > counts[item]).sum()) + 1, len(counts))
