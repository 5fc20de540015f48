"""The metadata corpus: what an item's semantic ID means in words, and which semantic ID words mean.

Source: He et al. 2025, PLUM, arXiv 2510.07784, table 1: `Video <sid> has title (en): <video_title>` and
`The topics in video <sid> are: <topics>`. The way back, from words to a SID, is ours.
"""

from collections.abc import Iterator, Mapping, Sequence

SCHEMAS = {
    "sid_title": "Item <sid> has title: <title>",
    "sid_topics": "The topics in item <sid> are: <topics>",
    "sid_{column}": "The {column} of item <sid> is: <value>",
    "text_sid": "The item with title: <title>; {column}: <value> is <sid>",
}


def metadata_lines(
    item_ids: Sequence[str],
    sids: Sequence[str],
    titles: Sequence[str],
    topics: Sequence[Sequence[str]] | None,
    columns: Mapping[str, Sequence[str]],
) -> Iterator[dict[str, str]]:
    """The lines of every item, empty texts left out; all texts are neutral already.

    Shapes: N items.

    Args:
        item_ids: N ids.
        sids: N SIDs as text.
        titles: N titles.
        topics: Per item a topic name a prefix; None where no names were made.
        columns: Other texts by the catalogue's column, N each.

    Yields:
        schema, item_id, prompt and completion.
    """
    for row, (item, sid) in enumerate(zip(item_ids, sids, strict=True)):
        values = {name: texts[row] for name, texts in columns.items() if texts[row]}
        told = [("sid_title", f"Item {sid} has title:", titles[row])]
        if topics is not None:
            told.append(("sid_topics", f"The topics in item {sid} are:", "; ".join(dict.fromkeys(topics[row]))))
        told += [(f"sid_{name}", f"The {name} of item {sid} is:", value) for name, value in values.items()]
        # The blank goes with a text: tokenizers join it to the word behind it, so that prompt and completion read
        # apart have the tokens of the whole. An added token stands alone.
        said = [(schema, prompt, f" {text}") for schema, prompt, text in told if text]
        described = {"title": titles[row], **values} if titles[row] else values
        if described:
            words = "; ".join(f"{name}: {value}" for name, value in described.items())
            said.append(("text_sid", f"The item with {words} is ", sid))
        for schema, prompt, completion in said:
            yield {"schema": schema, "item_id": item, "prompt": prompt, "completion": completion}
