"""SIDs as added tokens, and text that cannot be taken for one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidflow.dataset.tokens import item_tokens
from sidflow.errors import CorruptArtifact, ShapeError
from sidflow.export.language_tokens import add_sid_tokens, neutral_text, sid_texts, sid_tokens, write_tokens
from tests.export.language_models import tiny_tokenizer

SIZES = (3, 2, 4)
NASTY = st.text(alphabet="<>|/abcs_012 \n\t\u3000\uff1c\ufe64[]", max_size=40)


def test_tokens_are_in_the_order_of_token_numbers() -> None:
    """The n-th added token is the pipeline's token n."""
    tokens = sid_tokens(SIZES)
    assert tokens == ["<a_0>", "<a_1>", "<a_2>", "<b_0>", "<b_1>", "<c_0>", "<c_1>", "<c_2>", "<c_3>"]
    codes = np.array([[2, 1, 3]])
    assert "".join(tokens[token] for token in item_tokens(np.array([0]), codes, SIZES)[0]) == sid_texts(codes)[0]


def test_sids_read_as_designed() -> None:
    """Levels are letters, codes are numbers."""
    assert sid_texts(np.array([[12, 7, 200], [0, 0, 1]])) == ["<a_12><b_7><c_200>", "<a_0><b_0><c_1>"]


def test_too_many_levels_are_refused() -> None:
    """There are 26 letters."""
    with pytest.raises(ShapeError, match=r"27 levels; allowed is 26"):
        sid_tokens((2,) * 27)


@pytest.mark.parametrize(
    ("text", "neutral"),
    [
        ("Lipstick <a_12>", "Lipstick < a_12>"),
        ("<<a_1><b_2>", "< < a_1>< b_2>"),
        ("end</s><|endoftext|>", "end< /s>< |endoftext|>"),
        ("\uff1ca_1> \ufe64a_1>", "\uff1c a_1> \ufe64 a_1>"),
        ("a || b|||c||||", "a | | b| | |c| | | |"),
        ("two\nlines\t and  spaces ", "two lines and spaces"),
        ("5 < 6 & plain [text]", "5 < 6 & plain [text]"),
        ("", ""),
    ],
)
def test_neutral_text(text: str, neutral: str) -> None:
    """Control tokens and separators are taken apart, everything else stays."""
    assert neutral_text(text) == neutral


@given(NASTY)
def test_no_text_survives_as_a_token(text: str) -> None:
    """Whatever the title: no `<` with something behind it, no separator, no line break; and twice is as once."""
    neutral = neutral_text(text)
    assert not any(mark + after in neutral for mark in "<\uff1c\ufe64" for after in "<>|/abcs_012[]")
    assert "||" not in neutral
    assert "\n" not in neutral
    assert neutral_text(neutral) == neutral


@pytest.fixture(scope="module")
def with_tokens(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, np.ndarray]:
    """A tokenizer that has the SID tokens, and their ids."""
    folder = tmp_path_factory.mktemp("tokens")
    tokenizer = tiny_tokenizer(["item has title"])
    write_tokens(SIZES, folder)
    return tokenizer, add_sid_tokens(tokenizer, folder)


@given(NASTY)
def test_no_title_becomes_a_sid_token(with_tokens: tuple[Any, np.ndarray], text: str) -> None:
    """A real tokenizer with the added tokens finds none of them in a neutral title, and all of them beside it."""
    tokenizer, ids = with_tokens
    assert not set(tokenizer(neutral_text(text))["input_ids"]) & set(ids.tolist())
    assert tokenizer(f"<a_2><b_1><c_3>{neutral_text(text)}")["input_ids"][:3] == ids[[2, 4, 8]].tolist()


def test_each_token_is_one_id_and_comes_back(tmp_path: Path) -> None:
    """Added to a tokenizer every SID token is one id, in order, and decodes to itself; adding twice adds nothing."""
    tokenizer = tiny_tokenizer(["item has title"])
    before = len(tokenizer)
    assert write_tokens(SIZES, tmp_path) == 9
    ids = add_sid_tokens(tokenizer, tmp_path)
    assert len(tokenizer) == before + 9
    assert add_sid_tokens(tokenizer, tmp_path).tolist() == ids.tolist()
    for token, each in zip(sid_tokens(SIZES), ids.tolist(), strict=True):
        assert tokenizer(token)["input_ids"] == [each]
        assert tokenizer.decode([each]) == token


def test_a_tokenizer_that_lower_cases_makes_no_token(tmp_path: Path) -> None:
    """Tokens are matched before the text is normalised: `<A_1>` in a title is text."""
    tokenizer = tiny_tokenizer(["item has title"], lowercase=True)
    write_tokens(SIZES, tmp_path)
    ids = add_sid_tokens(tokenizer, tmp_path)
    assert not set(tokenizer("<A_1>")["input_ids"]) & set(ids.tolist())
    assert tokenizer("<a_1>")["input_ids"] == [ids[1]]


def test_a_saved_tokenizer_keeps_them(tmp_path: Path) -> None:
    """Saved and loaded as transformers do it, the ids are the same."""
    from transformers import AutoTokenizer

    tokenizer = tiny_tokenizer(["item has title"])
    write_tokens(SIZES, tmp_path)
    ids = add_sid_tokens(tokenizer, tmp_path)
    tokenizer.save_pretrained(tmp_path / "saved")
    loaded = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert loaded.convert_tokens_to_ids(sid_tokens(SIZES)) == ids.tolist()
    assert loaded("x <a_2><b_0>")["input_ids"][-2:] == [ids[2], ids[3]]


def test_a_folder_without_tokens_is_refused(tmp_path: Path) -> None:
    """Missing, broken, or of another shape: the error names the file and the command."""
    tokenizer = tiny_tokenizer(["item has title"])
    for content in (None, "{", json.dumps([{"token": "<a_0>"}])):
        if content is not None:
            (tmp_path / "added_tokens.json").write_text(content)
        with pytest.raises(CorruptArtifact, match=r"added_tokens.json: no added tokens .*sidflow export language"):
            add_sid_tokens(tokenizer, tmp_path)
