"""Sealed values open in their own row, with their own key, unchanged, and nowhere else."""

import pytest

from control.sealing import BrokenSeal, Sealer
from spec.errors import Unavailable

OLD, NEW = "ab" * 32, "cd" * 32


@pytest.mark.parametrize("plain", [b"", b"hunter2", bytes(range(256)) * 512])
def test_a_sealed_value_opens_again(plain: bytes) -> None:
    sealer = Sealer.of(OLD)
    sealed = sealer.seal(plain, table="t", row="1")
    assert sealer.unseal(sealed, table="t", row="1") == plain
    assert plain == b"" or plain not in sealed.encode()


def test_equal_values_look_different() -> None:
    sealer = Sealer.of(OLD)
    assert len({sealer.seal(b"x", table="t", row="1") for _ in range(100)}) == 100


@pytest.mark.parametrize(("table", "row"), [("t", "2"), ("u", "1"), ("t\x001", "")])
def test_a_value_does_not_open_in_another_row(table: str, row: str) -> None:
    sealer = Sealer.of(OLD)
    with pytest.raises(BrokenSeal, match="changed or moved"):
        sealer.unseal(sealer.seal(b"x", table="t", row="1"), table=table, row=row)


@pytest.mark.parametrize("at", [12, 20, -4])
def test_a_changed_value_does_not_open(at: int) -> None:
    sealer = Sealer.of(OLD)
    sealed = sealer.seal(b"hunter2", table="t", row="1")
    changed = list(sealed)
    changed[at] = "A" if sealed[at] != "A" else "B"
    with pytest.raises(BrokenSeal):
        sealer.unseal("".join(changed), table="t", row="1")


@pytest.mark.parametrize("garbage", ["", "v1", "v2.x.y", "v1.x.", "not sealed at all"])
def test_garbage_does_not_open(garbage: str) -> None:
    with pytest.raises(BrokenSeal):
        Sealer.of(OLD).unseal(garbage, table="t", row="1")


def test_keys_rotate() -> None:
    before = Sealer.of(OLD)
    sealed = before.seal(b"x", table="t", row="1")
    both = Sealer.of(f"{NEW}\n{OLD}\n")
    assert both.unseal(sealed, table="t", row="1") == b"x"
    assert before.is_current(sealed) and not both.is_current(sealed)
    anew = both.seal(b"x", table="t", row="1")
    assert Sealer.of(NEW).unseal(anew, table="t", row="1") == b"x"
    with pytest.raises(BrokenSeal, match="needs the key"):
        before.unseal(anew, table="t", row="1")


@pytest.mark.parametrize("text", ["", "short", OLD + "\n" + "zz" * 32])
def test_a_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Unavailable, match="64 hexadecimal"):
        Sealer.of(text)
