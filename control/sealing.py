"""Seals small secrets before they are stored: AES-256-GCM, with keys from outside the database.

    sealer = Sealer.of(layout.secret("sealing-key"))
    row.value = sealer.seal(b"hunter2", table="secrets", row="7/scope/key")
    sealer.unseal(row.value, table="secrets", row="7/scope/key")

Table and row are authenticated with the secret, so a sealed value that is moved to another row does
not open there. The envelope `v1.<key id>.<base64url of nonce and ciphertext>` names its key: to
rotate, write a new key on the first line of the secret `sealing-key` and leave the old one below.
"""

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from spec.errors import OpenLakeError, Unavailable

_VERSION = "v1"
_KEY = re.compile(r"[0-9a-f]{64}")
_NONCE_BYTES = 12
"""NIST SP 800-38D: 96 bits; drawn at random, safe for 2³² values under one key."""


class BrokenSeal(OpenLakeError):
    """A stored secret cannot be opened: it was changed or moved, or its key is gone."""


class Sealer:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """See class.

        Args:
            keys: 32 bytes each by key id, the one to seal with first.
        """
        self._keys = {name: AESGCM(key) for name, key in keys.items()}
        self._current = next(iter(keys))

    @classmethod
    def of(cls, text: str) -> "Sealer":
        """Make a sealer from keys of 64 hexadecimal digits, one a line.

        Raises:
            Unavailable: a line is no key, or there is none.
        """
        lines = text.lower().split()
        if not lines or not all(_KEY.fullmatch(line) for line in lines):
            raise Unavailable(
                "the secret 'sealing-key' must hold keys of 64 hexadecimal digits, one a line"
            )
        keys = [bytes.fromhex(line) for line in lines]
        return cls({hashlib.sha256(key).hexdigest()[:8]: key for key in keys})

    def seal(self, plain: bytes, *, table: str, row: str) -> str:
        """Return the envelope to be stored in that row."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._keys[self._current].encrypt(nonce, plain, _place(table, row))
        return f"{_VERSION}.{self._current}.{base64.urlsafe_b64encode(sealed).decode()}"

    def unseal(self, envelope: str, *, table: str, row: str) -> bytes:
        """Return what was sealed for that row.

        Raises:
            BrokenSeal: it was changed or moved, or its key is not among ours.
        """
        where = f"the sealed value of {row!r} in '{table}'"
        version, _, rest = envelope.partition(".")
        name, _, body = rest.partition(".")
        if version != _VERSION:
            raise BrokenSeal(f"{where} has a form that this version does not know")
        key = self._keys.get(name)
        if key is None:
            raise BrokenSeal(
                f"{where} needs the key {name}; put it back as a line of the secret 'sealing-key'"
            )
        try:
            sealed = base64.b64decode(body, altchars=b"-_", validate=True)
            return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _place(table, row))
        except (InvalidTag, ValueError, binascii.Error):
            raise BrokenSeal(f"{where} was changed or moved; set it anew") from None

    def is_current(self, envelope: str) -> bool:
        """Tell whether a value is sealed with the newest key; else it is worth sealing anew."""
        return envelope.startswith(f"{_VERSION}.{self._current}.")


def _place(table: str, row: str) -> bytes:
    return f"{table}\0{row}".encode()
