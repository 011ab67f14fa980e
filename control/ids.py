"""Ids that the control plane makes up itself; those of runs are spelled in `spec.ids`."""

import os
import time
from uuid import UUID


def new_id() -> str:
    """Return a UUID of version 7 (RFC 9562): later ones sort behind earlier ones."""
    stamp = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10)) & ((1 << 74) - 1)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return str(UUID(int=stamp << 80 | 7 << 76 | high << 64 | 2 << 62 | low))
