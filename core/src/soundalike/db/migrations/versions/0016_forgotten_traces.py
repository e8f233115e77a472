"""What a forgotten track, user or list left behind goes, and the words of a name go with its last track.

Forgetting used to leave words for the correction of spelling, the labels under which crawls noted a forgotten track,
and tasks for people who were forgotten or had expired.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# One transaction at a time, so that two that take words away do not deadlock. Without sequential scans: how many names
# have a word is unknown to the planner.
_FUNCTION = """
CREATE FUNCTION delete_unused_words() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('search_words'));
    DELETE FROM search_words s WHERE s.word = ANY (tsvector_to_array(OLD.words)) AND NOT EXISTS (
        SELECT FROM track_names n WHERE n.words @@ array_to_tsvector(ARRAY[s.word])::text::tsquery
    );
    RETURN NULL;
END $$
"""

_TRIGGER = """
CREATE TRIGGER track_names_words_gone AFTER DELETE OR UPDATE OF words ON track_names
FOR EACH ROW WHEN (OLD.words IS NOT NULL) EXECUTE FUNCTION delete_unused_words()
"""

_UNUSED_WORDS = """
DELETE FROM search_words
WHERE word NOT IN (SELECT unnest(tsvector_to_array(words)) FROM track_names WHERE words IS NOT NULL)
"""

_TRACES = (
    "DELETE FROM track_popularity p USING tracks t WHERE t.urn = p.track AND t.state = 'forgotten'",
    "DELETE FROM playlist_tracks p USING tracks t WHERE t.urn = p.track AND t.state = 'forgotten'",
    "DELETE FROM playlist_readings p USING tracks t WHERE t.urn = p.track AND t.state = 'forgotten'",
    "DELETE FROM favorites f USING tracks t WHERE t.urn = f.track AND t.state = 'forgotten'",
    "DELETE FROM manifest m USING tracks t WHERE m.kind = 'track' AND t.urn = m.urn AND t.state = 'forgotten'",
    "DELETE FROM manifest m WHERE kind = 'user' AND NOT EXISTS (SELECT FROM users u WHERE u.urn = m.urn)",
    "UPDATE playlist_readings SET label = '' WHERE track IS NULL AND reason = 'forgotten on request'",
    """
    DELETE FROM playlist_readings r USING blocks b
    WHERE r.playlist = b.urn OR starts_with(r.playlist, b.urn || ':')
    """,
)


def upgrade() -> None:
    """Apply."""
    for statement in (_UNUSED_WORDS, *_TRACES, _FUNCTION, _TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    """Take back; what was deleted stays so."""
    op.execute("DROP TRIGGER track_names_words_gone ON track_names")
    op.execute("DROP FUNCTION delete_unused_words")
