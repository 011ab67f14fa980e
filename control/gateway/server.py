"""Runs the gateway as a process of its own."""

import uvicorn

from control.gateway.app import create_gateway
from control.gateway.commits import AfterUpstream
from control.gateway.config import GatewayConfig


def run_gateway(config: GatewayConfig, *, after_upstream: AfterUpstream | None = None) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first.

    Args:
        config: The settings.
        after_upstream: See `create_gateway`.
    """
    uvicorn.run(
        create_gateway(config, after_upstream=after_upstream),
        host=config.host,
        port=config.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(config.upstream_timeout_s) + 5,
    )
