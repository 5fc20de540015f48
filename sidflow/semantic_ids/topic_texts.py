"""What topics are named after: the words of the columns that items were embedded by, or of others."""

import string
from collections.abc import Sequence

import pyarrow as pa

from sidflow.embedding.text import column_texts
from sidflow.errors import ConfigError, did_you_mean


def topic_texts(catalogue: pa.Table, template: str, columns: Sequence[str] | None = None) -> list[str]:
    """More words of each item, beside its title, column by column: no word pair spans two of them.

    A column that no template names, such as search keywords cut off in mid-word, does not come into a name by itself.

    Args:
        catalogue: N items.
        template: Setting `embedding.template`: its columns count, where the catalogue has them.
        columns: Setting `semantic_ids.topic_columns`: these columns instead; None takes those of the template.

    Returns:
        (N,) texts.

    Raises:
        ConfigError: If the catalogue lacks one of `columns`.
    """
    known = sorted(catalogue.column_names)
    for name in columns or ():
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(
                f"semantic_ids.topic_columns: the catalogue has no column '{name}'; it has: {', '.join(known)}.{hint}"
            )
    named = [field for _, field, _, _ in string.Formatter().parse(template) if field] if columns is None else columns
    chosen = [name for name in dict.fromkeys(named) if name != "title" and name in known]
    if not chosen:
        return [""] * catalogue.num_rows
    texts = [column_texts(catalogue[name]) for name in chosen]
    return [". ".join(each for each in row if each) for row in zip(*texts, strict=True)]
