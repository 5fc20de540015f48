"""One suite for each data set."""

from typing import Final

from sidflow.errors import ConfigError, did_you_mean
from sidflow.validation.code_suites import QUANTIZER, SEMANTIC_IDS
from sidflow.validation.input_suites import AVAILABILITY, CATALOGUE, HISTORIES, INTERACTIONS, ITEMS
from sidflow.validation.learning_suites import DECISION, EMBEDDINGS, PAIRS
from sidflow.validation.serving_suites import DATASET, DECODER, METRICS, RELEASE
from sidflow.validation.suite import Suite

SUITES: Final[dict[str, Suite]] = {
    "segment": Suite(),  # one cleaned source file; judged with the others as interactions
    "interactions": INTERACTIONS,
    "items": ITEMS,
    "catalogue": CATALOGUE,
    "availability": AVAILABILITY,
    "histories": HISTORIES,
    "pairs": PAIRS,
    "embeddings": EMBEDDINGS,
    "decision": DECISION,
    "quantizer": QUANTIZER,
    "semantic_ids": SEMANTIC_IDS,
    "dataset": DATASET,
    "decoder": DECODER,
    "metrics": METRICS,
    "release": RELEASE,
}


def suite_of(kind: str) -> Suite:
    """The suite of a kind of artifact.

    Raises:
        ConfigError: If there is no such kind.
    """
    if kind not in SUITES:
        raise ConfigError(f"no gate for '{kind}'; there are: {', '.join(SUITES)}.{did_you_mean(kind, SUITES)}")
    return SUITES[kind]
