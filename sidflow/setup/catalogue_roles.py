"""Which columns of a catalogue are id, title, text, vectors, and what says when an item may be shown."""

import re
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sidflow.setup.choice import Choice, Scored, best, named
from sidflow.setup.links import Link
from sidflow.setup.names import likeness
from sidflow.setup.profile import Column

_FLAGS = frozenset({"true", "false", "t", "f", "yes", "no", "y", "n", "1", "0", "1.0", "0.0"})
_OTHER_FLAGS = "on off ja nein wahr falsch oui non vrai faux sí si verdadero falso vero sim não"
_TEMPLATE_MARKS = frozenset("{}!:[")  # what a template cannot have in a name
_MOST_TEXTS = 6
_LONG = 25
_COMPARED = 1_000
_WORD = re.compile(r"\w{3,}")


class CatalogueRoles(NamedTuple):
    """Columns of the catalogue by role.

    Attributes:
        item: The id.
        title: The title.
        available_from: A time that is called like one from which items exist.
        available: A flag that is called like one.
        texts: What belongs into the embedding's template beside the title, short ones first.
        unnameable: What would, if a template could name it.
        vectors: Columns of precomputed vectors.
        maybe: Role to a column whose content would fit `available_from` or `available`, but not its name.
    """

    item: Choice | None
    title: Choice | None
    available_from: Choice | None
    available: Choice | None
    texts: tuple[str, ...]
    unnameable: tuple[str, ...]
    vectors: tuple[str, ...]
    maybe: dict[str, str]


def guess_catalogue(columns: list[Column], links: list[Link], item: Choice | None = None) -> CatalogueRoles:
    """Guess the columns of a catalogue.

    Args:
        columns: Its columns.
        links: What the log shares with it, best first.
        item: The id, if it is known.
    """
    item = item or (_linked(links) if links else _item(columns))
    rest = [each for each in columns if item is None or each.name != item.column]
    title = _title(rest)
    rest = [each for each in rest if title is None or each.name != title.column]
    late, flag = _times(rest), _flags(rest)
    called_late = [each for each in late if likeness(each.name, "available_from") == 1]
    called_flag = [each for each in flag if likeness(each.name, "available") == 1]
    maybe = {} if called_late or not late else {"available_from": late[0].name}
    maybe |= {} if called_flag or not flag else {"available": flag[0].name}
    texts = _texts(rest, next((each for each in columns if title is not None and each.name == title.column), None))
    return CatalogueRoles(
        item=item,
        title=title,
        available_from=_only(called_late, "its name, and its values are times"),
        available=_only(called_flag, "its name, and its values are flags"),
        texts=_by_length([each for each in texts if not _TEMPLATE_MARKS & set(each.name)]),
        unnameable=_by_length([each for each in texts if _TEMPLATE_MARKS & set(each.name)]),
        vectors=tuple(each.name for each in columns if _is_block(each)),
        maybe=maybe,
    )


def _linked(links: list[Link]) -> Choice:
    first = links[0]
    why = f"{first.covered:.0%} of its ids are in the log's column '{first.log.name}'"
    return Choice(first.catalogue.name, why)


def _item(columns: list[Column]) -> Choice | None:
    """Ids nearly all distinct and short; names decide between several."""
    found = []
    for each in columns:
        if each.is_vector or each.filled < 0.9 or each.words > 1.5 or each.fractional or each.times is not None:
            continue
        score = likeness(each.name, "item") + each.uniqueness
        if each.uniqueness >= 0.9:
            found.append(Scored(score, each, f"{named(each, 'item')}{each.uniqueness:.0%} of its values are distinct"))
    return best(found)


def _title(columns: list[Column]) -> Choice | None:
    """Mostly distinct text of a few words."""
    found = []
    for each in columns:
        if not each.is_prose or each.filled < 0.3:
            continue
        wordy = min(each.words - 1, 2) / 2 if each.words <= _LONG else 0.3
        spaced = 1.0 if each.words > 1.1 else 0.3  # codes are distinct, too
        score = likeness(each.name, "title") + each.uniqueness * spaced + 0.5 * wordy + 0.2 * each.filled
        why = f"text of {each.words:.1f} words, {each.uniqueness:.0%} of them distinct"
        found.append(Scored(score - 0.004 * each.length, each, f"{named(each, 'title')}{why}"))
    return best(found)


def _times(columns: list[Column]) -> list[Column]:
    return [each for each in columns if each.times is not None and each.times.share > 0.95]


def _flags(columns: list[Column]) -> list[Column]:
    return [each for each in columns if _is_flag(each)]


def _is_flag(column: Column, words: frozenset[str] = _FLAGS) -> bool:
    if column.is_vector or column.distinct > 4:
        return False
    return {str(each).lower() for each in pc.unique(column.values.drop_null()).to_pylist()} <= words


def _only(columns: list[Column], why: str) -> Choice | None:
    if not columns:
        return None
    return Choice(columns[0].name, why, columns[1].name if len(columns) > 1 else None)


def _texts(columns: list[Column], title: Column | None) -> list[Column]:
    """Text that says something of an item: no ids, flags, single values, or repetitions of the title."""
    return [
        each
        for each in columns
        if each.is_prose
        and each.filled >= 0.02
        and each.distinct > 1
        and not _is_flag(each, _FLAGS | set(_OTHER_FLAGS.split()))
        and not _is_code(each)
        and not (title is not None and _repeats(each, title))
    ]


def _by_length(chosen: list[Column]) -> tuple[str, ...]:
    """The names of those that say most, short texts first."""
    chosen.sort(key=lambda each: (-likeness(each.name, "text"), each.length, each.looked_at[:20].to_pylist()))
    return tuple(each.name for each in sorted(chosen[:_MOST_TEXTS], key=lambda each: each.length))


def _is_code(column: Column) -> bool:
    return column.words < 1.1 and column.uniqueness > 0.9 and len(column.looked_at) > 10


def _repeats(column: Column, title: Column) -> bool:
    """Whether it begins like the title, or says little that the title does not."""
    both = pa.table([column.values, title.values], ["ours", "theirs"]).drop_null()[:_COMPARED]
    starts, known = 0, 0.0
    for ours, theirs in zip(both["ours"].to_pylist(), both["theirs"].to_pylist(), strict=True):
        ours, theirs = ours.lower(), theirs.lower()
        starts += ours.startswith(theirs)
        words = _WORD.findall(ours)
        known += sum(word in theirs for word in words) / max(len(words), 1)
    described = known if column.uniqueness > 0.5 else 0  # a brand or category stands in many titles and still counts
    return bool(max(starts, described) > 0.7 * max(both.num_rows, 1))


def _is_block(column: Column) -> bool:
    if not column.is_vector:
        return False
    lengths = pc.unique(pc.list_value_length(column.values.drop_null())).to_pylist()
    return len({each for each in lengths if each}) == 1 and max(lengths) >= 2
