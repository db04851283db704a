"""The ledger's tables and how an older file is brought up to date.

``PRAGMA user_version`` counts the migrations that a file has seen. A newer file
is refused: an older toolkit would not understand what it must keep.
"""

import sqlite3

from toolkit.errors import LedgerError

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE run (
        id TEXT PRIMARY KEY,
        command TEXT NOT NULL,
        target TEXT NOT NULL,
        started_at REAL NOT NULL,
        finished_at REAL,
        status TEXT NOT NULL,
        selection TEXT NOT NULL,
        version TEXT NOT NULL
    ) STRICT;
    CREATE INDEX run_by_start ON run (started_at);
    CREATE TABLE step (
        run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        step TEXT NOT NULL,
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        integration TEXT NOT NULL,
        status TEXT NOT NULL,
        reason TEXT NOT NULL,
        started_at REAL,
        finished_at REAL,
        message TEXT NOT NULL DEFAULT '',
        "rows" INTEGER,
        failures INTEGER,
        relation TEXT,
        thread TEXT NOT NULL DEFAULT '',
        timing TEXT NOT NULL DEFAULT '[]',
        adapter_response TEXT NOT NULL DEFAULT '{}',
        PRIMARY KEY (run_id, step)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX step_by_key ON step (step, run_id);
    CREATE TABLE materialization (
        asset TEXT NOT NULL,
        run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        at REAL NOT NULL,
        "rows" INTEGER,
        code_version TEXT NOT NULL,
        data_version TEXT,
        metrics TEXT NOT NULL,
        metadata TEXT NOT NULL,
        inputs TEXT NOT NULL,
        PRIMARY KEY (asset, run_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX materialization_by_time ON materialization (asset, at);
    """,
    "ALTER TABLE run ADD COLUMN errors TEXT NOT NULL DEFAULT '[]';",
    """
    ALTER TABLE run ADD COLUMN published INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE materialization ADD COLUMN sql_version TEXT NOT NULL DEFAULT '';
    ALTER TABLE materialization ADD COLUMN volatile TEXT NOT NULL DEFAULT '';
    CREATE TABLE passed (
        step TEXT NOT NULL,
        run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        at REAL NOT NULL,
        code_version TEXT NOT NULL,
        volatile TEXT NOT NULL,
        inputs TEXT NOT NULL,
        PRIMARY KEY (step, run_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE warehouse (
        target TEXT PRIMARY KEY,
        stamp TEXT NOT NULL,
        outside TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    "ALTER TABLE step ADD COLUMN waited_for TEXT;",
    "ALTER TABLE run ADD COLUMN options TEXT NOT NULL DEFAULT '{}';",
    """
    CREATE TABLE profile_body (
        digest TEXT PRIMARY KEY,
        body BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE profile (
        asset TEXT NOT NULL,
        run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        target TEXT NOT NULL,
        at REAL NOT NULL,
        digest TEXT NOT NULL REFERENCES profile_body (digest),
        data_version TEXT,
        method TEXT NOT NULL,
        unusual TEXT NOT NULL,
        accepted INTEGER NOT NULL,
        PRIMARY KEY (asset, run_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX profile_by_body ON profile (digest);
    CREATE INDEX profile_by_run ON profile (run_id);
    """,
    """
    CREATE TABLE model_version (
        model TEXT NOT NULL,
        version TEXT NOT NULL,
        target TEXT NOT NULL,
        at REAL NOT NULL,
        run_id TEXT NOT NULL,
        format TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        info_sha256 TEXT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (model, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE model_event (
        id INTEGER PRIMARY KEY,
        model TEXT NOT NULL,
        version TEXT NOT NULL,
        target TEXT NOT NULL,
        at REAL NOT NULL,
        event TEXT NOT NULL,
        who TEXT NOT NULL,
        why TEXT NOT NULL,
        run_id TEXT NOT NULL
    ) STRICT;
    CREATE INDEX model_event_by_model ON model_event (model);
    """,
)


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the tables of ``connection`` to this version, each migration in one transaction.

    Raises:
        LedgerError: the file was written by a newer toolkit.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise LedgerError(
            f"The ledger {path} was written by a newer toolkit (format {version}, "
            f"this one knows {len(MIGRATIONS)}).",
            "Reading it could lose what the newer one noted, so nothing was done.",
            "Upgrade the toolkit here, or use another project folder.",
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;"
        )
