"""The control API: what people, clients and engine workers talk to."""

import os
import subprocess

import httpx2

from control.stack.environment import PYTHON_QUIET, openlake_command, settings_environment
from control.stack.part import Command, Part, check_http, own_version
from spec.errors import Unavailable


class Api(Part):
    """Makes the schema when it starts; then `up` makes the first access token."""

    name = "api"
    title = "Control API"
    needs = ("postgres", "minio", "temporal")
    ports = ("api",)
    advice = "read `openlake logs api`; runs under way go on without it"

    def version(self) -> str:
        """See base class."""
        return own_version()

    def command(self) -> Command:
        """See base class."""
        return Command(
            openlake_command("api"), {**PYTHON_QUIET, **settings_environment(self.layout)}
        )

    def check(self) -> None:
        """See base class."""
        check_http(f"{self.address}/health")

    def after_start(self) -> None:
        """Make the first token, unless the kept one is still good."""
        if self._token_is_good():
            return
        done = subprocess.run(
            openlake_command("token", "bootstrap"),
            env={**os.environ, **settings_environment(self.layout)},
            cwd=self.layout.data_dir,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise Unavailable(f"the first access token could not be made: {' '.join(last)}")

    def _token_is_good(self) -> bool:
        file = self.layout.secrets_dir / "token"
        if not file.is_file():
            return False
        try:
            answer = httpx2.get(
                f"{self.address}/api/2.0/preview/scim/v2/Me",
                headers={"Authorization": f"Bearer {self.layout.secret('token')}"},
                timeout=5,
                trust_env=False,
            )
        except httpx2.HTTPError as error:
            raise Unavailable(f"the API does not answer: {error}") from error
        return answer.status_code != 401
