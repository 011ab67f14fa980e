"""Runs the gateway as a process of its own."""

import socket
import sys

import uvicorn

from control.gateway.app import create_gateway
from control.gateway.commits import AfterUpstream
from control.gateway.config import GatewayConfig
from control.gateway.keeper import keep
from spec.errors import Conflict

_BACKLOG = 512


def run_gateway(config: GatewayConfig, *, after_upstream: AfterUpstream | None = None) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first.

    The serving child is replaced when it crashes; the listening socket outlives it. Call it from
    the main thread, before any other is started.

    Args:
        config: The settings.
        after_upstream: See `create_gateway`.

    Raises:
        Conflict: the port is taken.
        SystemExit: the server could not start.
    """
    listening = _listen(config)

    def serve() -> None:
        server = uvicorn.Server(
            uvicorn.Config(
                create_gateway(config, after_upstream=after_upstream),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=int(config.upstream_timeout_s) + 5,
            )
        )
        server.run(sockets=[listening])

    status = keep(serve)
    if status:
        sys.exit(status)


def _listen(config: GatewayConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise Conflict(
            f"the gateway cannot listen on {config.host}:{config.port} ({error.strerror}); "
            "choose another port with OPENLAKE_PORTS__GATEWAY"
        ) from error
