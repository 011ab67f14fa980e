"""Finds out who holds a port, so that the refusal names the way out."""

import socket
from contextlib import closing

import psutil

from control.stack.layout import LOOPBACK
from spec.errors import Conflict


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a loopback port now."""
    with closing(socket.socket()) as probe:
        # Without it, connections that ended a minute ago would still count as somebody.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def busy_port(port: int, setting: str, title: str) -> Conflict:
    """Return the error that says who holds a port and which variable moves ours."""
    return Conflict(
        f"port {port}, wanted by {title}, is held by {_holder(port)}; stop that, or set "
        f"OPENLAKE_PORTS__{setting.upper()} to a free port",
        port=port,
    )


def _holder(port: int) -> str:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return "another program (of another user, it seems)"
    for connection in connections:
        if (
            connection.laddr
            and connection.laddr.port == port
            and connection.status == psutil.CONN_LISTEN
            and connection.pid
        ):
            try:
                process = psutil.Process(connection.pid)
                return f"'{process.name()}' (process {process.pid})"
            except psutil.NoSuchProcess:
                continue
    return "another program"
