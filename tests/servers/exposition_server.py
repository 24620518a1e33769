"""A target on loopback that exposes whatever the test says, and remembers what it was asked."""

import gzip
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXT = "text/plain; version=0.0.4"


@dataclass
class Exposed:
    """What is answered from now on; `seen` are the requests, path and headers of each."""

    body: bytes = b"a 1\n"
    content_type: str = TEXT
    status: int = 200
    wait_seconds: float = 0.0
    location: str = ""
    paths: dict = field(default_factory=dict)
    """Body and content type of paths that have their own."""
    address: str = ""
    seen: list = field(default_factory=list)


@contextmanager
def exposition(context: ssl.SSLContext | None = None):
    """Serve until the end."""
    exposed = Exposed()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self):
            with suppress(ConnectionError, ssl.SSLError):  # whoever asked may go at any time
                super().handle()

        def do_GET(self):
            exposed.seen.append((self.path, dict(self.headers)))
            time.sleep(exposed.wait_seconds)
            packed = "gzip" in self.headers.get("Accept-Encoding", "")
            default = exposed.body, exposed.content_type
            plain, kind = exposed.paths.get(self.path, default)
            body = gzip.compress(plain) if packed else plain
            moved = exposed.location and self.path != exposed.location
            self.send_response(302 if moved else exposed.status)
            if moved:
                self.send_header("Location", exposed.location)
            if packed:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # of more at once than the default 5, some would wait a second

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    exposed.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield exposed
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
