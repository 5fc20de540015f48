"""All cases, in the order of docs/errors.md."""

from tests.errors.case import Case
from tests.errors.catalogue import CATALOGUE
from tests.errors.configuration import FILE, KEYS, OPTIONS, VALUES
from tests.errors.files import CONTENT, LISTING
from tests.errors.rows import IDS, ROWS, TIMES
from tests.errors.store import RELEASES, STORE

GROUPS: dict[str, dict[str, tuple[Case, ...]]] = {
    "Inputs": {
        "Finding files": LISTING,
        "Reading files": CONTENT,
        "Times": TIMES,
        "Rows": ROWS,
        "Ids": IDS,
        "The catalogue": CATALOGUE,
    },
    "Configuration": {"The file": FILE, "Keys": KEYS, "Values": VALUES, "Options": OPTIONS},
    "Store": {"Writing and reading": STORE},
    "Releases": {"What is live": RELEASES},
}
CASES = [case for sections in GROUPS.values() for cases in sections.values() for case in cases]
