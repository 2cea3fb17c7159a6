"""The secret, and what is derived from it: digests in place of ids, and the encryption of texts.

The secret is never in the database or in its backups. Every use has a key of its own, derived with HKDF (RFC 5869).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_FILE = "secret"
SECRET_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2: random nonces of 96 bits


class WrongKeyError(Exception):
    """A text cannot be decrypted: it was encrypted with another secret, or it is damaged."""


def read_or_make_secret(folder: Path) -> str:
    """The secret in ``folder``, made there when there is none; readable by its owner only. Raises OSError.

    Two processes that start together end up with the same one.
    """
    file = folder / SECRET_FILE
    if not file.exists():
        handle, made = tempfile.mkstemp(dir=folder, prefix=".secret-")  # 0600 from its first moment
        try:
            with os.fdopen(handle, "w", encoding="ascii") as stream:
                stream.write(secrets.token_urlsafe(SECRET_BYTES) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            with suppress(FileExistsError):
                os.link(made, file)  # unlike a rename, this leaves a secret that came first in place
        finally:
            Path(made).unlink()
    return file.read_text(encoding="ascii").strip()


class Keys:
    """Digests and encryption under one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._people = self._derive("people")
        self._communities = self._derive("communities")
        self._updates = self._derive("updates")
        self._aes = {purpose: AESGCM(self._derive(f"text of {purpose}")) for purpose in ("questions", "settings")}
        self.fingerprint = self._derive("fingerprint").hex()
        """Stored with the database, to notice that it is opened with another secret."""

    def _derive(self, purpose: str) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"iris records {purpose}".encode()).derive(
            self._secret
        )

    def person(self, salt: bytes, platform: str, id_: str) -> bytes:
        """What stands for a person as long as ``salt`` exists; once that is destroyed, nobody can compute it again."""
        return _digest(self._people, salt, platform.encode(), id_.encode())

    def community(self, platform: str, id_: str) -> bytes:
        """What stands for a community, always the same."""
        return _digest(self._communities, platform.encode(), id_.encode())

    def update(self, update: str) -> bytes:
        """What stands for an update or event of a platform, always the same."""
        return _digest(self._updates, update.encode())

    def encrypt(self, purpose: str, text: str) -> bytes:
        """``text`` in AES-256-GCM with a random nonce; ``purpose`` is "questions" or "settings"."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._aes[purpose].encrypt(nonce, text.encode("utf-8", "replace"), purpose.encode())

    def decrypt(self, purpose: str, sealed: bytes) -> str:
        """The text again. Raises WrongKeyError."""
        try:
            return self._aes[purpose].decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise WrongKeyError from error


def _digest(key: bytes, *parts: bytes) -> bytes:
    # Each part's length stands before it, so that no two lists of parts read the same.
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.new(key, message, hashlib.sha256).digest()
