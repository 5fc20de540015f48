"""Several processes train one decoder: the same weights everywhere, the gradient of the whole batch, one that tells."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sidflow.config import DecoderConfig
from sidflow.decoder.fit import train_decoder
from sidflow.decoder.team import Team, launched_team
from tests.decoder.worlds import SMALL, planted_dataset

CALM: dict[str, Any] = {"dropout": 0.0, "code_dropout": 0.0, "item_dropout": 0.0}


def test_a_process_alone_is_a_team() -> None:
    """It has every row, sums nothing and seeds nothing."""
    team, rows = launched_team(), np.arange(5)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    team.seed(0, 3)
    assert torch.equal(torch.get_rng_state(), before)
    assert (team.size, team.rank, team.is_main) == (1, 0, True)
    assert team.part(rows).tolist() == rows.tolist()
    assert team.gather(rows, 5).tolist() == rows.tolist()


def test_parts_are_everything_once() -> None:
    """Rows sorted by length go around in turn."""
    teams = [Team() for _ in range(3)]
    for rank, team in enumerate(teams):
        team.rank, team.size = rank, 3
    assert [team.part(np.arange(7)).tolist() for team in teams] == [[0, 3, 6], [1, 4], [2, 5]]


PEER = """
import json, os, signal, sys, torch
from pathlib import Path
from sidflow.config import DecoderConfig
from sidflow.decoder.files import save_decoder
from sidflow.decoder.fit import train_decoder
from tests.decoder.worlds import planted_dataset
torch.set_num_threads(1)
asked = json.loads(sys.argv[1])
out = Path(asked["out"]) / os.environ["RANK"]
out.mkdir(parents=True)
told = []

def tell(done, total):
    told.append(done)
    if done == asked["die_at"]:
        os.kill(os.getpid(), signal.SIGKILL)

folder = Path(asked["folder"]) if asked["folder"] else None
config = DecoderConfig.model_validate(asked["config"])
trained = train_decoder(*planted_dataset(), config, 6, None, tell, None, folder)
save_decoder(trained.decoder, out)
(out / "told.json").write_text(json.dumps([told, trained.facts, trained.curve]))
"""


def launch(out: Path, config: DecoderConfig, folder: Path | None = None, die_at: int | None = None) -> list[int]:
    """Two processes on loopback with a port of their own, the first killed after a step; their exit codes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    asked = {"out": str(out), "config": config.model_dump(mode="json"), "folder": folder and str(folder)}
    command = [sys.executable, "-c", PEER, json.dumps({**asked, "die_at": die_at})]
    names = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo"}
    names |= {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    ranked = [{**os.environ, **names, "RANK": rank, "LOCAL_RANK": rank} for rank in "01"]
    peers = [subprocess.Popen(command, env=each, stderr=subprocess.PIPE, text=True) for each in ranked]
    try:
        spoken = [peer.communicate(timeout=240)[1] for peer in peers]
    finally:
        for peer in peers:
            peer.kill()
    codes = [peer.returncode for peer in peers]
    assert die_at is not None or codes == [0, 0], spoken
    return codes


def told(out: Path) -> list[Any]:
    """What each process told: steps, facts, curve."""
    return [json.loads((out / rank / "told.json").read_text()) for rank in "01"]


def weights(folder: Path) -> bytes:
    """The decoder's file."""
    return (folder / "decoder.safetensors").read_bytes()


@pytest.mark.slow
def test_two_processes_train_one_decoder(tmp_path: Path) -> None:
    """With noise and drawn candidates: both end with the same bits, the loss falls, the first alone reports."""
    launch(tmp_path, SMALL.model_copy(update={"epochs": 6, "dense_candidates": 20, "lr": 5e-3}))
    ((*steps, done), facts, curve), (silent, _, other) = told(tmp_path)
    assert weights(tmp_path / "0") == weights(tmp_path / "1")
    assert steps == list(range(1, facts["steps"] + 1)) and done >= steps[-1] and silent == []
    assert curve[-1]["loss_levels"] < curve[0]["loss_levels"] and curve[-1]["ndcg@10"] == other[-1]["ndcg@10"]
    assert facts["processes"] == 2


@pytest.mark.slow
def test_the_gradient_is_that_of_the_whole_batch(tmp_path: Path) -> None:
    """Without noise, two processes follow one, up to rounding; batches of a single window are among them."""
    config = SMALL.model_copy(update={**CALM, "batch_positions": 10})
    launch(tmp_path, config)
    (_, facts, curve), _ = told(tmp_path)
    alone = train_decoder(*planted_dataset(), config, 6)
    assert (facts["steps"], facts["positions"]) == (alone.facts["steps"], alone.facts["positions"])
    for name in ("loss_levels", "loss_dense"):
        np.testing.assert_allclose([row[name] for row in curve], [row[name] for row in alone.curve], rtol=1e-4)


@pytest.mark.slow
def test_a_team_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    """SIGKILL of one process ends the other; the next two take up the state and end like a team that was not killed."""
    state = tmp_path / "state"
    state.mkdir()
    config = SMALL.model_copy(update={"epochs": 4, "checkpoint_seconds": 0.0})
    codes = launch(tmp_path / "killed", config, state, die_at=9)
    assert codes[0] == -signal.SIGKILL and codes[1] != 0
    launch(tmp_path / "resumed", config, state)
    launch(tmp_path / "whole", config)
    steps, _, curve = told(tmp_path / "resumed")[0]
    assert steps[0] == 10
    assert len({weights(tmp_path / name) for name in ("whole/0", "resumed/0", "resumed/1")}) == 1
    assert [row["ndcg@10"] for row in curve] == [row["ndcg@10"] for row in told(tmp_path / "whole")[0][2]]
