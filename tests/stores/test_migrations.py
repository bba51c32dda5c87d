"""The chain of migrations and the tables in code are the same schema, on both databases."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from gateway import migrations
from tests.world import World


def test_the_chain_ends_where_the_tables_in_code_are(world: World) -> None:
    """Nothing would be generated: no column, index or table differs."""
    with world.runtime.db.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True})
        assert compare_metadata(context, migrations.metadata) == []
        assert migrations.present(tx) == migrations.head()


def test_upgrading_twice_is_harmless(world: World) -> None:
    """The next start finds the schema there and leaves it."""
    migrations.upgrade(world.runtime.db)
    with world.runtime.db.read() as tx:
        assert migrations.present(tx) == migrations.head()
