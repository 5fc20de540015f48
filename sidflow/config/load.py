"""Reading pipeline.yaml and `--set section.key=value`."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError, model_validator

from sidflow.config.codes import QuantizerConfig, SemanticIdsConfig
from sidflow.config.explain import explain
from sidflow.config.fields import Section, operational
from sidflow.config.inputs import CatalogueConfig, HistoriesConfig, InteractionsConfig, StoreConfig
from sidflow.config.learning import EmbeddingConfig, PairsConfig, RefreshConfig
from sidflow.config.serving import DatasetConfig, DecoderConfig, DeploymentsConfig, EvaluationConfig, ReleaseConfig
from sidflow.config.strict_yaml import read_yaml
from sidflow.errors import ConfigError


class Config(Section):
    """The whole of pipeline.yaml, in flow order."""

    store: StoreConfig = operational(StoreConfig(), "The artifact store.")
    interactions: InteractionsConfig = operational(InteractionsConfig(), "Stage interactions.")
    catalogue: CatalogueConfig = operational(CatalogueConfig(), "Stage catalogue.")
    histories: HistoriesConfig = operational(HistoriesConfig(), "Stage histories.")
    pairs: PairsConfig = operational(PairsConfig(), "Stage pairs.")
    embedding: EmbeddingConfig = operational(EmbeddingConfig(), "Stage embeddings.")
    refresh: RefreshConfig = operational(RefreshConfig(), "Stage decision.")
    quantizer: QuantizerConfig = operational(QuantizerConfig(), "Stage quantizer.")
    semantic_ids: SemanticIdsConfig = operational(SemanticIdsConfig(), "Stage semantic_ids.")
    dataset: DatasetConfig = operational(DatasetConfig(), "Stage dataset.")
    decoder: DecoderConfig = operational(DecoderConfig(), "Stage decoder.")
    evaluation: EvaluationConfig = operational(EvaluationConfig(), "Stage metrics.")
    release: ReleaseConfig = operational(ReleaseConfig(), "Stage release.")
    deployments: DeploymentsConfig = operational(DeploymentsConfig(), "What `make serve` offers.")

    @model_validator(mode="after")
    def _the_store_is_no_input(self) -> "Config":
        root = PurePosixPath(self.store.root)
        for name, path in (("interactions", self.interactions.path), ("catalogue", self.catalogue.path)):
            inner = root.relative_to(path).parts if root.is_relative_to(path) else None
            if inner is not None and not any(part.startswith((".", "_")) for part in inner):
                raise ValueError(
                    f"store.root: {root} lies in the folder of {name}.path ({path}), so its files would be read as "
                    "input; move one of them, or begin the store's name with a dot"
                )
        return self


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration in a YAML file, with overrides `section.key=value` applied; absent keys take defaults.

    Raises:
        ConfigError: If the file is absent or not a mapping, a key is unknown or there twice, or a value is out of
            range; all unknown keys and wrong values are named at once.
    """
    source = Path(path).expanduser()
    content = read_yaml(_text(source), str(source))
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise ConfigError(
            f"{source}: holds a {type(content).__name__}; allowed is a mapping of sections. See pipeline.yaml."
        )
    changed = [_apply(content, override) for override in overrides]
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join(explain(Config, each, str(source), changed) for each in error.errors())) from None


def _text(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{source}: no such configuration file; give one with --config, or make one with: sidflow init."
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{source}: is not UTF-8 at byte {error.start}; allowed is UTF-8. Convert it: iconv -f LATIN1 -t UTF-8."
        ) from error
    except OSError as error:
        raise ConfigError(f"{source}: cannot be read: {error.strerror}. Give another file with --config.") from error


def _apply(content: dict[Any, Any], override: str) -> str:
    """Set one value in the content; returns its dotted key."""
    key, separator, text = override.partition("=")
    names = [each.strip() for each in key.split(".")]
    if not separator or len(names) < 2 or not all(names):
        raise ConfigError(f"--set {override}: not of the form section.key=value, such as decoder.lr=0.001.")
    node = content
    for name in names[:-1]:
        child = node.get(name)
        if child is None:
            child = node[name] = {}
        if not isinstance(child, dict):
            raise ConfigError(
                f"--set {override}: '{name}' holds a value, not a section; allowed is section.key=value. "
                "See pipeline.yaml for the names."
            )
        node = child
    node[names[-1]] = read_yaml(text, f"--set {override}")
    return ".".join(names)
