"""What a user should know of the files beside the guess: what is left out, repeated, unnameable or marked up."""

import re

from sidflow.setup.catalogue_roles import CatalogueRoles
from sidflow.setup.profile import Column, shown
from sidflow.setup.sample import Sample

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>")
_OFTEN = 0.1
_REPEATED = 0.05


def notes(log: Sample, items: Sample, roles: CatalogueRoles, columns: dict[str, Column]) -> list[str]:
    """Notes on both files.

    Args:
        log: The sample of the log.
        items: The sample of the catalogue; the log's where the catalogue is in the log.
        roles: Columns of the catalogue by role.
        columns: The same by name.
    """
    texts = _texts(items, roles, columns)
    return [*_rows(log), *texts] if items is log else [*_rows(log), *_rows(items), *_ids(items, roles, columns), *texts]


def _rows(sample: Sample) -> list[str]:
    found = [f"{sample.path}: column {shown(name)} {why}: left out." for name, why in sample.left_out.items()]
    if sample.bad:
        found.append(f"{sample.path}: {sample.bad:,} rows could not be read; sidflow validate shows them.")
    return found


def _ids(items: Sample, roles: CatalogueRoles, columns: dict[str, Column]) -> list[str]:
    repeated = 1 - columns[roles.item.column].uniqueness if roles.item is not None else 0
    if repeated < _REPEATED:
        return []
    return [
        f"{items.path}: {repeated:.0%} of the rows repeat an id. The first of each counts, the others are rejects: "
        "raise catalogue.gate.max_reject_share if that is meant.",
    ]


def _texts(items: Sample, roles: CatalogueRoles, columns: dict[str, Column]) -> list[str]:
    """On text that a template cannot name, and on HTML in the text that it names."""
    found = [
        f"{items.path}: column {shown(name)} is text, but a template cannot name it, for its name has one of "
        "{ } ! : [ . Rename it to have it embedded."
        for name in roles.unnameable
    ]
    for name in [*([roles.title.column] if roles.title else []), *roles.texts]:
        values = columns[name].looked_at.to_pylist()
        if sum(bool(_MARKUP.search(value)) for value in values) > _OFTEN * len(values):
            found.append(
                f"{items.path}: column {shown(name)} has HTML tags, which are embedded as they stand. Strip them."
            )
    return found
