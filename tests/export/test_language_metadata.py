"""The metadata corpus."""

from sidflow.export.language_metadata import metadata_lines

SIDS = ["<a_1><b_2>", "<a_0><b_0>"]


def test_lines_of_an_item() -> None:
    """Both directions: from the SID to each text, and from all texts together to the SID."""
    columns = {"category": ["Beauty > Lips", ""], "brand": ["", ""]}
    topics = [["lips, gloss", "lips, gloss"], ["soap", "soap, bar"]]
    lines = list(metadata_lines(["x", "y"], SIDS, ["Red lipstick", "Soap"], topics, columns))
    assert [(line["schema"], line["item_id"], line["prompt"] + line["completion"]) for line in lines] == [
        ("sid_title", "x", "Item <a_1><b_2> has title: Red lipstick"),
        ("sid_topics", "x", "The topics in item <a_1><b_2> are: lips, gloss"),
        ("sid_category", "x", "The category of item <a_1><b_2> is: Beauty > Lips"),
        ("text_sid", "x", "The item with title: Red lipstick; category: Beauty > Lips is <a_1><b_2>"),
        ("sid_title", "y", "Item <a_0><b_0> has title: Soap"),
        ("sid_topics", "y", "The topics in item <a_0><b_0> are: soap; soap, bar"),
        ("text_sid", "y", "The item with title: Soap is <a_0><b_0>"),
    ]


def test_the_completion_is_what_is_asked_for() -> None:
    """Text after a SID, the SID after text; loss on completions alone teaches both."""
    lines = {line["schema"]: line for line in metadata_lines(["x"], SIDS[:1], ["Soap"], None, {})}
    assert lines["sid_title"]["completion"] == " Soap"
    assert lines["text_sid"]["completion"] == "<a_1><b_2>"


def test_an_item_without_text_says_nothing() -> None:
    """No title, no columns, no topics: no line."""
    assert list(metadata_lines(["x"], SIDS[:1], [""], None, {"brand": [""]})) == []


def test_an_item_without_title_is_described_by_the_rest() -> None:
    """The way back works from the columns alone."""
    lines = list(metadata_lines(["x"], SIDS[:1], [""], None, {"brand": ["Acme"]}))
    assert [line["prompt"] for line in lines] == ["The brand of item <a_1><b_2> is:", "The item with brand: Acme is "]
