import os
import socket
from contextlib import closing

from control.stack.busy import busy_port, is_free


def test_a_held_port_is_not_free_and_the_refusal_says_what_to_do() -> None:
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert not is_free(port)
        message = busy_port(port, "temporal_ui", "Temporal").message
    assert f"port {port}, wanted by Temporal" in message
    assert f"process {os.getpid()}" in message
    assert "OPENLAKE_PORTS__TEMPORAL_UI" in message
    assert is_free(port)
