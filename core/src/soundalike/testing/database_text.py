"""Where in the database a text stands, whatever tables there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundalike.db.database import Pool

# Of types whose values can hold a name.
_COLUMNS = """
SELECT table_name, column_name
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
    AND data_type IN ('text', 'character varying', 'json', 'jsonb', 'tsvector', 'bytea', 'ARRAY', 'USER-DEFINED')
    AND udt_name NOT IN ('_float4', 'vector')
"""


async def text_columns(pool: Pool) -> set[str]:
    """Return the columns that can hold a text, each as `table.column`."""
    return {f"{row['table_name']}.{row['column_name']}" for row in await pool.fetch(_COLUMNS)}


async def columns_with(pool: Pool, *texts: str) -> set[str]:
    """Return the columns, each as `table.column`, in which at least one of the texts stands."""
    present = set()
    for column in await text_columns(pool):
        table, name = column.split(".")
        statement = f"""SELECT EXISTS (SELECT FROM "{table}", unnest($1::text[]) AS text
        WHERE strpos("{name}"::text, text) > 0)"""  # noqa: S608 - names of the catalogue of tables
        if await pool.fetchval(statement, list(texts)):
            present.add(column)
    return present
