"""A quantiser's files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sidflow.errors import CorruptArtifact
from sidflow.quantizer.baselines import fit_random
from sidflow.quantizer.files import load_quantizer, save_quantizer
from tests.quantizer.samples import clustered, literal


def files(folder: Path) -> dict[str, Path]:
    """Logical names to paths, as the store gives them."""
    return {path.name: path for path in folder.iterdir()}


def test_files_round_trip(tmp_path: Path) -> None:
    """What is saved is what is loaded, to the bit, under any file name on disk."""
    layer = (np.eye(2, dtype=np.float32)[::-1], np.ones(2, np.float32))  # a negative stride: not contiguous
    quantizer = replace(literal(), layers=(layer,))
    save_quantizer(quantizer, tmp_path)
    renamed = {name: path.rename(tmp_path / f"{k}.part") for k, (name, path) in enumerate(files(tmp_path).items())}
    loaded = load_quantizer(renamed)
    vectors = np.random.default_rng(0).standard_normal((20, 2)).astype(np.float32)
    assert np.array_equal(loaded.encode(vectors), quantizer.encode(vectors))
    assert loaded.sizes == (4, 3) and loaded.method == "by-hand" and len(loaded.layers) == 1


def test_files_of_two_quantizers_do_not_load(tmp_path: Path) -> None:
    """A description beside foreign tensors is a corrupt artifact."""
    save_quantizer(literal(), tmp_path)
    content = (tmp_path / "quantizer.json").read_text()
    (tmp_path / "quantizer.json").write_text(content.replace('"dimensions": 2', '"dimensions": 5'))
    with pytest.raises(CorruptArtifact, match=r"over 5 dimensions, quantizer.safetensors holds"):
        load_quantizer(files(tmp_path))


def test_the_key_of_random_codes_round_trips(tmp_path: Path) -> None:
    """It is the whole of such a quantiser; earlier files hold it where an encoder's first layer would be."""
    quantizer = fit_random(clustered(), (8, 4), seed=3)
    key = np.frombuffer(quantizer.key, np.float32).reshape(1, 16)
    earlier = replace(quantizer, layers=((key, np.zeros(1, np.float32)),), key=b"")
    for number, each in enumerate((quantizer, earlier)):
        (tmp_path / str(number)).mkdir()
        save_quantizer(each, tmp_path / str(number))
        loaded = load_quantizer(files(tmp_path / str(number)))
        assert len(loaded.key) == 64 and not loaded.layers
        assert np.array_equal(loaded.encode(clustered()), quantizer.encode(clustered()))


@pytest.mark.parametrize("content", ["[]", "3", '{"layers": "x"}', '{"layers": 0, "codebooks": 2}'])
def test_a_description_of_another_kind_is_corrupt(tmp_path: Path, content: str) -> None:
    """JSON, but not what was written."""
    save_quantizer(literal(), tmp_path)
    (tmp_path / "quantizer.json").write_text(content)
    with pytest.raises(CorruptArtifact, match="cannot be read"):
        load_quantizer(files(tmp_path))


def test_unreadable_files_are_corrupt(tmp_path: Path) -> None:
    """Cut tensors, or none at all."""
    save_quantizer(literal(), tmp_path)
    (tmp_path / "quantizer.safetensors").write_bytes(b"\x08")
    with pytest.raises(CorruptArtifact, match="cannot be read"):
        load_quantizer(files(tmp_path))
    with pytest.raises(CorruptArtifact, match="Fit it again"):
        load_quantizer({})
