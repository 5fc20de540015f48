"""Texts of items from a template."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidflow.embedding.text import render_texts
from sidflow.errors import ConfigError

TEMPLATE = "{title}. {brand}. {category}"


def catalogue(**columns: list[object]) -> pa.Table:
    """A catalogue of text columns."""
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def one(template: str, **values: object) -> str:
    """The text of one item."""
    (text,) = render_texts(catalogue(**{name: [value] for name, value in values.items()}), template)
    return text


def test_all_fields():
    """Fields stand where the template has them."""
    assert one(TEMPLATE, title="Lipstick", brand="Acme", category="Make-up") == "Lipstick. Acme. Make-up"


@pytest.mark.parametrize("nothing", [None, "", "  \t"])
def test_empty_field_in_the_middle_drops_with_its_separator(nothing):
    """A missing, empty or blank field leaves no trace."""
    table = pa.table({"title": ["Lipstick"], "brand": pa.array([nothing], pa.string()), "category": ["Make-up"]})
    assert render_texts(table, TEMPLATE) == ["Lipstick. Make-up"]


def test_first_field_empty_drops_the_next_separator():
    """The first value there is does not start with a separator."""
    assert one(TEMPLATE, title="", brand="Acme", category="Make-up") == "Acme. Make-up"


def test_label_of_a_field_survives_an_empty_first_field():
    """Of the text before a field only separators fall."""
    assert one("{title}. Brand: {brand}", title="", brand="Acme") == "Brand: Acme"


def test_text_before_the_first_field_is_kept_as_written():
    """A prefix is no separator."""
    assert one("- {title}", title="Lipstick") == "- Lipstick"


def test_all_fields_empty_is_an_empty_text():
    """Literal text alone says nothing about an item."""
    assert one("Title: {title}!", title="") == ""


def test_text_after_the_last_field_stays():
    """A closing literal follows whatever field is last."""
    assert one("{title}. {brand}.", title="Lipstick", brand="") == "Lipstick."


def test_double_braces_are_braces():
    """Braces can be written."""
    assert one("{{{title}}}", title="x") == "{x}"


def test_white_space_becomes_one_space():
    """Line breaks and runs of spaces do not tell texts apart."""
    assert one("{title}", title=" Red\n  lipstick ") == "Red lipstick"


def test_numbers_and_lists_become_text():
    """Columns need not be text."""
    assert (
        one("{title} ({year}) {tags}", title="Up", year=2009, tags=["film", None, "drama"]) == "Up (2009) film, drama"
    )


def test_unknown_field_names_the_columns_and_the_nearest():
    """A misspelt column is named together with those that exist."""
    message = r"no column 'titel'; it has: brand, title\. Did you mean 'title'\?"
    with pytest.raises(ConfigError, match=message):
        one("{titel}", title="x", brand="y")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("no field", r"names no column; write one as \{title\}"),
        ("{title", r"expected '\}'.*Write columns as \{title\}"),
        ("{title:>10}", "has a format"),
        ("{title!r}", "has a format"),
    ],
)
def test_unusable_templates(template, message):
    """A template that cannot mean anything is refused."""
    with pytest.raises(ConfigError, match=message):
        one(template, title="x")


words = st.text("ab ", max_size=4)


@given(st.lists(st.tuples(words, words, words), min_size=1, max_size=5))
def test_is_a_join_of_what_there_is(rows):
    """With one separator throughout, a text is the join of the fields that have a value."""
    columns = dict(zip(("title", "brand", "category"), map(list, zip(*rows, strict=True)), strict=True))
    expected = [". ".join(" ".join(each.split()) for each in row if each.strip()) for row in rows]
    assert render_texts(catalogue(**columns), TEMPLATE) == expected
