"""The catalogue: the items."""

from sidflow.catalogue.read import CatalogueRead, read_catalogue, read_catalogue_table, write_catalogue

__all__ = ["CatalogueRead", "read_catalogue", "read_catalogue_table", "write_catalogue"]
