"""What a service's database must look like, and how an older one is brought there."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


class StoreUnusable(Exception):
    """What is there is not what a service can go on with, however often it tries.

    The text says what it is, and what helps.
    """


class SchemaTooNew(StoreUnusable):
    """A newer release has already changed this database; this one would damage it."""


@dataclass(frozen=True)
class Schema:
    """The tables of one service, and where the migrations are that make them.

    Every service shares the log's tables and adds some. Each owner keeps its own lineage of
    migrations; `revisions` holds the newest of each, so that a start can see with one small query
    that there is nothing to do, and need not import alembic.
    """

    name: str
    metadata: tuple[MetaData, ...]
    version_locations: tuple[Path, ...]
    revisions: frozenset[str]

    def extended(self, name: str, metadata: MetaData, owner: Path, revision: str) -> "Schema":
        """This schema and a service's own tables, whose migrations are in the folder `owner`."""
        return Schema(
            name,
            (*self.metadata, metadata),
            (*self.version_locations, owner / "migrations" / "versions"),
            self.revisions | {revision},
        )


# As alembic makes it: one row for each lineage.
_alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), primary_key=True),
)


def create(connection: Connection, schema: Schema) -> None:
    """Makes all of `schema` in an empty database, as its migrations would, in half the time."""
    for metadata in schema.metadata:
        metadata.create_all(connection, checkfirst=False)
    _alembic_version.create(connection)
    revisions = [{"version_num": revision} for revision in sorted(schema.revisions)]
    connection.execute(_alembic_version.insert(), revisions)


def is_empty(connection: Connection) -> bool:
    return not inspect(connection).get_table_names()


def stored_revisions(connection: Connection) -> frozenset[str]:
    """The newest revision of each lineage that the database went through; none if it is new."""
    if not inspect(connection).has_table("alembic_version"):
        return frozenset()
    return frozenset(connection.scalars(text("SELECT version_num FROM alembic_version")))


def shipped_revisions() -> frozenset[str]:
    """All that this release has migrations to; each stands in a file of that name."""
    folders = Path(__file__).parents[1].glob("**/migrations/versions")
    return frozenset(path.stem for folder in folders for path in folder.glob("[!_]*.py"))


def migrate(connection: Connection, schema: Schema) -> None:
    """Brings the database up to `schema`, within the transaction that the caller has begun.

    Raises `StoreUnusable` if that is none of this release.
    """
    # Importing alembic takes longer than all the rest of a start, and is seldom needed.
    from alembic import command  # noqa: PLC0415

    check_known(connection, schema)
    config = migration_config(schema)
    config.attributes["connection"] = connection
    config.attributes["metadata"] = schema.metadata
    command.upgrade(config, "heads")


def check_known(connection: Connection, schema: Schema) -> None:
    """Raises `StoreUnusable` if the database is none that can be brought up to `schema`."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    scripts = ScriptDirectory.from_config(migration_config(schema)).walk_revisions()
    known = {script.revision for script in scripts}
    stored = stored_revisions(connection)
    if not stored and not is_empty(connection):
        raise StoreUnusable("it is a database of another program; move it away")
    if unknown := stored - known:
        _refuse(schema, sorted(unknown))


def _refuse(schema: Schema, unknown: list[str]) -> NoReturn:
    owners = {revision.rpartition("_")[0] for revision in schema.revisions}
    if foreign := [one for one in unknown if one.rpartition("_")[0] not in owners]:
        raise StoreUnusable(
            f"it is the database of another service, at revision {', '.join(foreign)}, and not of "
            f"{schema.name}; put each file back in its place"
        )
    raise SchemaTooNew(
        f"the {schema.name} database is at revision {', '.join(unknown)}, which is newer than this "
        "release of zchat: install the newer one again, or restore the backup that was made before "
        "the upgrade, with: zchat-admin restore FOLDER"
    )


def migration_config(schema: Schema) -> "Config":
    """Settings for alembic's commands, without an alembic.ini."""
    from alembic.config import Config  # noqa: PLC0415

    def escaped(path: Path) -> str:
        # The settings pass through configparser, to which a percent sign means something.
        return str(path).replace("%", "%%")

    config = Config()
    config.set_main_option("script_location", escaped(_MIGRATIONS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(escaped, schema.version_locations)))
    return config
