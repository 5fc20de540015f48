"""The kinds of artifacts in flow order, and what each is made from."""

from sidflow.errors import ConfigError, did_you_mean

INPUTS: dict[str, tuple[str, ...]] = {
    "interactions": (),
    "catalogue": ("interactions",),
    "availability": ("catalogue",),
    "histories": ("interactions", "catalogue"),
    "pairs": ("histories",),
    "embeddings": ("catalogue",),
    "decision": ("catalogue", "embeddings", "pairs", "histories"),
    "quantizer": ("embeddings", "pairs", "catalogue", "decision"),
    "semantic_ids": ("quantizer", "embeddings", "pairs", "histories", "catalogue", "decision"),
    "dataset": ("histories", "semantic_ids"),
    "decoder": ("dataset", "embeddings", "pairs", "decision"),
    "metrics": ("decoder", "dataset", "embeddings"),
    "release": ("metrics", "availability"),
}
KINDS = tuple(INPUTS)
INGESTED = {"interactions": "segment", "catalogue": "items"}
"""What a kind is made from that no run shows: the cleaned source files."""


def check_kind(name: str, option: str) -> str:
    """`name` if it is a kind of artifact.

    Raises:
        ConfigError: If it is not; the message names the closest kind.
    """
    if name in INPUTS:
        return name
    raise ConfigError(f"{option} {name}: no such stage; allowed: {', '.join(KINDS)}.{did_you_mean(name, KINDS)}")


def dependents(kind: str) -> frozenset[str]:
    """A kind, the cleaned source files it is made from, and everything that is made from it, directly or not."""
    found = {kind, INGESTED.get(kind, kind)}
    for each, inputs in INPUTS.items():
        if found.intersection(inputs):
            found.add(each)
    return frozenset(found)
