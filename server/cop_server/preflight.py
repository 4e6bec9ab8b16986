"""Looks at the machine before the server starts, so that trouble is told in a sentence."""

from __future__ import annotations

import socket

from cop.errors import SetupTrouble


def need_port(host: str, port: int) -> None:
    """Refuse to start where the address cannot be listened on. Raises SetupTrouble with what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except PermissionError as exc:
        raise SetupTrouble(f"Port {port} is kept for root. Choose one from 1024 on: COP_PORT=8000 make run") from exc
    except OSError as exc:
        raise SetupTrouble(
            f"Port {port} on {host} cannot be used: {exc.strerror}. If another COP runs there, `make stop` "
            f"in its clone ends it; else choose another port: COP_PORT={port % 65535 + 1} make run"
        ) from exc
