"""Which addresses of repositories are let through; pure."""

import re
from urllib.parse import urlsplit

from spec.errors import Invalid

_SCP = re.compile(r"(?:[A-Za-z0-9._-]+@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?!/)(?P<path>\S+)")


def host_of(url: str, *, allow_file: bool) -> str:
    """Return the host of a repository's address; empty for a folder of this machine.

    Raises:
        Invalid: it is of another kind than https and ssh, or holds a password; says what to do.
    """
    if not url.isascii() or not url.isprintable() or " " in url or url.startswith("-"):
        raise Invalid("git_url holds characters that no address has; write https://host/path")
    if "::" in url.split("/")[0]:
        raise Invalid(f"git_url '{url}' names a program of git's; write https://host/path")
    scp = _SCP.fullmatch(url)
    if scp is not None and "://" not in url:
        return scp["host"]
    parts = urlsplit(url)
    if parts.scheme == "file" and allow_file and not parts.netloc:
        return ""
    if parts.scheme not in ("https", "ssh"):
        raise Invalid(f"git_url '{url}' is neither https nor ssh; write https://host/path")
    if not parts.hostname or not parts.path.strip("/") or parts.hostname.startswith("-"):
        raise Invalid(f"git_url '{url}' lacks a host or a path; write https://host/path")
    if parts.password is not None or (parts.username is not None and parts.scheme == "https"):
        raise Invalid(
            "git_url holds a user or a password, which everybody who sees the job could read; an"
            " operator gives the token of a host in OPENLAKE_GIT__HOSTS"
        )
    if (parts.username or "").startswith("-"):
        raise Invalid(f"git_url '{url}' is not an address; write https://host/path")
    return parts.hostname
