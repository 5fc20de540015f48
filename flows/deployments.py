"""A Prefect server with its UI on loopback, and the deployments of pipeline.yaml."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.environment import SERVER_FILE, answers
from sidflow.config import Config
from sidflow.config.serving import Deployment
from sidflow.errors import SidflowError

HOST = "127.0.0.1"
STARTUP_SECONDS = 120.0


def serve_deployments(settings: Config, config: str, overrides: tuple[str, ...]) -> None:
    """Start the server, print its address, serve reports and the deployments until SIGINT or SIGTERM."""
    from flows.report_server import report_server

    with (
        report_server(settings.store.root) as reports,
        prefect_server(settings.deployments.port, reports=reports) as url,
    ):
        os.environ["PREFECT_API_URL"] = f"{url}/api"
        print(url, flush=True)
        print(f"reports: {reports}/", flush=True)
        from prefect import serve

        serve(
            *(_deployment(each, config, overrides) for each in settings.deployments.serve), print_starting_message=False
        )


@contextmanager
def prefect_server(port: int = 0, address: Path = SERVER_FILE, reports: str | None = None) -> Iterator[str]:
    """A Prefect server in a child process; while it lives, the file `address` holds its URL, its process id, and where
    reports are served.
    """
    url = f"http://{HOST}:{port or _free_port()}"
    port = int(url.rsplit(":", 1)[1])
    log = address.parent / "server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    environment = {**os.environ, "PREFECT_API_URL": f"{url}/api", "PREFECT_UI_API_URL": f"{url}/api"}
    with log.open("ab") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True)
    try:
        _wait_until_healthy(server, url, log)
        address.write_text(json.dumps({"url": url, "pid": server.pid, "reports": reports}))
        yield url
    finally:
        address.unlink(missing_ok=True)
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def _deployment(spec: Deployment, config: str, overrides: tuple[str, ...]) -> Any:
    from prefect.types.entrypoint import EntrypointType

    from flows.backfill import backfill
    from flows.refresh import refresh
    from flows.retrain import retrain
    from flows.score import score

    flow: Any = {"refresh": refresh, "backfill": backfill, "retrain": retrain, "score": score}[spec.flow]
    settings = {"config": str(Path(config).absolute()), "overrides": [*overrides, *spec.overrides]}
    return flow.to_deployment(
        name=spec.name,
        cron=spec.cron,
        parameters={**spec.parameters, **settings},
        entrypoint_type=EntrypointType.MODULE_PATH,
        tags=["sidflow"],
    )


def _wait_until_healthy(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if answers(url, seconds=1.0):
            return
        if server.poll() is not None:
            break
        time.sleep(0.3)
    raise SidflowError(f"{url}: the Prefect server did not become healthy; its log is {log}. Is the port free?")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
