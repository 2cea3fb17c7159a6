"""Runs migrations on the connection that ``bot.records.database.migrate`` hands over; without one there is nothing."""

from __future__ import annotations

from alembic import context

from bot.records.tables import METADATA

# SQLite changes tables by making them anew, which Alembic calls batches.
context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
context.run_migrations()
