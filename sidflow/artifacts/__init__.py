"""The artifact store: what travels between tasks, and how it is kept."""

from sidflow.artifacts.attempt import Attempt
from sidflow.artifacts.fingerprint import fingerprint
from sidflow.artifacts.manifest import Artifact, Facts, Manifest, Part
from sidflow.artifacts.storage import Storage
from sidflow.artifacts.store import Store

__all__ = ["Artifact", "Attempt", "Facts", "Manifest", "Part", "Storage", "Store", "fingerprint"]
