"""Alembic's entry: runs the migrations on the connection, and in the transaction, that `store.schema` hands over."""

from alembic import context

from dedup.store.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
