"""Settings of one gateway process, handed to it by the CLI."""

from pydantic import BaseModel, ConfigDict, SecretStr


class GatewayConfig(BaseModel):
    """Everything the gateway needs; frozen after start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    upstream: str
    """Nessie's own address, e.g. `http://127.0.0.1:8787`, without a path."""
    database_url: SecretStr
    signing_key: SecretStr
    """Checks the tokens that the control API issues; at least 32 bytes."""
    upstream_key: SecretStr | None = None
    """PEM private key whose tokens alone Nessie takes; see `control.gateway.identity`."""
    warehouse: str = "lakehouse"
    """The one warehouse served; the catalog must know it by the same name."""
    host: str = "127.0.0.1"
    port: int = 8781
    max_body_bytes: int = 64 * 1024 * 1024
    connect_timeout_s: float = 3.0
    upstream_timeout_s: float = 30.0
    """A call to the catalog that takes longer is given up; a commit's outcome is then looked up."""
    settle_after_s: float = 45.0
    """A pending commit that cannot be seen in the catalog after so long did not land. Must exceed
    `upstream_timeout_s` by what the catalog may go on working after its caller is gone."""
    settle_interval_s: float = 2.0
    state_cache_s: float = 2.0
    """For so long a read may trust that an attempt is open; commits never do."""
    pool_size: int = 16
