"""What this machine computes on."""

from pathlib import Path

import pytest
import torch

from sidflow.device import autocast, best_device, device_name, has_bfloat16, resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_precision_that_is_asked_for_is_taken(precision):
    """Whatever the hardware has."""
    assert resolve_precision(precision, CPU) == precision


def test_auto_follows_the_hardware():
    """bfloat16 exactly where it is native."""
    assert resolve_precision("auto", CPU) == ("bfloat16" if has_bfloat16(CPU) else "float32")


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="only Linux says what the processor has in a file")
def test_the_processor_is_asked_rightly():
    """The operating system's flags say the same."""
    flags = Path("/proc/cpuinfo").read_text().split()
    assert has_bfloat16(CPU) == bool({"avx512_bf16", "amx_bf16", "bf16"}.intersection(flags))


def test_a_device_that_is_neither_cpu_nor_cuda_has_no_bfloat16():
    """Apple GPUs take float32."""
    assert not has_bfloat16(torch.device("mps"))


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_products_run_in_the_precision(precision, dtype):
    """Inside the context only."""
    one = torch.ones(2, 2)
    with autocast(precision, CPU):
        assert (one @ one).dtype == dtype
    assert (one @ one).dtype == torch.float32


def test_device_has_a_name():
    """For the manifest."""
    assert device_name()
    assert (best_device().type == "cuda") == torch.cuda.is_available()
