"""The behaviour corpus: users' histories as semantic IDs, the next one as the target.

Source: He et al. 2025, PLUM, arXiv 2510.07784, table 1, user behaviour:
`wh = <sid_1> <channel_name> <watch_ratio> <watch_time> <hours_since_final_watch> <sid_2> ... || <sid_n>`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from sidflow.histories.table import Histories

SPLITS = ("train", "validation", "test")
HOURS = "hours"
HOUR_US = 3_600_000_000
SCHEMA = "wh = <sid_1> {features} <sid_2> {features} ... || <sid_n>"

_USERS = 10_000


class Feature(NamedTuple):
    """One word or several behind each event's SID.

    Attributes:
        of: hours: whole hours before the last event of the context; item: a text of the item; event: one of the event.
        texts: By catalogue index, or by position in the shard; of no use for hours.
    """

    of: Literal["hours", "item", "event"]
    texts: Sequence[str] = ()


class Events(NamedTuple):
    """What an event reads as: the text of every item's SID, N of them, and the features behind it."""

    sids: Sequence[str]
    features: Sequence[Feature] = ()


def behaviour_lines(histories: Histories, split: str, events: Events, max_items: int) -> Iterator[dict[str, Any]]:
    """The lines of one split, users in order, as many users in memory as fit a block.

    A training line ends before the user's first validation event: every step from one training event to the next is in
    exactly one line. Every validation or test event is the target of one line, with everything before it as context.

    Args:
        histories: One shard.
        split: train, validation or test.
        events: How events read.
        max_items: Most events before the target; older ones are cut.

    Yields:
        schema, user_id, item_id (of the target), timestamp (of the target, UTC microseconds), prompt and completion.
    """
    for first in range(0, len(histories.user_ids), _USERS):
        names = histories.user_ids.slice(first, _USERS).to_pylist()
        for user, name in enumerate(names, start=first):
            start, stop = int(histories.offsets[user]), int(histories.offsets[user + 1])
            items = histories.items[start:stop].tolist()
            learnt, validated = int(histories.n_train[user]), int(histories.n_validation[user])
            for begin, target in windows(split, learnt, validated, len(items), max_items):
                yield {
                    "schema": "behaviour",
                    "user_id": name,
                    "item_id": histories.item_ids[items[target]].as_py(),
                    "timestamp": int(histories.timestamps[start + target]),
                    "prompt": _prompt(histories, range(start + begin, start + target), events),
                    "completion": events.sids[items[target]],
                }


def windows(split: str, learnt: int, validated: int, length: int, max_items: int) -> Iterator[tuple[int, int]]:
    """(first event, target) of every line of a user, positions in the history.

    Args:
        split: train, validation or test.
        learnt: Events that may be learned from.
        validated: Events after these that are for validation.
        length: Events in all.
        max_items: Most events before the target.
    """
    if split == "train":
        target = learnt - 1
        while target > 0:
            begin = max(target - max_items, 0)
            yield begin, target
            target = begin
        return
    first, last = (learnt, learnt + validated) if split == "validation" else (learnt + validated, length)
    for target in range(max(first, 1), last):
        yield max(target - max_items, 0), target


def _prompt(histories: Histories, context: range, events: Events) -> str:
    """Everything up to the target, with the separator; the context is positions in the shard."""
    items = histories.items[context.start : context.stop].tolist()
    times = histories.timestamps[context.start : context.stop].tolist()
    words = ["wh ="]
    for position, item, time in zip(context, items, times, strict=True):
        words.append(events.sids[item])
        for feature in events.features:
            match feature.of:
                case "hours":
                    words.append(str((times[-1] - time) // HOUR_US))
                case "item":
                    words.append(feature.texts[item])
                case "event":
                    words.append(feature.texts[position])
    return " ".join([word for word in words if word] + ["|| "])
