"""Names are searched by other spellings as well, and words of a search are joined and split.

The function of before stays for processes of the former release; the two differ in their arguments. What is folded by
the former rule is still searched until it is folded again.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_NAMES = (
    "ALTER TABLE track_names ADD COLUMN folding smallint NOT NULL DEFAULT 0",
    "DROP INDEX track_names_stale",
    "CREATE INDEX track_names_stale ON track_names (urn) WHERE words IS NULL OR folding < 1",
)

# Steps 1 to 4 are those of 0007. Each way to find a track is tried only while those before it found fewer than wanted,
# and stops at `most` tracks.
# 1. Title, or artists and title, begin with what is asked.
# 2. All words are there; then another reading of the words (`otherwise`): symbols as letters, words joined.
# 3. All words but the last (`others`), and what the last begins with; where nothing was found, in another reading.
# 4. Where nothing was found, two words for one of the search (`split`, and `pairs`: next to each other, of which the
#    index knows nothing).
# 5. Words that no track has stand for those that one slip of the finger makes of them.
_SEARCH = """
CREATE FUNCTION search_names(
    asked text, whole tsquery, others tsquery, begun tsquery, otherwise tsquery, otherwise_begun tsquery, split tsquery,
    pairs text[], unfinished text, typed text[], origin text, wanted integer, most integer
) RETURNS TABLE (urn text) LANGUAGE plpgsql STABLE ROWS 10
SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    found text[];
    whole_ones integer;
    more text[];
    looked_at integer;
    unknown text[];
    guessed text;
BEGIN
    SELECT coalesce(array_agg(DISTINCT first.urn), '{}'), count(DISTINCT first.urn) FILTER (WHERE first.is_whole)
    INTO found, whole_ones FROM (
        (
            SELECT n.urn, starts_with(n.title || ' ', asked || ' ') AS is_whole FROM track_names n
            WHERE n.title ^@ asked AND n.urn ^@ origin ORDER BY n.title LIMIT most
        ) UNION ALL (
            SELECT n.urn, starts_with(n.credit || ' ', asked || ' ') FROM track_names n
            WHERE n.credit ^@ asked AND n.urn ^@ origin ORDER BY n.credit LIMIT most
        )
    ) AS first;
    IF whole_ones < wanted THEN
        found := ARRAY(
            (SELECT n.urn FROM track_names n WHERE n.words @@ whole AND n.urn ^@ origin LIMIT most)
            UNION SELECT unnest(found)
        );
        IF otherwise IS NOT NULL THEN
            found := ARRAY(
                (SELECT n.urn FROM track_names n WHERE n.words @@ otherwise AND n.urn ^@ origin LIMIT most)
                UNION SELECT unnest(found)
            );
        END IF;
    END IF;
    IF cardinality(found) < wanted AND others IS NOT NULL THEN
        SELECT count(*), array_agg(few.urn) FILTER (WHERE strpos(few.names, ' ' || unfinished) > 0)
        INTO looked_at, more FROM (
            SELECT n.urn, ' ' || n.credit || ' ' || n.album AS names FROM track_names n
            WHERE n.words @@ others AND n.urn ^@ origin LIMIT 1000
        ) AS few;
        found := ARRAY(SELECT unnest(found) UNION SELECT unnest(more));
    END IF;
    IF cardinality(found) < wanted AND begun IS NOT NULL AND (others IS NULL OR looked_at = 1000) THEN
        found := ARRAY(
            (SELECT n.urn FROM track_names n WHERE n.words @@ begun AND n.urn ^@ origin LIMIT most)
            UNION SELECT unnest(found)
        );
    END IF;
    IF cardinality(found) = 0 AND otherwise_begun IS NOT NULL THEN
        found := ARRAY(
            (SELECT n.urn FROM track_names n WHERE n.words @@ otherwise_begun AND n.urn ^@ origin LIMIT most)
            UNION SELECT unnest(found)
        );
    END IF;
    IF cardinality(found) = 0 AND split IS NOT NULL THEN
        found := ARRAY(
            (
                SELECT n.urn FROM track_names n
                WHERE n.words @@ split AND n.urn ^@ origin AND EXISTS (
                    SELECT FROM unnest(pairs) AS each (pair)
                    WHERE strpos(' ' || n.credit || ' | ' || n.album || ' ', ' ' || each.pair || ' ') > 0
                ) LIMIT most
            ) UNION SELECT unnest(found)
        );
    END IF;
    IF cardinality(found) < wanted THEN
        unknown := ARRAY(
            SELECT word FROM unnest(typed) AS each (word)
            WHERE length(word) > 3 AND NOT EXISTS (SELECT FROM search_words s WHERE s.word = each.word)
            AND NOT EXISTS (
                SELECT FROM track_names n WHERE n.words @@ array_to_tsvector(ARRAY[each.word])::text::tsquery
            )
        );
        IF cardinality(unknown) = 0 AND cardinality(found) = 0 THEN
            unknown := typed;
        END IF;
    END IF;
    IF cardinality(unknown) > 0 THEN
        SELECT string_agg('(' || array_to_string(likely, ' | ') || ')', ' & ') INTO guessed FROM (
            SELECT ARRAY(
                SELECT array_to_tsvector(ARRAY[near.word])::text FROM search_words near
                WHERE each.word = ANY (unknown) AND length(each.word) > 3
                AND near.variants && one_letter_less(each.word) LIMIT 50
            ) || array_to_tsvector(ARRAY[each.word])::text
              || CASE WHEN each.word = unfinished AND each.word = ANY (unknown)
                 THEN array_to_tsvector(ARRAY[each.word])::text || ':*' END AS likely
            FROM unnest(typed) AS each (word)
        ) AS words;
        found := ARRAY(
            (SELECT n.urn FROM track_names n WHERE n.words @@ guessed::tsquery AND n.urn ^@ origin LIMIT most)
            UNION SELECT unnest(found)
        );
    END IF;
    RETURN QUERY SELECT unnest(found);
END $$
"""


def upgrade() -> None:
    """Apply."""
    for statement in (*_NAMES, _SEARCH):
        op.execute(statement)


def downgrade() -> None:
    """Take back; the other spellings stay among the words until the names change."""
    op.execute(
        "DROP FUNCTION search_names(text, tsquery, tsquery, tsquery, tsquery, tsquery, tsquery, text[], text, text[],"
        " text, integer, integer)"
    )
    op.execute("DROP INDEX track_names_stale")
    op.execute("ALTER TABLE track_names DROP COLUMN folding")
    op.execute("CREATE INDEX track_names_stale ON track_names (urn) WHERE words IS NULL")
