"""Clients of S3 servers, all made alike."""

from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore import handlers  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]


def connect(*, endpoint: str, region: str, access_key: str, secret_key: str) -> Any:
    """Return a client; nothing is connected before first use. It is for threads, it blocks."""
    make = cast("Any", boto3.client)  # pyright: ignore[reportUnknownMemberType]
    client = make(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(
            connect_timeout=3,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=32,
            # Of links, too: not every S3 server takes the older way that boto3 signs them in.
            signature_version="s3v4",
            s3={"addressing_style": "path"},
        ),
    )
    # Asking before sending costs a round trip, and botocore reads for ever (with a whole
    # processor) when the server's "100 Continue" is broken off in the middle.
    expect = cast("Any", handlers.add_expect_header)  # pyright: ignore[reportUnknownMemberType]
    client.meta.events.unregister("before-call.s3", expect)
    return client
