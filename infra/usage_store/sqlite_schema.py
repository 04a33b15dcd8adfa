"""Tables of the ledger in SQLite, version by version."""

from __future__ import annotations

import sqlite3

from domain.billing_units import UNITS
from infra.clients.sqlite import transaction
from infra.usage_store.sqlite_rollups import MIGRATION as SUMS

# No index by request: callers choose these ids, and keeping random texts in order would cost six times as much as all
# the rest of writing a line. For the same reason ids of lines should begin with the time.
MIGRATIONS = (
    """
    CREATE TABLE lines (
        id TEXT NOT NULL UNIQUE,
        time_ms INTEGER NOT NULL,
        request_id TEXT NOT NULL,
        project TEXT NOT NULL,
        key_id TEXT NOT NULL,
        operation TEXT NOT NULL,
        code TEXT NOT NULL,
        document_id TEXT NOT NULL,
        provider TEXT NOT NULL,
        upstream_model TEXT NOT NULL,
        status INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        streamed INTEGER NOT NULL,
        latency_ms INTEGER NOT NULL,
        first_byte_ms INTEGER,
        error TEXT,
        end_user TEXT,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cached_input_tokens INTEGER NOT NULL,
        cache_write_tokens INTEGER NOT NULL,
        reasoning_tokens INTEGER NOT NULL,
        audio_input_tokens INTEGER NOT NULL,
        audio_output_tokens INTEGER NOT NULL,
        image_input_tokens INTEGER NOT NULL,
        image_output_tokens INTEGER NOT NULL,
        usage_source TEXT NOT NULL,
        cost_micros INTEGER NOT NULL, -- whole 10^-6 of a currency unit, rounded down
        cost_picos INTEGER NOT NULL, -- and the 10^-12 that are left, 0 to 999999
        currency TEXT NOT NULL,
        tags TEXT NOT NULL, -- JSON object
        prices TEXT NOT NULL, -- JSON object
        unpriced TEXT NOT NULL -- JSON list
    );
    CREATE INDEX lines_by_project ON lines (project, time_ms);
    CREATE INDEX lines_by_time ON lines (time_ms);
    """,
    """
    ALTER TABLE lines ADD COLUMN characters INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE lines ADD COLUMN audio_milliseconds INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE lines ADD COLUMN images INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE lines ADD COLUMN image_size TEXT NOT NULL DEFAULT '';
    """,
    """
    CREATE TABLE writers (
        id TEXT NOT NULL PRIMARY KEY,
        host TEXT NOT NULL,
        started_ms INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL,
        complete_ms INTEGER NOT NULL,
        waiting INTEGER NOT NULL,
        lost INTEGER NOT NULL,
        lost_ms INTEGER NOT NULL,
        rejected INTEGER NOT NULL,
        ended INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE lines ADD COLUMN accounts TEXT NOT NULL DEFAULT '[]'; -- JSON list",
    """
    ALTER TABLE lines ADD COLUMN exposure_micros INTEGER; -- NULL: the exposure is the cost
    ALTER TABLE lines ADD COLUMN exposure_picos INTEGER;
    ALTER TABLE lines ADD COLUMN attempt_details TEXT NOT NULL DEFAULT '[]'; -- JSON list
    """,
    "ALTER TABLE lines ADD COLUMN code_asked TEXT NOT NULL DEFAULT ''",
    SUMS,
)
"""Only ever appended to."""


def add_columns(connection: sqlite3.Connection) -> None:
    """Add columns for billing units that this database does not have yet."""
    found = {name for _, name, *_ in connection.execute("PRAGMA table_info(lines)")}
    if missing := [unit.quantity for unit in UNITS if unit.quantity not in found]:
        with transaction(connection):
            for name in missing:
                connection.execute(f"ALTER TABLE lines ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")
