"""Reading pipeline.yaml and `--set section.key=value`."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from sidflow.config.fields import Section, operational
from sidflow.config.inputs import CatalogueConfig, HistoriesConfig, InteractionsConfig, StoreConfig
from sidflow.config.learning import EmbeddingConfig, PairsConfig, QuantizerConfig, RefreshConfig, SemanticIdsConfig
from sidflow.config.serving import DatasetConfig, DecoderConfig, DeploymentsConfig, EvaluationConfig, ReleaseConfig
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


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration in a YAML file, with overrides `section.key=value` applied; absent keys take defaults.

    Raises:
        ConfigError: If the file is absent or not a mapping, a key is unknown, or a value is out of range.
    """
    source = Path(path)
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{source}: no such configuration file; give one with --config, or start from the pipeline.yaml of a clone."
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{source}: cannot be read as YAML: {error}. Mend the file or give another.") from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise ConfigError(
            f"{source}: holds a {type(content).__name__}; allowed is a mapping of sections. See pipeline.yaml."
        )
    for override in overrides:
        _apply(content, override)
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(each, str(source)) for each in error.errors())) from None


def _apply(content: dict[Any, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    names = key.strip().split(".")
    if not separator or len(names) < 2 or not all(names):
        raise ConfigError(f"--set {override}: not of the form section.key=value, such as decoder.lr=0.001.")
    node = content
    for name in names[:-1]:
        child = node.get(name)
        if child is None:
            child = node[name] = {}
        if not isinstance(child, dict):
            raise ConfigError(f"--set {override}: '{name}' holds a value, not a section.")
        node = child
    try:
        node[names[-1]] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override}: the value is not YAML: {error}.") from error


def _explain(error: Any, source: str) -> str:
    location = list(error["loc"])
    where = ".".join(str(each) for each in location)
    if error["type"] == "extra_forbidden":
        known = sorted(_fields_at(location[:-1]))
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"allowed: {', '.join(known)}."
        return f"{source}: unknown key '{where}'; {hint}"
    message = error["msg"].removeprefix("Value error, ")
    said = f"got {error['input']!r}; {message[0].lower()}{message[1:]}"
    return f"{source}: {where}: {said}. Change it there or with --set {where}=..."


def _fields_at(location: Sequence[Any]) -> list[str]:
    model: type[BaseModel] = Config
    for name in location:
        annotation = model.model_fields[name].annotation if name in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
