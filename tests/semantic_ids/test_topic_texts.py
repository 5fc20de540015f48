"""Which words of an item may name a topic."""

import pyarrow as pa
import pytest

from sidflow.errors import ConfigError
from sidflow.semantic_ids.topic_texts import topic_texts

CATALOGUE = pa.table(
    {
        "item_id": ["a", "b"],
        "title": ["Lipstick", "Shampoo"],
        "brand": ["Opi", None],
        "tags": [["red", "matt"], []],
        "keywords": ["suave, su", "rev"],
    }
)


def test_the_columns_of_the_template_count_beside_the_title() -> None:
    """Each once, in the template's order; keywords that it does not name stay out."""
    assert topic_texts(CATALOGUE, "{tags}: {title} ({brand}, {tags})") == ["red, matt. Opi", ""]


def test_other_columns_may_be_set() -> None:
    """None of them, too."""
    assert topic_texts(CATALOGUE, "{title}. {brand}", ("keywords", "title")) == ["suave, su", "rev"]
    assert topic_texts(CATALOGUE, "{title}. {brand}", ()) == ["", ""]


def test_ready_made_vectors_need_no_template() -> None:
    """A template that was never used may name columns that are not there."""
    assert topic_texts(CATALOGUE, "{title}. {colour}") == ["", ""]


def test_an_unknown_column_is_refused() -> None:
    """With the nearest."""
    with pytest.raises(ConfigError, match=r"topic_columns: .* no column 'brands'; .*Did you mean 'brand'"):
        topic_texts(CATALOGUE, "{title}", ("brands",))
