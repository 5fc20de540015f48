"""Reports over HTTP on loopback: a browser does not follow a link from an http page to a file."""

import re
import zlib
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
PORTS = range(20_000, 30_000)  # below those that systems give to outgoing connections


@contextmanager
def report_server(root: str) -> Iterator[str]:
    """Serve the HTML pages of a store's `reports` folder, read only, while the block runs; yields the address.

    A store always has the same port unless it is taken: links of earlier runs lead somewhere after a restart, too.

    Args:
        root: The store, a folder or any fsspec URL.
    """
    storage = Storage(root)
    try:
        server = ThreadingHTTPServer((HOST, usual_port(storage)), partial(_Pages, storage))
    except OSError:
        server = ThreadingHTTPServer((HOST, 0), partial(_Pages, storage))
    Thread(target=server.serve_forever, name="reports", daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def usual_port(storage: Storage) -> int:
    """A port for a store by its place."""
    return PORTS[zlib.crc32(storage.url(REPORTS).encode()) % len(PORTS)]


class _Pages(BaseHTTPRequestHandler):
    """GET and HEAD of `/<name>.html`, and of `/`, which lists them; nothing else is there."""

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
        content = self._content() if self._is_local() else None
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

    def _content(self) -> bytes | None:
        if self.path == "/":
            names = [name for name in self._storage.children(REPORTS) if NAME.fullmatch(f"/{name}")]
            lines = "".join(f'<li><a href="/{name}">{name.removesuffix(".html")}</a></li>' for name in sorted(names))
            return f"<!doctype html><title>sidflow</title><h1>Reports by release</h1><ul>{lines}</ul>\n".encode()
        name = NAME.fullmatch(self.path)
        return self._storage.read(f"{REPORTS}/{name[1]}") if name else None

    def _is_local(self) -> bool:
        """Whether the request names this host; a page elsewhere whose name is rebound to loopback does not."""
        return (self.headers.get("Host") or "").rsplit(":", 1)[0] in (HOST, "localhost")
