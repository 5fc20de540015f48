"""A real HTTP server on loopback with a publisher's files, and with the faults that real ones have."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Site:
    """What the server serves and how it fails; tests change it between requests.

    Attributes:
        url: Its address, without a slash at the end.
        files: Content by name.
        etag: The version, sent with every file; empty: none.
        modified: Last-Modified; empty: none.
        ranges: Whether it heeds Range.
        cut: Bytes after which it hangs up, one entry a request; when they are used up, it sends everything.
        hold: If given, a cut connection stays open until it is set.
        status: Answers to give instead, one a request.
        stated: Content-Length to state instead of the true one; 0: state none.
        content_range: Content-Range to state instead of the true one.
        seen: (name, Range, If-Range) of each request.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    etag: str = '"one"'
    modified: str = ""
    ranges: bool = True
    cut: list[int] = field(default_factory=list)
    hold: threading.Event | None = None
    status: list[int] = field(default_factory=list)
    stated: int | None = None
    content_range: str = ""
    seen: list[tuple[str, str | None, str | None]] = field(default_factory=list)


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """The site at an address of its own, while the block runs."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers from the site."""

        def do_GET(self) -> None:
            """A file, a part of it, or a fault."""
            answer(self, site)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        site.url = f"http://127.0.0.1:{running.server_address[1]}"
        try:
            yield site
        finally:
            running.shutdown()
            thread.join()


def answer(request: http.server.BaseHTTPRequestHandler, site: Site) -> None:
    """One response."""
    name, asked = request.path.removeprefix("/"), request.headers.get("Range")
    site.seen.append((name, asked, request.headers.get("If-Range")))
    content = site.files.get(name)
    if site.status or content is None:
        request.send_error(site.status.pop(0) if site.status else 404)
        return
    same = request.headers.get("If-Range", site.etag) in {site.etag, site.modified}
    start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and site.ranges and same else 0
    if start and start >= len(content):
        request.send_error(416)
        return
    request.send_response(206 if start else 200)
    if start:
        request.send_header("Content-Range", site.content_range or f"bytes {start}-{len(content) - 1}/{len(content)}")
    if (length := len(content) - start if site.stated is None else site.stated) > 0:
        request.send_header("Content-Length", str(length))
    for header, value in (("ETag", site.etag), ("Last-Modified", site.modified)):
        if value:
            request.send_header(header, value)
    request.end_headers()
    end = start + site.cut.pop(0) if site.cut else len(content)
    with suppress(ConnectionError):  # the client was killed
        request.wfile.write(content[start:end])
    if site.hold is not None and end < len(content):
        site.hold.wait(60.0)
