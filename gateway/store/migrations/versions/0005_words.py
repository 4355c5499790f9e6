"""full-text search on PostgreSQL by a table of words"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What `search._number` makes of a word, for those that were kept as letters.
NUMBER = "('x' || encode(substr(sha256(convert_to(word, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute("ALTER TABLE search RENAME TO search_before")
    # Newest entries are read the most, and by the index alone once they were vacuumed.
    op.execute(
        "CREATE TABLE search (word BIGINT NOT NULL, id BIGINT NOT NULL)"
        " WITH (autovacuum_vacuum_insert_scale_factor = 0.01)"
    )
    op.execute(f"INSERT INTO search SELECT {NUMBER}, id FROM search_before, unnest(tsvector_to_array(words)) AS word")
    op.execute("DROP TABLE search_before")
    op.execute("CREATE UNIQUE INDEX ix_search_word ON search (word, id)")
    op.execute("CREATE INDEX ix_search_id ON search USING brin (id) WITH (autosummarize = on)")  # to forget by
