"""A real receiver of webhooks for the suites: agrees to OPTIONS, checks every signature, keeps what came."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
from replicas import Replica

Answer = tuple[int, dict[str, str]]
QUICK = {
    "COP_DELIVERY_LEASE_S": "3", "COP_DELIVERY_TIMEOUT_S": "2", "COP_DELIVERY_RETRY_S": "0.1",
    "COP_DELIVERY_RETRY_MAX_S": "0.5", "COP_WEBHOOK_ALLOW": '["127.0.0.0/8"]',
    "COP_WEBHOOK_HTTP_HOSTS": '["127.0.0.1"]',
}  # fmt: skip


def is_signed(secret: str, headers: Any, body: bytes) -> bool:
    """Whether a request is signed as Standard Webhooks says; the lines of docs/delivery.md."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return fresh and any(hmac.compare_digest(wanted, one) for one in headers["webhook-signature"].split())


@dataclass
class Came:
    """One request that came."""

    headers: dict[str, str]
    body: bytes
    events: list[dict[str, Any]]
    status: int
    at: float = field(default_factory=time.monotonic)

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.events]


class Receiver:
    """Listens on a port of loopback until it is stopped; it may be started again on the same port."""

    def __init__(self) -> None:
        self.secret = ""
        self.came: list[Came] = []
        self.asked: list[dict[str, str]] = []
        self.agrees: dict[str, str] = {"WebHook-Allowed-Origin": "*"}
        self.answer: Callable[[Came], Answer] = lambda _: (204, {})
        self.forged = 0
        self._port = 0
        self._open: set[socket.socket] = set()
        self._server: ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/hook?of=cop"

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                receiver._open.add(self.request)
                super().setup()

            def finish(self) -> None:
                receiver._open.discard(self.request)
                with suppress(OSError):
                    super().finish()

            def do_OPTIONS(self) -> None:
                receiver.asked.append(dict(self.headers))
                self._reply(200, receiver.agrees)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                document = json.loads(body)
                events = document if isinstance(document, list) else [document]
                came = Came({name.lower(): value for name, value in self.headers.items()}, body, events, 0)
                if receiver.secret and not is_signed(receiver.secret, self.headers, body):
                    receiver.forged += 1
                came.status, headers = receiver.answer(came)
                receiver.came.append(came)
                self._reply(came.status, headers)

            def _reply(self, status: int, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            for one in list(self._open):  # a dead host keeps no connection
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            self._server = None

    @property
    def taken(self) -> list[dict[str, Any]]:
        """The events that were taken, in the order in which they came."""
        return [event for one in self.came if 200 <= one.status < 300 for event in one.events]

    def told(self) -> list[tuple[str, bool]]:
        return [(event["subject"], event["type"].endswith("delete")) for event in self.taken]


def until(holds: Callable[[], bool], seconds: float = 60, told: Callable[[], object] = lambda: "") -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


def replica_of(events: list[dict[str, Any]], collection: str = "incidents") -> dict[str, Any]:
    """What a receiver holds that applies events as they come."""
    replica = Replica()
    for event in list(events):
        if event["collection"] == collection:
            replica.take(event["data"])
    return replica.kept


def in_order(events: list[dict[str, Any]]) -> None:
    """No feature is ever told in an older state after a newer one."""
    last: dict[tuple[str, str], int] = {}
    for event in events:
        key, n = (event["collection"], event["subject"]), int(event["sequence"])
        assert last.get(key, 0) <= n, (key, last[key], n)
        last[key] = n


def state(owner: psycopg.Connection[Any], id_: str) -> Any:
    """State, last error and failures of a subscription, as the store has them."""
    return owner.execute("SELECT state, last_error, failures FROM cop.subscription WHERE id = %s", [id_]).fetchone()
