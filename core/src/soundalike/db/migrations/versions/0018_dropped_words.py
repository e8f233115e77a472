"""The words that names lose are noted, and deleted together: by forgetting at once, by every sweep otherwise.

To look for other names with a word at each change of a name took 40 ms in a catalogue of 50,000 tracks.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# Without a key: whoever writes it waits for nobody.
_TABLE = "CREATE TABLE dropped_words (word text NOT NULL)"

_NOTE = """
CREATE FUNCTION note_dropped_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.words IS NULL THEN
        INSERT INTO dropped_words SELECT unnest(tsvector_to_array(OLD.words));
    ELSE
        INSERT INTO dropped_words
        SELECT unnest(tsvector_to_array(OLD.words)) EXCEPT SELECT unnest(tsvector_to_array(NEW.words));
    END IF;
    RETURN NULL;
END $$
"""

_TRIGGER = """
CREATE TRIGGER track_names_words_dropped AFTER DELETE OR UPDATE OF words ON track_names
FOR EACH ROW WHEN (OLD.words IS NOT NULL) EXECUTE FUNCTION note_dropped_words()
"""

# One transaction at a time, so that no two deadlock. Without sequential scans: how many names have a word is unknown to
# the planner.
_DELETE = """
CREATE FUNCTION delete_dropped_words() RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('dropped_words'));
    WITH dropped AS (DELETE FROM dropped_words RETURNING word)
    DELETE FROM search_words s WHERE s.word IN (SELECT word FROM dropped) AND NOT EXISTS (
        SELECT FROM track_names n WHERE n.words @@ array_to_tsvector(ARRAY[s.word])::text::tsquery
    );
END $$
"""

_FORMER_FUNCTION = """
CREATE FUNCTION delete_unused_words() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('search_words'));
    DELETE FROM search_words s WHERE s.word = ANY (tsvector_to_array(OLD.words)) AND NOT EXISTS (
        SELECT FROM track_names n WHERE n.words @@ array_to_tsvector(ARRAY[s.word])::text::tsquery
    );
    RETURN NULL;
END $$
"""

_FORMER_TRIGGER = """
CREATE TRIGGER track_names_words_gone AFTER DELETE OR UPDATE OF words ON track_names
FOR EACH ROW WHEN (OLD.words IS NOT NULL) EXECUTE FUNCTION delete_unused_words()
"""


def upgrade() -> None:
    """Apply."""
    op.execute("DROP TRIGGER track_names_words_gone ON track_names")
    op.execute("DROP FUNCTION delete_unused_words")
    for statement in (_TABLE, _NOTE, _TRIGGER, _DELETE):
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("SELECT delete_dropped_words()")
    op.execute("DROP TRIGGER track_names_words_dropped ON track_names")
    op.execute("DROP FUNCTION delete_dropped_words, note_dropped_words")
    op.execute("DROP TABLE dropped_words")
    op.execute(_FORMER_FUNCTION)
    op.execute(_FORMER_TRIGGER)
