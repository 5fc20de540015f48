"""Configuration: one pipeline.yaml, validated; see `load_config`."""

from sidflow.config.codes import QuantizerConfig, SemanticIdsConfig
from sidflow.config.fields import Section
from sidflow.config.inputs import CatalogueConfig, HistoriesConfig, InteractionsConfig, StoreConfig
from sidflow.config.learning import EmbeddingConfig, PairsConfig, RefreshConfig
from sidflow.config.load import Config, load_config
from sidflow.config.serving import (
    DatasetConfig,
    DecoderConfig,
    DeploymentsConfig,
    EvaluationConfig,
    ReleaseConfig,
)

__all__ = [
    "CatalogueConfig",
    "Config",
    "DatasetConfig",
    "DecoderConfig",
    "DeploymentsConfig",
    "EmbeddingConfig",
    "EvaluationConfig",
    "HistoriesConfig",
    "InteractionsConfig",
    "PairsConfig",
    "QuantizerConfig",
    "RefreshConfig",
    "ReleaseConfig",
    "Section",
    "SemanticIdsConfig",
    "StoreConfig",
    "load_config",
]
