"""Sizes that fit the number of items."""

import math

DEFAULT = (256, 256, 256)
_LARGEST = 4_096


def fitting_codebooks(items: int) -> tuple[int, ...]:
    """Codes per level for a catalogue: the default where at least four items share a first code and 3 x 256 suffice.

    A level may not have more codes than there are items, and there must be more SIDs than items; four times as many
    leave every item one near its own place.

    Args:
        items: Items of the catalogue; at least 1.
    """
    if 4 * DEFAULT[0] <= items <= 400_000:
        return DEFAULT
    size = 2 ** max(1, math.floor(math.log2(max(items / 4, 2))))
    if items > DEFAULT[0] * 4:
        size = min(2 ** math.ceil(math.log2(items / 1_000)), _LARGEST)
    while size**3 < 4 * items and 2 * size <= items:
        size *= 2
    levels = 3
    while size**levels < 4 * items and levels < 8:
        levels += 1
    return (min(size, max(items, 1)),) * levels
