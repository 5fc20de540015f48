"""What two samples say together, and of the settings: whether items are known, texts exist and codes suffice."""

import os
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sidflow.config import Config
from sidflow.embedding.blocks import read_block
from sidflow.embedding.text import render_texts
from sidflow.quantizer.checks import check_codebooks, check_room
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
            looks.collect(partial(check_room, items, config.quantizer.codebooks, config.semantic_ids.uniqueness))
    _weigh_rejects(looks)
    _room(looks, config.store.root)


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
            (looks.warnings if users else looks.problems).append(
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
            doubt = "It" if look.complete else "If the rest is alike it"
            looks.warnings.append(
                f"{look.path}: {share}; the gate allows {look.limit:.1%}. "
                f"{doubt} will refuse: mend the rows, or raise {kind}.gate.max_reject_share."
            )
        if look.complete and not look.source_rows:
            looks.problems.append(
                f"{look.path}: {look.files} file{'s' * (look.files != 1)} without a single row; allowed is one row or "
                f"more. Check {kind}.path."
            )
        elif look.source_rows and not look.cleaned.num_rows:
            sound = look.not_kept and not look.rejects.num_rows
            step = "Change interactions.keep to what the log holds." if sound else f"Check {kind}.columns."
            (looks.problems if look.complete else looks.warnings).append(
                f"{look.path}: no row of the {look.source_rows:,} read counts. {step}"
            )


def _room(looks: Looks, root: str) -> None:
    """Whether a store on this machine could be written; its folder need not be there yet."""
    name = root.removeprefix("file://")
    if "://" in name or "::" in name:
        return
    path = Path(name).absolute()
    nearest = next(each for each in (path, *path.parents) if os.path.lexists(each))
    if not nearest.is_dir():
        looks.problems.append(
            f"store.root: {nearest} is no folder, so no store can be at {root}. Move it, or set store.root elsewhere."
        )
    elif not os.access(nearest, os.W_OK | os.X_OK):
        looks.problems.append(
            f"store.root: {nearest} cannot be written by this user. Give the right to, or set store.root elsewhere."
        )
