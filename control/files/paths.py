"""Workspace paths: absolute, without a trailing slash, `/Workspace/x` being `/x`."""

import posixpath

from spec.errors import Invalid

_PREFIX = "/Workspace"
MAX_CHARACTERS = 1_000


def normalise(path: str) -> str:
    """Return the one spelling of a path.

    Raises:
        Invalid: it is not absolute, climbs with `..`, or is too long.
    """
    if not path.startswith("/"):
        raise Invalid(f"the workspace path '{path}' must begin with '/'")
    if ".." in path.split("/"):
        raise Invalid(f"the workspace path '{path}' must not hold '..'")
    if "\0" in path or len(path) > MAX_CHARACTERS:
        raise Invalid(f"a workspace path has at most {MAX_CHARACTERS} characters and no NUL")
    plain = posixpath.normpath(path)
    plain = "/" + plain.lstrip("/")
    if plain == _PREFIX:
        return "/"
    return plain.removeprefix(_PREFIX) if plain.startswith(_PREFIX + "/") else plain
