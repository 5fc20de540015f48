"""Public data sets, fetched once: resumed where a download broke off, verified by checksum and size."""

from sidflow.fetch.datasets import DATASETS, fetch
from sidflow.fetch.place import Fetched

__all__ = ["DATASETS", "Fetched", "fetch"]
