"""MovieLens: the publisher's archives and RecBole's copy give the same columns and text."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from sidflow.errors import DataContractError
from sidflow.fetch.movielens import from_recbole_100k, read_1m, read_100k
from sidflow.fetch.wheel import wheel_members
from tests.fetch.official import ml_1m, ml_100k, write

RATINGS = "recbole/dataset_example/ml-100k/ml-100k.inter"
FILMS = "recbole/dataset_example/ml-100k/ml-100k.item"


def recbole_wheel(folder: Path) -> tuple[str, dict[str, str]]:
    """A wheel that pip accepts with the same data, and the digests of its files."""
    members = {
        RATINGS: "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "196\t1\t3\t881250949\n007\t267\t5\t881250950\n",
        FILMS: "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "1\tToy Story\t1995\tAnimation Comedy\n2\tMisérables, Les\t1995\tDrama Musical\n"
        "267\tunkonwn\tunkonwn\tunknown\n1412\tLand Before Time III (1995)\tV\tAnimation\n",
    }
    path = folder / "recbole-1.2.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in members.items():
            wheel.writestr(name, text)
        wheel.writestr("recbole-1.2.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: recbole\nVersion: 1.2.1\n")
        wheel.writestr(
            "recbole-1.2.1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("recbole-1.2.1.dist-info/RECORD", "")
    return str(path), {name: hashlib.sha256(text.encode()).hexdigest() for name, text in members.items()}


def test_100k_is_the_same_from_both_places(tmp_path: Path) -> None:
    """Latin-1 with flags and UTF-8 with words become the same text, the two misread films included."""
    official = read_100k(write(tmp_path / "ml-100k.zip", ml_100k()))
    copied = from_recbole_100k(*recbole_wheel(tmp_path))
    assert official.interactions.equals(copied.interactions)
    assert official.items.equals(copied.items)
    assert official.interactions.to_pylist()[1] == {
        "user_id": "007", "item_id": "267", "rating": 5, "timestamp": 881250950,
    }  # fmt: skip
    assert official.items.to_pydict() == {
        "item_id": ["1", "2", "267", "1412"],
        "title": ["Toy Story", "Misérables, Les", "unknown", "Land Before Time III"],
        "release_year": ["1995", "1995", "", "1995"],
        "genres": ["Animation, Comedy", "Drama, Musical", "unknown", "Animation"],
    }


def test_1m_has_the_columns_of_100k(tmp_path: Path) -> None:
    """The same configuration reads both; films that nobody rated stay in the catalogue."""
    tables = read_1m(write(tmp_path / "ml-1m.zip", ml_1m()))
    assert tables.interactions.to_pydict() == {
        "user_id": ["1", "1", "6040"],
        "item_id": ["1", "73", "1"],
        "rating": [5, 3, 4],
        "timestamp": [978300760, 978302109, 956703932],
    }
    assert tables.items.to_pydict() == {
        "item_id": ["1", "73", "3000"],
        "title": ["Toy Story", "Misérables, Les", "Mononoke-hime (Princess Mononoke)"],
        "release_year": ["1995", "1995", "1997"],
        "genres": ["Animation, Children's, Comedy", "Drama, Musical", "Animation"],
    }
    small = read_100k(write(tmp_path / "ml-100k.zip", ml_100k()))
    assert tables.items.schema == small.items.schema and tables.interactions.schema == small.interactions.schema


def test_pip_that_finds_nothing_says_so(tmp_path: Path) -> None:
    """The last line of pip's complaint is in the message."""
    with pytest.raises(DataContractError, match=r"pip download .*gone.whl failed: ERROR"):
        wheel_members(str(tmp_path / "gone.whl"), {})


def test_wheel_with_other_content_is_refused(tmp_path: Path) -> None:
    """A changed file and an absent one are named."""
    requirement, sha256 = recbole_wheel(tmp_path)
    with pytest.raises(DataContractError, match=r"ml-100k.item is .*; allowed is sha256 abc"):
        wheel_members(requirement, {FILMS: "abc"})
    with pytest.raises(DataContractError, match="other is absent"):
        wheel_members(requirement, {**sha256, "other": "abc"})
