"""Signed heads: what the journal's chain had come to at a time, by a key that the database does not have."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psycopg
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from cop.errors import SetupTrouble
from cop.store.statements import statements

FOLDER = "journal"
"""Folder in COP_VAR of the key, the public halves of it and of its forerunners, and the heads that were signed."""

_KEY = "key.pem"
HEADS = "heads.jsonl"
"""The file of heads in it, a line each."""
_SQL = Path(__file__).parent / "sql" / "heads.sql"


Chain = Literal["journal", "audit"]
_CHAINS: dict[str, Chain] = {"journal": "journal", "audit": "audit"}


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The number and hash of a chain's last row, when and with which key they were signed."""

    n: int
    hash: bytes
    signed_at: datetime
    key_id: str
    signature: bytes
    of: Chain = "journal"

    @property
    def message(self) -> bytes:
        """What is signed."""
        at = self.signed_at.astimezone(UTC).isoformat(timespec="microseconds")
        kind = "cop head 1" if self.of == "journal" else f"cop {self.of} head 1"
        return f"{kind}\n{self.n}\n{bytes(self.hash).hex()}\n{at}\n{self.key_id}\n".encode()

    @property
    def values(self) -> dict[str, object]:
        """As the columns of its table."""
        return {"n": self.n, "hash": self.hash, "signed_at": self.signed_at, "key_id": self.key_id,
                "signature": self.signature}  # fmt: skip

    def to_line(self) -> str:
        """As a line of the file of heads."""
        about = {"n": self.n, "hash": bytes(self.hash).hex(), "signed_at": self.signed_at.astimezone(UTC).isoformat(),
                 "key_id": self.key_id, "signature": bytes(self.signature).hex()}  # fmt: skip
        return json.dumps(about | ({} if self.of == "journal" else {"of": self.of})) + "\n"


class Verifier:
    """The public halves of this installation's keys."""

    def __init__(self, var: Path) -> None:
        self._keys: dict[str, Ed25519PublicKey] = {}
        for file in sorted((var / FOLDER).glob("*.pub")):
            key = load_pem_public_key(file.read_bytes())
            if not isinstance(key, Ed25519PublicKey):
                raise SetupTrouble(f"{file}: not an Ed25519 key; put back the file of that name from a copy")
            self._keys[_id_of(key)] = key

    def trouble_with(self, head: SignedHead) -> str | None:
        """Why a head is not good; None where its signature is."""
        key = self._keys.get(head.key_id)
        if key is None:
            return f"it was signed with the key {head.key_id}, which is not in the folder {FOLDER}"
        try:
            key.verify(bytes(head.signature), head.message)
        except InvalidSignature:
            return "its signature is not good"
        return None


def ensure_key(var: Path) -> Ed25519PrivateKey:
    """The installation's key, made where there is none; nobody but its owner can read it."""
    folder = var / FOLDER
    file = folder / _KEY
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if file.is_file():
        key = load_pem_private_key(file.read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise SetupTrouble(f"{file}: not an Ed25519 key; put back a copy, or move it away and a new one is made")
    else:
        key = Ed25519PrivateKey.generate()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key()
    shown = folder / f"{_id_of(public)}.pub"
    if not shown.is_file():
        shown.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return key


def sign_head(owner_dsn: str, var: Path) -> SignedHead:
    """Sign the journal's head as it is now, and keep it in the database and in the file beside the key."""
    with psycopg.connect(owner_dsn) as connection:
        row = connection.execute(statements(_SQL)["head"]).fetchone()
        assert row is not None
        head = signed(var, int(row[0]), bytes(row[1]), "journal")
        connection.execute(statements(_SQL)["keep"], head.values)
        keep_outside(var, head)
    return head


def signed(var: Path, n: int, hash_: bytes, of: Chain) -> SignedHead:
    """A head of a chain, signed now with the installation's key."""
    key = ensure_key(var)
    unsigned = SignedHead(n, hash_, datetime.now(UTC), _id_of(key.public_key()), b"", of)
    return replace(unsigned, signature=key.sign(unsigned.message))


def keep_outside(var: Path, head: SignedHead) -> None:
    """Add a head to the file beside the key."""
    with (var / FOLDER / HEADS).open("a", encoding="utf-8") as out:
        out.write(head.to_line())


def kept_heads(var: Path) -> list[SignedHead]:
    """The heads kept outside the database.

    Raises SetupTrouble that names the line which cannot be read.
    """
    file = var / FOLDER / HEADS
    heads = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines() if file.is_file() else [], 1):
        try:
            told = json.loads(line)
            heads.append(SignedHead(
                int(told["n"]), bytes.fromhex(told["hash"]), datetime.fromisoformat(told["signed_at"]),
                str(told["key_id"]), bytes.fromhex(told["signature"]), _CHAINS[told.get("of", "journal")],
            ))  # fmt: skip
        except (ValueError, KeyError, TypeError) as exc:
            raise SetupTrouble(f"{file}, line {number}: no signed head; put back a copy of the file") from exc
    return heads


def _id_of(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]
