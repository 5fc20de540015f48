"""Finding the item that a person means."""

import pyarrow as pa
import pytest

from sidflow.errors import DataContractError
from sidflow.inspection.lookup import closest, find_item

IDS = pa.array(["B001", "B002", "B003", "B004", "B100"])
TITLES = pa.array(["Rose soap", "Rose soap, large", "Lavender [oil]", "B001", ""])


@pytest.mark.parametrize(
    ("wanted", "row"),
    [
        ("B002", 1),  # an id
        ("B001", 0),  # an id comes before a title
        ("rose SOAP", 0),  # a whole title comes before a part of one, whatever the case
        ("[oil]", 2),  # a part that one title has; no pattern
        ("  large ", 1),
    ],
)
def test_an_item_is_found(wanted: str, row: int) -> None:
    """By id, by title, by a part of a title, in this order."""
    assert find_item(IDS, TITLES, wanted) == row


def test_several_titles_are_listed() -> None:
    """The message names the matches and asks for an id."""
    with pytest.raises(DataContractError) as caught:
        find_item(IDS, TITLES, "soap")
    assert str(caught.value) == ("item 'soap': 2 titles match: B001 (Rose soap), B002 (Rose soap, large). Give an id.")


def test_of_many_matches_five_are_listed() -> None:
    """The rest are counted."""
    ids = pa.array([f"i{k}" for k in range(9)])
    with pytest.raises(DataContractError, match=r"9 titles match: i0 \(x soap\).* and 4 more\. Give an id"):
        find_item(ids, pa.array(["x soap"] * 9), "soap")


@pytest.mark.parametrize(
    ("wanted", "meant"), [("B103", "B100"), ("Lavendar oil", "Lavender"), ("Rose-soap", "Rose soap")]
)
def test_a_typo_gets_a_did_you_mean(wanted: str, meant: str) -> None:
    """By id and by title."""
    with pytest.raises(DataContractError, match="neither an id nor part of a title among 5 items") as said:
        find_item(IDS, TITLES, wanted)
    assert meant in str(said.value).partition("Did you mean")[2]


@pytest.mark.parametrize("wanted", ["zzzzzz", "q", "   ", ""])
def test_nothing_like_it_says_what_to_give(wanted: str) -> None:
    """No invented hint."""
    with pytest.raises(DataContractError, match="Give an id, or a part of a title"):
        find_item(IDS, TITLES, wanted)


def test_the_closest_comes_first_and_far_ones_not_at_all() -> None:
    """Most alike first; a text much less alike than the best is left out."""
    texts = pa.array(["moisturiser", "moisturizer cream", "moisturizer", "moist towel of some other kind"])
    assert closest(texts, "moisturizzer", 3).tolist()[0] == 2
    assert 3 not in closest(texts, "moisturizzer", 4)
