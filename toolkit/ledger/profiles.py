"""Profiles over time: what was counted of an asset each time that it was made.

What is counted is kept once, by its digest, however often it came out so: a table that is made
again with the same rows costs a line. Of each asset the newest times are kept, for each target.
"""

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from toolkit.graph.profile import TableProfile
from toolkit.ledger.part import Part

KEPT = 50  # times of one asset and target


class ProfileRow(msgspec.Struct, frozen=True, kw_only=True):
    """One asset as a run left it, counted.

    Attributes:
        data_version: of what was counted; ``None`` where not known.
        method: how it was counted: the same method gives the same of the same data.
        unusual: metrics that an anomaly rule found to be unusual: they are no part of its history.
        accepted: somebody said that it is as it should be.
    """

    asset: str
    run_id: str
    target: str
    at: float
    profile: TableProfile
    data_version: str | None = None
    method: str = ""
    unusual: tuple[str, ...] = ()
    accepted: bool = False


class LastProfile(NamedTuple):
    """When an asset was counted last, how, and in which version."""

    asset: str
    target: str
    run_id: str
    data_version: str | None
    method: str


class Profiles(Part):
    """The part of the ledger that has the profiles."""

    def add(self, row: ProfileRow) -> None:
        """Note what was counted; the oldest of this asset and target beyond the newest go."""
        body = msgspec.msgpack.encode(row.profile)
        digest = hashlib.blake2b(body, digest_size=16).hexdigest()
        with self._transaction():
            self._execute(
                "INSERT OR IGNORE INTO profile_body (digest, body) VALUES (?, ?)",
                (digest, zlib.compress(body)),
            )
            self._execute(
                "INSERT OR REPLACE INTO profile (asset, run_id, target, at, digest, data_version, "
                "method, unusual, accepted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (row.asset, row.run_id, row.target, row.at, digest, row.data_version, row.method,
                 msgspec.json.encode(row.unusual).decode(), int(row.accepted)),
            )  # fmt: skip
            self._forget(row.asset, row.target)

    def again(self, last: LastProfile, run_id: str, at: float) -> None:
        """Note that an asset was made again, and came out as it was counted last."""
        with self._transaction():
            self._execute(
                "INSERT OR REPLACE INTO profile (asset, run_id, target, at, digest, data_version, "
                "method, unusual, accepted) SELECT asset, ?, target, ?, digest, data_version, "
                "method, unusual, accepted FROM profile WHERE asset = ? AND run_id = ?",
                (run_id, at, last.asset, last.run_id),
            )
            self._forget(last.asset, last.target)

    def last(self, asset: str, target: str) -> LastProfile | None:
        """What was noted last of an asset in published runs of ``target``, without its figures."""
        rows = self._read(
            "SELECT p.asset, p.target, p.run_id, p.data_version, p.method FROM profile AS p "
            "JOIN run ON run.id = p.run_id WHERE p.asset = ? AND p.target = ? AND run.published "
            "ORDER BY run.rowid DESC LIMIT 1",
            asset, target,
        )  # fmt: skip
        return next((LastProfile(**row) for row in rows), None)

    def _forget(self, asset: str, target: str) -> None:
        """Drop what is beyond the newest, with what nothing else counts."""
        old = self._read(
            "SELECT p.run_id, p.digest FROM profile AS p JOIN run ON run.id = p.run_id "
            "WHERE p.asset = ? AND p.target = ? ORDER BY run.rowid DESC LIMIT -1 OFFSET ?",
            asset, target, KEPT,
        )  # fmt: skip
        for row in old:
            self._execute(
                "DELETE FROM profile WHERE asset = ? AND run_id = ?", (asset, row["run_id"])
            )
            self._execute(
                "DELETE FROM profile_body WHERE digest = ? AND NOT EXISTS "
                "(SELECT 1 FROM profile WHERE profile.digest = profile_body.digest)",
                (row["digest"],),
            )

    def judge(self, asset: str, run_id: str, unusual: Iterable[str]) -> None:
        """Note which metrics of it an anomaly rule found to be unusual."""
        with self._transaction():
            self._execute(
                "UPDATE profile SET unusual = ? WHERE asset = ? AND run_id = ?",
                (msgspec.json.encode(sorted(unusual)).decode(), asset, run_id),
            )

    def accept(self, asset: str, run_id: str) -> None:
        """Note that it is as it should be, whatever a rule says."""
        with self._transaction():
            self._execute(
                "UPDATE profile SET accepted = 1 WHERE asset = ? AND run_id = ?", (asset, run_id)
            )

    def get(self, asset: str, run_id: str) -> ProfileRow | None:
        """What was counted of an asset as one run left it, published or not."""
        rows = self._read(
            "SELECT p.*, body FROM profile AS p JOIN profile_body AS b ON b.digest = p.digest "
            "WHERE p.asset = ? AND p.run_id = ?",
            asset, run_id,
        )  # fmt: skip
        return next((_row(row) for row in rows), None)

    def of(self, asset: str, target: str, limit: int = KEPT) -> list[ProfileRow]:
        """The newest of one asset in published runs of ``target``, newest first."""
        rows = self._read(
            "SELECT p.*, body FROM profile AS p JOIN profile_body AS b ON b.digest = p.digest "
            "JOIN run ON run.id = p.run_id WHERE p.asset = ? AND p.target = ? AND run.published "
            "ORDER BY run.rowid DESC LIMIT ?",
            asset, target, limit,
        )  # fmt: skip
        return [_row(row) for row in rows]

    def recent(self, target: str, limit: int) -> dict[str, list[ProfileRow]]:
        """The newest of each asset in published runs of ``target``, newest first."""
        rows = self._read(
            "SELECT * FROM (SELECT p.*, body, row_number() OVER (PARTITION BY p.asset "
            "ORDER BY run.rowid DESC) AS place FROM profile AS p "
            "JOIN profile_body AS b ON b.digest = p.digest JOIN run ON run.id = p.run_id "
            "WHERE p.target = ? AND run.published) WHERE place <= ? ORDER BY asset, place",
            target, limit,
        )  # fmt: skip
        found: dict[str, list[ProfileRow]] = {}
        for row in rows:
            found.setdefault(row["asset"], []).append(_row(row))
        return found


def _row(row: Mapping[str, Any]) -> ProfileRow:
    return ProfileRow(
        asset=row["asset"],
        run_id=row["run_id"],
        target=row["target"],
        at=row["at"],
        profile=msgspec.msgpack.decode(zlib.decompress(row["body"]), type=TableProfile),
        data_version=row["data_version"],
        method=row["method"],
        unusual=tuple(msgspec.json.decode(row["unusual"])),
        accepted=bool(row["accepted"]),
    )
