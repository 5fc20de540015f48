"""Reports over HTTP on loopback: a browser does not follow a link from an http page to a file."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from sidflow.artifacts.storage import Storage
from sidflow.release import REPORTS

HOST = "127.0.0.1"
NAME = re.compile(r"/([\w-]+\.html)", re.ASCII)


@contextmanager
def report_server(root: str, port: int = 0) -> Iterator[str]:
    """Serve the HTML pages of a store's `reports` folder, read only, while the block runs; yields the address.

    Args:
        root: The store, a folder or any fsspec URL.
        port: On 127.0.0.1; 0 takes a free one.
    """
    server = ThreadingHTTPServer((HOST, port), partial(_Pages, Storage(root)))
    Thread(target=server.serve_forever, name="reports", daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Pages(BaseHTTPRequestHandler):
    """GET and HEAD of `/<name>.html`; nothing else is there."""

    server_version, sys_version, timeout = "sidflow", "", 10

    def __init__(self, storage: Storage, *arguments: Any):
        self._storage = storage
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are not logged."""

    def _answer(self, with_body: bool) -> None:
        name = NAME.fullmatch(self.path)
        content = self._storage.read(f"{REPORTS}/{name[1]}") if name and self._is_local() else None
        status, kind = (200, "text/html") if content is not None else (404, "text/plain")
        body = b"No such report; write it with: sidflow report RELEASE\n" if content is None else content
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _is_local(self) -> bool:
        """Whether the request names this host; a page elsewhere whose name is rebound to loopback does not."""
        return (self.headers.get("Host") or "").rsplit(":", 1)[0] in (HOST, "localhost")
