"""Which column plays which role."""

import random
import uuid
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.errors import DataContractError
from sidflow.setup.catalogue_roles import CatalogueRoles, guess_catalogue
from sidflow.setup.choice import Choice
from sidflow.setup.guess import guess
from sidflow.setup.links import find_links
from sidflow.setup.log_roles import LogRoles, guess_log
from sidflow.setup.names import NAMES, likeness
from sidflow.setup.profile import profile
from sidflow.setup.write import write_configuration
from tests.factories import World, make_world
from tests.setup.conftest import Shop

WORLD = make_world(users=60, items=40, topics=4, seed=3)
LOG = {"user": "user_id", "item": "item_id", "timestamp": "timestamp", "event": "event", "weight": "weight"}
ITEMS = {"item": "item_id", "title": "title"}


def as_text(table: pa.Table) -> pa.Table:
    """The table as a sample has it."""
    return pa.table({name: table[name].cast(pa.string()) for name in table.column_names})


def guessed(log: pa.Table, items: pa.Table) -> tuple[LogRoles, CatalogueRoles]:
    """Both guesses of two tables."""
    ours, theirs = profile(as_text(log)), profile(as_text(items))
    links = find_links(ours, theirs)
    return guess_log(ours, links), guess_catalogue(theirs, links)


def columns(roles: LogRoles | CatalogueRoles) -> dict[str, str]:
    """Role to column, of the roles that were found."""
    return {role: each.column for role, each in roles._asdict().items() if isinstance(each, Choice)}


def numbered(world: World) -> tuple[pa.Table, pa.Table]:
    """The world with ids that count from 1: all user numbers are item numbers, too."""
    log = world.interactions.set_column(0, "user_id", _numbers(world.interactions["user_id"]))
    log = log.set_column(1, "item_id", _numbers(log["item_id"]))
    return log, world.items.set_column(0, "item_id", _numbers(world.items["item_id"]))


def _numbers(ids: pa.ChunkedArray) -> pa.Array:
    return pa.array([int(each[1:]) + 1 for each in ids.to_pylist()])


def test_usual_names() -> None:
    """Every role of the plain world."""
    log, items = guessed(WORLD.interactions, WORLD.items)
    assert columns(log) == LOG
    assert columns(items) == ITEMS
    assert items.texts == ("brand", "category")


odd_names = st.lists(
    st.text("bcdfghjklmpqrstvwxz", min_size=3, max_size=8).filter(
        lambda name: not any(likeness(name, role) for role in NAMES)
    ),
    min_size=9,
    max_size=9,
    unique=True,
)


@settings(max_examples=40, deadline=None)
@given(names=odd_names, log_order=st.permutations(range(5)), item_order=st.permutations(range(4)), ids=st.booleans())
def test_neither_order_nor_names_change_it(
    names: list[str], log_order: list[int], item_order: list[int], ids: bool
) -> None:
    """Columns with names that say nothing, in any order, get the roles that their content has."""
    log, items = numbered(WORLD) if ids else (WORLD.interactions, WORLD.items)
    new = dict(zip([*log.column_names, *(f"items.{name}" for name in items.column_names)], names, strict=True))
    log = log.rename_columns(names[:5]).select([names[k] for k in log_order])
    items = items.rename_columns(names[5:]).select([names[5 + k] for k in item_order])
    log_roles, item_roles = guessed(log, items)
    assert columns(log_roles) == {role: new[name] for role, name in LOG.items()}
    assert columns(item_roles) == {role: new[f"items.{name}"] for role, name in ITEMS.items()}
    assert set(item_roles.texts) == {new["items.brand"], new["items.category"]}


def test_shared_ids_win_over_names() -> None:
    """A column that is called item_id and shares nothing loses to one that shares its ids."""
    rows = WORLD.interactions.num_rows
    log = WORLD.interactions.rename_columns(["user_id", "x", "timestamp", "event", "weight"])
    log = log.append_column("item_id", pa.array([f"slot {k % 37}" for k in range(rows)]))
    roles, _ = guessed(log, WORLD.items)
    assert roles.item is not None and roles.item.column == "x"
    assert "100% of its ids are in the catalogue's column 'item_id'" in roles.item.why


def test_numbers_from_one_are_told_apart() -> None:
    """Users that are also item numbers are the runner-up at most."""
    roles, _ = guessed(*numbered(WORLD))
    assert columns(roles) == LOG


