"""pipeline.yaml and --set: strict, complete, and clear about mistakes."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from sidflow.config import Config, Section, load_config
from sidflow.config.fields import ROLE
from sidflow.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "pipeline.yaml"


def sections(model: type[BaseModel], prefix: str = "") -> list[tuple[str, type[BaseModel]]]:
    """Every section below a model, with its dotted name."""
    found = [(prefix, model)]
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += sections(field.annotation, f"{prefix}.{name}".lstrip("."))
    return found


def leaves(content: Any, prefix: str = "") -> set[str]:
    """Dotted names of all values in nested mappings."""
    if not isinstance(content, dict) or not content:
        return {prefix}
    return {leaf for name, each in content.items() for leaf in leaves(each, f"{prefix}.{name}".lstrip("."))}


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A configuration that sets nothing."""
    path = tmp_path / "pipeline.yaml"
    path.write_text("")
    return path


def test_the_shipped_file_names_every_field_with_its_default() -> None:
    """pipeline.yaml is complete and says what the code would do without it; only the text template is MovieLens's."""
    content = yaml.safe_load(SHIPPED.read_text())
    defaults = Config().model_dump(mode="json")
    assert leaves(content) == leaves(defaults)
    assert load_config(SHIPPED, [f"embedding.template={Config().embedding.template!r}"]) == Config()


def test_the_shipped_file_follows_the_flow() -> None:
    """Its sections stand in the order of the configuration, which is the order of the flow."""
    assert list(yaml.safe_load(SHIPPED.read_text())) == list(Config.model_fields)


@pytest.mark.parametrize(("name", "section"), sections(Config))
def test_every_field_has_a_role_and_a_description(name: str, section: type[BaseModel]) -> None:
    """A field is identity or operational, and says what it is."""
    for field_name, field in section.model_fields.items():
        assert isinstance(field.json_schema_extra, dict), f"{name}.{field_name}"
        assert field.json_schema_extra[ROLE] in ("identity", "operational")
        assert field.description


@pytest.mark.parametrize(
    "override",
    [
        "interactions.path=elsewhere.csv",
        "interactions.batch_rows=7",
        "interactions.gate.min_rows=5",
        "pairs.dask.workers=5",
        "pairs.dask.scheduler=tcp://10.0.0.1:8786",
        "pairs.partitions=3",
        "embedding.batch_size=3",
        "semantic_ids.gate.max_churn=0.2",
        "evaluation.batch_users=9",
        "release.keep=3",
        "store.root=other",
    ],
)
def test_an_operational_change_changes_no_identity(empty: Path, override: str) -> None:
    """Paths, schedulers, memory, workers and gate limits stay out of every fingerprint."""
    before, after = load_config(empty), load_config(empty, [override])
    assert before != after
    for name in Config.model_fields:
        assert getattr(before, name).identity() == getattr(after, name).identity()


@pytest.mark.parametrize(
    ("override", "section"),
    [("decoder.lr=0.01", "decoder"), ("pairs.window=3", "pairs"), ("interactions.columns.user=u", "interactions")],
)
def test_an_identity_change_changes_its_own_section_only(empty: Path, override: str, section: str) -> None:
    """decoder.lr leaves the pairs alone."""
    before, after = load_config(empty), load_config(empty, [override])
    changed = [
        name for name in Config.model_fields if getattr(before, name).identity() != getattr(after, name).identity()
    ]
    assert changed == [section]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("pairs.windw=5", "unknown key 'pairs.windw'; did you mean 'window'?"),
        ("decodr.lr=1", "unknown key 'decodr'; did you mean 'decoder'?"),
        ("pairs.dask.worker=5", "unknown key 'pairs.dask.worker'; did you mean 'workers'?"),
        ("pairs.window=0", "pairs.window: got 0; input should be greater than or equal to 1"),
        ("quantizer.codebooks=[256,1]", "a level has 1 codes; allowed 2 to 32768"),
        ("decoder.lr=fast", "decoder.lr: got 'fast'"),
        ("decoder.lr=.nan", "decoder.lr: got nan"),
        ("histories.split=random", "'last-out' or 'time'"),
        ("decoder=3=4", "not of the form section.key=value"),
        ("lr", "not of the form section.key=value"),
        ("decoder.lr.x=3", "decoder.lr"),
        ("decoder.lr={a", "--set decoder.lr={a: cannot be read as YAML: line 1"),
    ],
)
def test_mistakes_are_named(empty: Path, override: str, message: str) -> None:
    """Each mistake says where, what was got and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        load_config(empty, [override])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n", "holds a list; allowed is a mapping"),
        ("a: [", "cannot be read as YAML"),
        ("\xff", "mapping of sections"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, content: str, message: str) -> None:
    """A list, broken YAML and plain text are refused by name."""
    path = tmp_path / "x.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_an_absent_file() -> None:
    """An absent file is named with the option that gives another."""
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: no such configuration file.*--config"):
        load_config("nowhere.yaml")


def test_several_mistakes_are_told_at_once(empty: Path) -> None:
    """Two wrong settings give two lines."""
    with pytest.raises(ConfigError) as caught:
        load_config(empty, ["pairs.window=0", "decoder.lr=-1"])
    assert len(str(caught.value).splitlines()) == 2


def test_one_tie_breaker_needs_no_list(empty: Path) -> None:
    """order_by takes a column or a list of columns."""
    one, several = (
        load_config(empty, [f"interactions.columns.order_by={each}"]) for each in ("position", "[position]")
    )
    assert one == several
    assert one.interactions.columns.order_by == ("position",)


def test_sections_are_frozen() -> None:
    """A setting cannot change after it was read."""
    with pytest.raises(ValueError, match="frozen"):
        Config().pairs.window = 3  # type: ignore[misc]


def test_identity_is_nested_and_plain() -> None:
    """Nested sections give nested mappings, tuples give lists."""
    columns = Config().interactions.identity()["columns"]
    assert columns["order_by"] == []
    assert isinstance(Config().interactions, Section)
