"""The distribution's Alertmanager on a temporary directory, and a receiver that writes down."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from tests.servers.absent import absent
from tests.servers.prometheus_server import free_port

COMMANDS = ("alertmanager", "prometheus-alertmanager")
"""Its own name, and the one under which Debian has it."""

READY_SECONDS = 30


def found():
    """The server's path; where it is missing the test fails under CI, and is skipped elsewhere."""
    path = next((path for one in COMMANDS if (path := shutil.which(one))), None)
    if path is None:
        absent("alertmanager is not here: `apt-get install prometheus-alertmanager`")
    return path


def amtool():
    """The path of the tool that comes with it."""
    path = shutil.which("amtool")
    if path is None:
        absent("amtool is not here: `apt-get install prometheus-alertmanager`")
    return path


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running server: `url` is its address; `started_ms` lies shortly before its start."""

    url: str
    client: httpx.Client
    config: Path
    started_ms: int

    def post(self, alerts):
        """Send alerts; gives the instants before and after."""
        return self._timed(f"{self.url}/api/v2/alerts", alerts)[0]

    def silence(self, silence):
        """Make a silence; gives its id and the instants before and after."""
        span, answer = self._timed(f"{self.url}/api/v2/silences", silence)
        return answer.json()["silenceID"], span

    def reload(self, config):
        """Take another configuration; gives the instants before and after."""
        self.config.write_text(config, encoding="utf-8")
        return self._timed(f"{self.url}/-/reload", None)[0]

    def _timed(self, url, body):
        before = now_ms()
        answer = self.client.post(url, json=body)
        after = now_ms()
        assert answer.status_code < 300, answer.text
        return (before, after), answer


def now_ms():
    """The clock of both."""
    return int(time.time() * 1000)


@contextmanager
def alertmanager(directory: Path, config: str, flags: tuple[str, ...] = ()):
    """Start one, and end it."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "alertmanager.yml"
    path.write_text(config, encoding="utf-8")
    port = free_port()
    command = [
        found(),
        f"--config.file={path}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        *flags,
    ]
    log = (directory / "alertmanager.log").open("wb")
    started_ms = now_ms()
    process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(timeout=60) as client:
            _wait(client, url, process, directory)
            yield Alertmanager(url, client, path, started_ms)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait(client, url, process, directory):
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if client.get(f"{url}/-/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError((directory / "alertmanager.log").read_text())


@dataclass(slots=True)
class Told:
    """What a webhook was told, with the instant at which it came."""

    messages: list = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Server(ThreadingHTTPServer):
    """Takes hundreds of messages at once: a connection that finds no place waits for seconds."""

    daemon_threads = True
    request_queue_size = 1_024


@contextmanager
def webhook():
    """A receiver at a loopback port: gives its address and what it is told."""
    told = Told()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            at_ms = now_ms()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            with told.lock:
                told.messages.append((at_ms, self.path, json.loads(body)))

        def log_message(self, *_):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
