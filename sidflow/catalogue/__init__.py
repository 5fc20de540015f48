"""The catalogue: the items, and which of them may be recommended."""

from sidflow.catalogue.items import ItemsRead, read_items
from sidflow.catalogue.read import existing_items, learned_columns, read_catalogue_table, write_catalogue

__all__ = [
    "ItemsRead",
    "existing_items",
    "learned_columns",
    "read_catalogue_table",
    "read_items",
    "write_catalogue",
]
