"""One gateway process for tests: `python -m tests.gateway.serve CONFIG_FILE`.

A file named `fault` beside the configuration makes it misbehave between the catalog's answer and
its own: `die <action>` kills the serving process, `crash <action>` its keeper as well, and
`hold <action>` waits until the file is gone.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from control.gateway.config import GatewayConfig
from control.gateway.routes import Action
from control.gateway.server import run_gateway


def main() -> None:
    file = Path(sys.argv[1])
    fault = file.with_name("fault")

    async def misbehave(action: Action) -> None:
        if not fault.exists():
            return
        mode, _, wanted = fault.read_text().partition(" ")
        if wanted != action:
            return
        if mode in ("die", "crash"):
            fault.unlink()
            if mode == "crash":
                os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        fault.with_name("held").touch()
        while fault.exists():
            await asyncio.sleep(0.02)

    run_gateway(GatewayConfig.model_validate_json(file.read_text()), after_upstream=misbehave)


if __name__ == "__main__":
    main()
