"""What this machine computes on, and in which precision."""

import functools
from contextlib import AbstractContextManager
from typing import Literal

import torch

Precision = Literal["float32", "bfloat16"]

# bfloat16 pays on a CPU only with instructions for it; AVX-512 alone emulates it and is slower than float32.
CPU_FEATURES = ("avx512_bf16", "amx_bf16", "bf16")


def best_device() -> torch.device:
    """The first CUDA or Apple GPU if there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def resolve_precision(requested: Literal["auto", "float32", "bfloat16"], device: torch.device) -> Precision:
    """The precision of matrix products: `auto` is bfloat16 where the hardware multiplies it natively."""
    if requested != "auto":
        return requested
    return "bfloat16" if has_bfloat16(device) else "float32"


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16 products."""
    match device.type:
        case "cuda":
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
        case "cpu":
            return _cpu_has_bfloat16()
        case _:
            return False


@functools.cache
def _cpu_has_bfloat16() -> bool:
    features = torch.cpu.get_capabilities()
    return any(features.get(name) for name in CPU_FEATURES)


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[None]:
    """A context in which matrix products run in a precision; weights and sums stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def device_name() -> str:
    """The best device in words, for a manifest: `cpu`, `mps` or the name of the GPU."""
    device = best_device()
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
