"""What two samples say together, and of the settings: whether items are known, texts exist and codes suffice."""

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from sidflow.config import Config
from sidflow.embedding.blocks import read_block
from sidflow.embedding.text import render_texts
from sidflow.quantizer.checks import check_codebooks
from sidflow.setup.looked import Looks


def check(looks: Looks, config: Config, shown: int) -> None:
    """Note in `looks` what both samples say together, and what stands against a run.

    Args:
        looks: What was read.
        config: The configuration.
        shown: Items whose embedding text is made.
    """
    _compare(looks, config)
    if looks.catalogue.cleaned.num_rows:
        looks.collect(partial(_render, looks, config, shown))
        for name in config.embedding.vectors:
            looks.collect(partial(_block, looks, name))
        if looks.catalogue.complete:
            items = looks.catalogue.cleaned.num_rows
            looks.collect(partial(check_codebooks, items, config.quantizer.codebooks))
    _weigh_rejects(looks)


def _compare(looks: Looks, config: Config) -> None:
    """Whether the items of the log are in the catalogue, and whether enough users have enough events."""
    rows, items = looks.interactions.cleaned, looks.catalogue.cleaned
    if not rows.num_rows or not items.num_rows:
        return
    known = pc.is_in(rows["item_id"], value_set=items["item_id"].combine_chunks())
    looks.known_share = float(pc.mean(known.cast(pa.float64())).as_py())
    looks.unknown = tuple(pc.unique(rows["item_id"].filter(pc.invert(known)))[:5].to_pylist())
    limit = config.histories.gate.max_unknown_item_share
    if 1 - looks.known_share > limit and looks.catalogue.complete:
        looks.warnings.append(
            f"{1 - looks.known_share:.1%} of the interactions read are with items that are not in the catalogue, such "
            f"as {', '.join(map(repr, looks.unknown))}; the gate allows {limit:.1%}. Do both write ids alike? Complete "
            "the catalogue, or raise histories.gate.max_unknown_item_share."
        )
    if looks.interactions.complete:
        events = pc.value_counts(rows["user_id"]).field("counts")
        users = pc.sum(pc.greater_equal(events, config.histories.min_user_events)).as_py() or 0
        if users < config.histories.gate.min_users:
            looks.warnings.append(
                f"{users} users have {config.histories.min_user_events} interactions or more; the gate asks for "
                f"{config.histories.gate.min_users}. Lower histories.min_user_events, or give a longer log."
            )


def _render(looks: Looks, config: Config, shown: int) -> None:
    looks.texts = tuple(render_texts(looks.catalogue.cleaned[:shown], config.embedding.template))


def _block(looks: Looks, name: str) -> None:
    _, without = read_block(looks.catalogue.cleaned, name)
    if without:
        looks.warnings.append(f"catalogue column '{name}': {without:,} of the items read have no vector there.")


def _weigh_rejects(looks: Looks) -> None:
    for kind, look in (("interactions", looks.interactions), ("catalogue", looks.catalogue)):
        if look.reject_share > look.limit:
            share = f"{look.reject_share:.1%} of the rows read are rejected"
            looks.warnings.append(
                f"{look.path}: {share}; the gate allows {look.limit:.1%}. "
                f"If the rest is alike it will refuse: mend the rows, or raise {kind}.gate.max_reject_share."
            )
        if look.source_rows and not look.cleaned.num_rows:
            looks.warnings.append(f"{look.path}: no row of the {look.source_rows:,} read counts. Check {kind}.columns.")
