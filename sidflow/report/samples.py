"""Section: what a few users get, beside what they had."""

from collections.abc import Sequence

import numpy as np

from sidflow.histories.table import Histories
from sidflow.recommender import Recommendation, load_recommender
from sidflow.report.blocks import Block, Mark, Section, SideBySide, Table, table
from sidflow.report.formats import count, shorten
from sidflow.report.subject import Subject

USERS, SHOWN = 4, 8


def samples(subject: Subject) -> Section:
    """Users with short to long histories: their newest items beside their recommendations with reasons."""
    histories = subject.histories
    chosen = choose_users(np.diff(histories.offsets), USERS)
    names = [str(histories.user_ids[user]) for user in chosen]
    lists = load_recommender(subject.store, subject.release).recommend_many(names, SHOWN)
    blocks: list[Block] = []
    for user, name, items in zip(chosen, names, lists, strict=True):
        events = int(histories.offsets[user + 1] - histories.offsets[user])
        left = history_table(subject, histories, user)
        blocks.append(SideBySide(f"User {shorten(name, 40)}: {count(events)} events", left, recommended_table(items)))
    return Section(
        "samples",
        "Sample recommendations",
        tuple(blocks),
        "Users from short to long histories, chosen by length alone. Read left to right: would you understand why? "
        "Items of a user's history are never recommended to them here.",
    )


def choose_users(lengths: np.ndarray, wanted: int) -> list[int]:
    """Users evenly spread over the order of history lengths, those with a single event left out where others exist."""
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] >= 2] if (lengths >= 2).any() else order
    places = np.linspace(0.1, 0.99, wanted) * (len(order) - 1)
    return list(dict.fromkeys(order[places.round().astype(int)].tolist())) if len(order) else []


def history_table(subject: Subject, histories: Histories, user: int) -> Table:
    """A user's newest items, newest first."""
    items = histories.items[histories.offsets[user] : histories.offsets[user + 1]][::-1][:SHOWN]
    rows = [(shorten(subject.titles[item], 80), shorten(subject.topic(item), 50)) for item in items.tolist()]
    return table("History, newest first", ("title", "topic"), rows, "ll")


def recommended_table(items: Sequence[Recommendation]) -> Table:
    """Recommended items, best first, with SIDs and reasons."""
    rows = [(shorten(each.title, 80), Mark(each.sid, "code"), shorten(each.reason, 140)) for each in items]
    return table("Recommended, best first", ("title", "SID", "reason"), rows, "lll")