def test_ties_in_time_ask_for_an_order() -> None:
    """A position within the user is found where times tie, under any name, and never else."""
    table = WORLD.interactions.sort_by([("user_id", "ascending"), ("timestamp", "ascending")])
    users, position, seen = table["user_id"].to_pylist(), [], dict[str, int]()
    for user in users:
        seen[user] = position_of = seen.get(user, -1) + 1
        position.append(position_of)
    table = table.append_column("xq", pa.array(position))
    days = pa.array([each // 864_000 * 864_000 for each in table["timestamp"].to_pylist()])
    assert guessed(table, WORLD.items)[0].order_by is None
    roles, _ = guessed(table.set_column(2, "timestamp", days), WORLD.items)
    assert roles.order_by is not None and roles.order_by.column == "xq"
    assert columns(roles) == {**LOG, "order_by": "xq"}


def test_the_runner_up_is_named() -> None:
    """Two columns that might be the time."""
    log = WORLD.interactions.append_column("time", WORLD.interactions["timestamp"])
    roles, _ = guessed(log, WORLD.items)
    assert roles.timestamp is not None
    assert {roles.timestamp.column, roles.timestamp.rival} == {"time", "timestamp"}


def test_availability_needs_its_name() -> None:
    """A flag and a time are mapped if they are called so, else suggested."""
    count = WORLD.items.num_rows
    flags, times = pa.array(["true", "false"] * (count // 2)), pa.array(["2019-01-01"] * count)
    named = WORLD.items.append_column("in_stock", flags).append_column("release_date", times)
    roles = guessed(WORLD.interactions, named)[1]
    assert columns(roles) == {**ITEMS, "available": "in_stock", "available_from": "release_date"}
    odd = WORLD.items.append_column("xq", flags).append_column("zk", times)
    roles = guessed(WORLD.interactions, odd)[1]
    assert (columns(roles), roles.maybe) == (ITEMS, {"available": "xq", "available_from": "zk"})


def test_texts_that_only_repeat_the_title_stay_out() -> None:
    """So do addresses, ids and numbers."""
    titles = WORLD.items["title"].to_pylist()
    items = WORLD.items
    for name, values in {
        "slug": [each.lower() for each in titles],
        "long": [f"{each} and more of it" for each in titles],
        "url": [f"https://x.y/{k}" for k in range(len(titles))],
        "ean": [f"ab{k:05d}" for k in range(len(titles))],
        "price": [f"{k}.5" for k in range(len(titles))],
    }.items():
        items = items.append_column(name, pa.array(values))
    roles = guessed(WORLD.interactions, items)[1]
    assert (columns(roles)["title"], roles.texts) == ("title", ("brand", "category"))


def times_as(pattern: str) -> pa.Table:
    """The log with times in a format."""
    moments = [datetime.fromtimestamp(each, UTC).strftime(pattern) for each in _seconds()]
    return WORLD.interactions.set_column(2, "timestamp", pa.array(moments))


def _seconds() -> list[Any]:
    seconds: list[Any] = WORLD.interactions["timestamp"].to_pylist()
    return seconds


@pytest.mark.parametrize("pattern", ["%d.%m.%Y %H:%M", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d", "%b %d, %Y"])
def test_times_in_another_format(shop: Shop, pattern: str) -> None:
    """The column is named, with a value and what to do."""
    with pytest.raises(DataContractError, match="no column reads as times") as error:
        guess(*shop(times_as(pattern)))
    assert "'timestamp' looks like dates in another format, such as" in str(error.value)
    assert "ISO 8601" in str(error.value)


def test_no_time_at_all(shop: Shop) -> None:
    """What was seen, and what to write by hand."""
    with pytest.raises(DataContractError, match="no column reads as times") as error:
        guess(*shop(WORLD.interactions.drop_columns(["timestamp"])))
    assert "'user_id' ('u" in str(error.value)
    assert "interactions: {path: ..., columns: {user: ...," in str(error.value)


def test_no_user(shop: Shop) -> None:
    """A log of items and times alone."""
    with pytest.raises(DataContractError, match="no column looks like user ids, which repeat"):
        guess(*shop(WORLD.interactions.select(["item_id", "timestamp"])))


def test_nothing_shared(shop: Shop) -> None:
    """Ids that are written in two ways."""
    other = WORLD.items.set_column(0, "item_id", pa.array([f"x{k}" for k in range(WORLD.items.num_rows)]))
    with pytest.raises(DataContractError, match=r"share no ids: .*leading zeros"):
        guess(*shop(items=other))


def test_swapped_files(shop: Shop) -> None:
    """The log given as the catalogue."""
    log, items = shop()
    with pytest.raises(DataContractError, match="swapped"):
        guess(items, log)


def test_a_catalogue_without_text(shop: Shop) -> None:
    """Ids alone do not describe an item."""
    with pytest.raises(DataContractError, match="no column holds text that describes an item"):
        guess(*shop(items=WORLD.items.select(["item_id"])))


def test_vectors_may_stand_for_text(shop: Shop) -> None:
    """Then the id is the title."""
    rng = random.Random(0)
    vectors = pa.array([[rng.random(), rng.random()] for _ in range(WORLD.items.num_rows)], pa.list_(pa.float32()))
    items = WORLD.items.select(["item_id"]).append_column("image", vectors)
    found = guess(*shop(items=items, ending="parquet"))
    assert (found.item_roles.vectors, columns(found.item_roles)["title"]) == (("image",), "item_id")


def test_no_catalogue(shop: Shop) -> None:
    """Without titles in the log there must be one; with them, the log is read as the catalogue."""
    with pytest.raises(DataContractError, match="Give it with --catalogue FILE"):
        guess(shop()[0], None)
    joined = WORLD.interactions.join(WORLD.items, "item_id").sort_by("timestamp")
    found = guess(shop(joined)[0], None)
    assert found.from_log
    assert (columns(found.log_roles), columns(found.item_roles)) == (LOG, ITEMS)
    assert (found.item_roles.texts, found.item_count) == (("brand", "category"), 40)


def test_a_time_of_appearance_that_the_log_contradicts(shop: Shop) -> None:
    """It would hide items that people have already seen."""
    late = pa.array(["2030-01-01"] * WORLD.items.num_rows)
    found = guess(*shop(items=WORLD.items.append_column("release_date", late)))
    assert found.item_roles.available_from is None
    assert "100% of the interactions are earlier: it is not mapped" in found.notes[0]


@pytest.mark.parametrize("side", ["log", "items"])
def test_three_hundred_columns_more(shop: Shop, side: str) -> None:
    """Numbers in the log and words in the catalogue change nothing of the roles."""
    rng = random.Random(0)
    tables = {"log": WORLD.interactions, "items": WORLD.items}
    for k in range(300):
        rows = range(tables[side].num_rows)
        values = [str(rng.random()) if side == "log" else f"word{rng.randint(0, 9)} more" for _ in rows]
        tables[side] = tables[side].append_column(f"x{k}", pa.array(values))
    found = guess(*shop(tables["log"], tables["items"]))
    assert (columns(found.log_roles), columns(found.item_roles)) == (LOG, ITEMS)


@pytest.mark.parametrize("name", ["customer", "xq"])
def test_users_whose_numbers_could_be_times(name: str) -> None:
    """Ten digits read as seconds, but some of them lie in the future, and they repeat."""
    rng = random.Random(1)
    numbers = {
        each: rng.randint(1_000_000_000, 4_000_000_000) for each in set(WORLD.interactions["user_id"].to_pylist())
    }
    users = pa.array([numbers[each] for each in WORLD.interactions["user_id"].to_pylist()])
    roles, _ = guessed(WORLD.interactions.set_column(0, name, users), WORLD.items)
    assert columns(roles) == {**LOG, "user": name}


def test_a_catalogue_that_repeats_its_items(shop: Shop) -> None:
    """One row a language, say: the link is found, and the consequence is told."""
    found = guess(*shop(items=pa.concat_tables([WORLD.items, WORLD.items])))
    assert (columns(found.item_roles), found.item_count) == (ITEMS, 40)
    assert "50% of the rows repeat an id" in found.notes[0] and "catalogue.gate.max_reject_share" in found.notes[0]


def test_vectors_in_the_log_are_passed_over(shop: Shop) -> None:
    """Votes such as [3, 4] are neither ids nor weights."""
    votes = pa.array([[1.0, 2.0]] * WORLD.interactions.num_rows, pa.list_(pa.float32()))
    found = guess(*shop(WORLD.interactions.append_column("helpful", votes), ending="parquet"))
    assert columns(found.log_roles) == LOG


def test_an_event_without_a_known_name_or_value_is_a_guess() -> None:
    """It may be a device or a country, and the reason says so."""
    kinds = pa.array([("p", "q", "r")[k % 3] for k in range(WORLD.interactions.num_rows)])
    roles, _ = guessed(WORLD.interactions.set_column(3, "xq", kinds), WORLD.items)
    assert roles.event is not None and roles.event.why.startswith("perhaps: 3 values")


def test_a_price_is_no_weight() -> None:
    """Many different fractions without a name that says weight."""
    rng = random.Random(0)
    prices = pa.array([rng.random() * 90 for _ in range(WORLD.interactions.num_rows)])
    roles, _ = guessed(WORLD.interactions.set_column(4, "xq", prices), WORLD.items)
    assert roles.weight is None


def test_a_log_of_three_rows(shop: Shop) -> None:
    """A first try by hand."""
    log = pa.table({"u": ["a", "a", "b"], "i": ["x", "y", "x"], "t": ["2020-01-01", "2020-01-02", "2020-01-03"]})
    found = guess(*shop(log, pa.table({"i": ["x", "y"], "n": ["red lamp", "blue cup"]})))
    assert columns(found.log_roles) == {"user": "u", "item": "i", "timestamp": "t"}
    assert columns(found.item_roles) == {"item": "i", "title": "n"}


def plays(users: int = 40, tracks: int = 30) -> pa.Table:
    """Plays of tracks, each by one of ten artists, ids being UUIDs."""
    draw = random.Random(7)
    rows = [(f"u{k % users}", draw.randrange(tracks), 1_600_000_000 + 60 * k) for k in range(1_200)]
    return pa.table(
        {
            "userid": [user for user, _, _ in rows],
            "timestamp": [str(time) for _, _, time in rows],
            "artist-id": [str(uuid.UUID(int=(track % 10 + 1) << 90)) for _, track, _ in rows],
            "artist-name": [f'The "{"abcdefghij"[track % 10] * 4}" Band' for _, track, _ in rows],
            "track-id": [str(uuid.UUID(int=(track + 77) << 90)) for _, track, _ in rows],
            "track-name": [f"song of {'abcdefghij'[track % 10] * 3} number {track}" for _, track, _ in rows],
        }
    )


def test_a_log_with_two_described_ids(shop: Shop) -> None:
    """The finer one is the item, and no id is text."""
    found = guess(shop(plays())[0], None)
    assert columns(found.item_roles) == {"item": "track-id", "title": "track-name"}
    assert found.item_roles.texts == ("artist-name",)
    assert found.log_roles.item is not None and found.log_roles.item.column == "track-id"
    assert "template: '{title}. {artist-name}'" in write_configuration(found, "a.yaml")


def test_a_user_within_a_json_object(shop: Shop) -> None:
    """No measurement is taken for the user, and it is said how to get at the field."""
    log = WORLD.interactions
    nested = pa.array([f'{{"id": "{each}"}}' for each in log["user_id"].to_pylist()])
    spent = pa.array([str(1_000 + 7 * k % 350) for k in range(log.num_rows)])
    log = log.drop_columns("user_id").append_column("visitor", nested).append_column("dwell_ms", spent)
    with pytest.raises(DataContractError, match=r"'visitor' holds JSON objects.*\. \+ \{visitor_id: \.visitor\.id\}"):
        guess(*shop(log))


def test_a_position_is_no_weight() -> None:
    """Where times do not tie, either."""
    log = WORLD.interactions.rename_columns(["user_id", "item_id", "timestamp", "event", "position"])
    assert guessed(log, WORLD.items)[0].weight is None


def test_flags_in_other_words_are_no_text() -> None:
    """As nothing is embedded of yes and no."""
    flags = pa.array(["sí", "no"] * (WORLD.items.num_rows // 2))
    assert guessed(WORLD.interactions, WORLD.items.append_column("venta", flags))[1].texts == ("brand", "category")


def test_texts_to_mend_are_named(shop: Shop) -> None:
    """One that a template cannot name, and one with HTML."""
    titles = pa.array([f"<b>{each}</b>" for each in WORLD.items["title"].to_pylist()])
    items = WORLD.items.set_column(1, "title", titles).rename_columns(["item_id", "title", "brand", "aisle: part"])
    found = guess(*shop(None, items))
    assert found.item_roles.texts == ("brand",)
    assert found.notes == (
        "items.csv: column 'aisle: part' is text, but a template cannot name it, for its name has one of { } ! : [ . "
        "Rename it to have it embedded.",
        "items.csv: column 'title' has HTML tags, which are embedded as they stand. Strip them.",
    )
