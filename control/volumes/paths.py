"""Paths of files in volumes and in DBFS; pure.

A path is checked when it comes in, once, and what is made of it is a key below the prefix that its
tree owns: nothing that a client can spell names an object outside of it.
"""

from dataclasses import dataclass

from spec.errors import Invalid

ROOT = "/Volumes"
_MOST_SEGMENT_BYTES = 255
_MOST_BYTES = 900
"""S3 takes keys of 1,024 bytes; the prefix of the tree needs some of them."""


@dataclass(frozen=True)
class VolumePath:
    """`/Volumes/<catalog>/<schema>/<volume>/<inside>`."""

    catalog: str
    schema: str
    volume: str
    inside: str
    """Without slashes at its ends; empty for the volume's own root."""

    @property
    def root(self) -> str:
        """The volume's root as clients spell it."""
        return f"{ROOT}/{self.catalog}/{self.schema}/{self.volume}"

    def __str__(self) -> str:
        """Spell the whole path."""
        return f"{self.root}/{self.inside}" if self.inside else self.root


def volume_path(path: str) -> VolumePath:
    """Take a path of the Files API apart; a slash at its end is dropped.

    Raises:
        Invalid: it names no volume, or nothing that could be in one.
    """
    parts = path.strip("/").split("/", 4)
    if len(parts) < 4 or parts[0] != ROOT.strip("/") or not path.startswith("/"):
        raise Invalid(
            f"'{path}' names no volume; a path is /Volumes/<catalog>/<schema>/<volume>/<path>"
        )
    _, catalog, schema, volume, *rest = parts
    for name in (catalog, schema, volume):
        _check(path, name)
    return VolumePath(catalog, schema, volume, inside(path, rest[0] if rest else ""))


def dbfs_path(path: str) -> str:
    """Return a DBFS path without its scheme and the slashes at its ends; empty for the root.

    Raises:
        Invalid: it is not absolute, belongs to a volume, or can name nothing.
    """
    plain = path.removeprefix("dbfs:")
    if not plain.startswith("/"):
        raise Invalid(f"the DBFS path '{path}' must begin with '/'")
    if plain == ROOT or plain.startswith(ROOT + "/"):
        raise Invalid(f"'{path}' is in a volume; use the Files API, /api/2.0/fs/files{plain}")
    return inside(path, plain[1:])


def inside(path: str, rest: str) -> str:
    """Check what follows the root of a tree; return it without a slash at its end.

    Raises:
        Invalid: it climbs, has an empty part, a control character, or is too long.
    """
    rest = rest.removesuffix("/")
    if not rest:
        return ""
    for part in rest.split("/"):
        _check(path, part)
    if len(rest.encode()) > _MOST_BYTES:
        raise Invalid(f"the path '{path[:60]}…' has more than {_MOST_BYTES} bytes")
    return rest


def _check(path: str, part: str) -> None:
    if part in ("", ".", ".."):
        raise Invalid(f"the path '{path}' must not hold '//', '.' or '..'")
    # U+FFFD stands where a client sent bytes that are no UTF-8.
    if any(ord(c) < 0x20 or c in "\x7f\ufffd" or "\ud800" <= c <= "\udfff" for c in part):
        shown = path.encode("ascii", "backslashreplace").decode()
        raise Invalid(f"the path '{shown!r}' holds a control character or is no UTF-8")
    if len(part.encode()) > _MOST_SEGMENT_BYTES:
        raise Invalid(
            f"a part of the path '{path[:60]}…' has more than {_MOST_SEGMENT_BYTES} bytes"
        )
