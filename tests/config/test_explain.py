"""What is said about a wrong setting."""

from pathlib import Path

import pytest

from sidflow.config import load_config
from sidflow.errors import ConfigError


def said(tmp_path: Path, content: str, *overrides: str) -> str:
    """What loading says, the file's path left out."""
    path = tmp_path / "f.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return str(caught.value).replace(str(path), "F")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Pairs: {}", "F: unknown key 'Pairs'; did you mean 'pairs'?"),
        ("window: 3", "F: unknown key 'window'; did you mean 'pairs.window'?"),
        ("lr: 3", "F: unknown key 'lr'; did you mean 'quantizer.lr' or 'decoder.lr'?"),
        ("1: {}", "F: the key 1 is not text"),
        ("on: {}", "F: the key True is not text"),
        ("store: s3://bucket", "F: store: got 's3://bucket'; input should be a section"),
        ("store:", "F: store: got nothing; input should be a section"),
        ("histories: {split: Time}", "'last-out' or 'time'"),
        ("interactions: {columns: {user: 7}}", "F: interactions.columns.user: got 7; input should be a valid string"),
        ("decoder: {epochs: 2.5}", "F: decoder.epochs: got 2.5; input should be a valid integer"),
        ("decoder: {epochs: on}", "got True; input should be a number; YAML reads yes, no, on and off as"),
        ("decoder: {dropout: no}", "got False; input should be a number"),
        ("deployments: {serve: [{flow: refresh}]}", "F: deployments.serve.0.name: is missing; it has no default"),
        (
            "deployments: {serve: [{name: a, cronn: b}]}",
            "unknown key 'deployments.serve.0.cronn'; did you mean 'cron'?",
        ),
        ("interactions: {path: " + "x" * 200 + "7, batch_rows: [" + "1," * 100 + "]}", "..."),
    ],
)
def test_what_is_said(tmp_path: Path, content: str, message: str) -> None:
    """Where, what was got, what is allowed or meant."""
    assert message in said(tmp_path, content)


def test_the_option_is_named_where_it_is_to_blame(tmp_path: Path) -> None:
    """A wrong --set is not looked for in the file, nor the file's mistake in the options."""
    lines = said(tmp_path, "pairs: {window: 0}", "decoder.lr=-1", "pairs.iota=1").splitlines()
    assert lines[0].startswith("F: pairs.window: got 0")
    assert lines[1].startswith("--set decoder.lr: got -1")


def test_numbers_may_be_written_in_any_way(tmp_path: Path) -> None:
    """YAML 1.1 reads 1e-3 as text; it is a number all the same."""
    (tmp_path / "f.yaml").write_text("decoder: {lr: 1e-3, epochs: '3', dropout: 0}")
    config = load_config(tmp_path / "f.yaml")
    assert (config.decoder.lr, config.decoder.epochs, config.decoder.dropout) == (0.001, 3, 0.0)


def test_a_byte_order_mark_and_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows editors write the one, people the other."""
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbfpairs: {window: 3}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_config("~/f.yaml").pairs.window == 3
