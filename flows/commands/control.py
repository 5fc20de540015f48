"""What `sidflow recommend` says about the lists it wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sidflow.errors import ConfigError

if TYPE_CHECKING:
    from sidflow.decoder.spread import Spread
    from sidflow.recommender import Filters, Recommender

Where = dict[str, list[str]]
Like = tuple[str, int] | None


def parse_where(given: Sequence[str]) -> Where:
    """Columns and their values; a column that is given twice may have either value.

    Raises:
        ConfigError: If one is not COLUMN=VALUE.
    """
    where: Where = {}
    for each in given:
        column, sign, value = each.partition("=")
        if not (sign and column.strip() and value.strip()):
            raise ConfigError(f"recommend: --where {each!r} is not COLUMN=VALUE, such as category=Shampoos.")
        where.setdefault(column.strip(), []).append(value.strip())
    return where


def parse_prefix(given: str | None) -> tuple[int, ...]:
    """The codes of "12-7".

    Raises:
        ConfigError: If they are not numbers with hyphens between.
    """
    if given is None:
        return ()
    codes = given.split("-")
    if not all(code.isdecimal() for code in codes):
        raise ConfigError(f"recommend: --prefix {given!r} is not the beginning of a SID, such as 12 or 12-7.")
    return tuple(int(code) for code in codes)


def parse_like(given: str | None) -> Like:
    """Item and number of codes of "B000:2"; one code if none is said. An id may hold colons itself."""
    if given is None:
        return None
    item, sign, depth = given.rpartition(":")
    return (item, int(depth)) if sign and depth.isdecimal() else (given, 1)


def make_control(
    recommender: Recommender,
    where: Where,
    prefix: tuple[int, ...],
    like: Like,
    without: Sequence[str],
    quota: int | None,
    temperatures: Sequence[float],
) -> tuple[Filters | None, Spread | None]:
    """Filters and spread, each None where nothing was asked for.

    Raises:
        ConfigError: If both a prefix and an item to be like were given.
        DataContractError: If the item to be like is unknown.
    """
    from sidflow.decoder.spread import Spread
    from sidflow.recommender import Filters

    if prefix and like:
        raise ConfigError("recommend: give --prefix or --like, not both; --like ITEM:2 is the prefix of that item.")
    if like:
        prefix = recommender.prefix_of(*like)
    filters = Filters(where, prefix, None, without) if where or prefix or without else None
    spread = Spread(tuple(temperatures), quota) if quota is not None or temperatures else None
    return filters, spread
