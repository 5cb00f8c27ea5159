"""Real processes for the end-to-end tests: started, killed, started again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SEAWALL = [sys.executable, "-m", "seawall"]
_LISTENING = re.compile(r"listening on (http://\S+)")


def environment(data_dir: Path, database_url: str | None) -> dict[str, str]:
    """What a process of the house needs to know."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("SEAWALL_")}
    found |= {"SEAWALL_DATA_DIR": str(data_dir), "SEAWALL_ALLOW_PRIVATE_ENDPOINTS": "yes", "COLUMNS": "200"}
    if database_url is not None:
        found["SEAWALL_DATABASE_URL"] = database_url
    return found


def cli(env: dict[str, str], *arguments: str) -> str:
    """Run a command of ``seawall`` to its end; its output. Fails the test when it fails."""
    done = subprocess.run([*SEAWALL, *arguments], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


class Process:
    """A serving process; ``url`` is where it listens."""

    def __init__(self, env: dict[str, str], *arguments: str) -> None:
        self._process = subprocess.Popen(
            [*SEAWALL, *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )
        self.lines: list[str] = []
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            if found := _LISTENING.search(line):
                self.url = found.group(1)
                break
        else:
            raise AssertionError("the process ended before it listened:\n" + "".join(self.lines))
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def _drain(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)

    def kill(self) -> None:
        """kill -9."""
        self._process.send_signal(signal.SIGKILL)
        self._finish()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def stop(self, number: int = signal.SIGINT) -> None:
        """Ask it to end; it must."""
        self._process.send_signal(number)
        self._finish()

    def _finish(self) -> None:
        try:
            self._process.wait(timeout=30)
        finally:
            self._process.kill()
            self._reader.join(timeout=10)
            assert self._process.stdout is not None
            self._process.stdout.close()


class Inbox:
    """A receiver of deliveries: what came, by message id."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, object]] = {}
        self.count = 0
        self.lock = threading.Lock()
        self.arrived = threading.Condition(self.lock)


@contextmanager
def receiver() -> Iterator[tuple[str, Inbox]]:
    """A local receiver that answers 204 to everything; its URL and its inbox."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with inbox.arrived:
                inbox.count += 1
                inbox.messages[self.headers["webhook-id"]] = json.loads(body)
                inbox.arrived.notify_all()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
