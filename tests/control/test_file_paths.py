"""No path of a client's leads out of its volume, or out of DBFS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.volumes.paths import dbfs_path, volume_path
from spec.errors import Invalid


def test_a_path_is_taken_apart() -> None:
    path = volume_path("/Volumes/c/s/v/a/b c.txt")
    assert (path.catalog, path.schema, path.volume, path.inside) == ("c", "s", "v", "a/b c.txt")
    assert str(path) == "/Volumes/c/s/v/a/b c.txt"
    assert volume_path("/Volumes/c/s/v/").inside == ""
    assert dbfs_path("dbfs:/a/b/") == dbfs_path("/a/b") == "a/b"
    assert dbfs_path("/") == ""


@pytest.mark.parametrize(
    "path",
    [
        "/Volumes/c/s",
        "Volumes/c/s/v/x",
        "/volumes/c/s/v/x",
        "/Volumes/c/../v/x",
        "/Volumes/c/s/v/../x",
        "/Volumes/c/s/v/a//b",
        "/Volumes/c/s/v//a",
        "/Volumes/c/s/v/a\0b",
        "/Volumes/c/s/v/a\nb",
        "/Volumes/c/s/v/\udcff",
        "/Volumes/c/s/v/" + "x" * 256,
        "/Volumes/c/s/v/" + "x/" * 600,
    ],
)
def test_what_cannot_name_a_file_is_refused(path: str) -> None:
    with pytest.raises(Invalid):
        volume_path(path)


def test_dbfs_leaves_volumes_alone() -> None:
    with pytest.raises(Invalid, match=r"/api/2\.0/fs/files/Volumes/c/s/v/x"):
        dbfs_path("dbfs:/Volumes/c/s/v/x")


@given(st.text(alphabet="/.a\\%~\0é", max_size=12))
def test_whatever_passes_stays_inside(rest: str) -> None:
    try:
        inside = volume_path(f"/Volumes/c/s/v/{rest}").inside
    except Invalid:
        return
    assert not inside.startswith("/")
    assert not {"", ".", ".."} & set(inside.split("/")) or inside == ""
