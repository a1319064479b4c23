"""The alembic environment that every service's ``migrations/env.py`` runs."""

import re

from alembic import context
from sqlalchemy import Connection, MetaData

# Weekly partitions are made and dropped at run time; they are no part of the model.
_PARTITION = re.compile(r"_(w\d{8}|rest)$")


def run(metadata: MetaData) -> None:
    """Run the migrations on the connection that :func:`common.database.migrate` handed over."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=lambda _object, name, *_rest: not (name and _PARTITION.search(name)),
        compare_server_default=False,
    )
    context.run_migrations()
