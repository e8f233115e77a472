"""What the API needs of its own: names to search by, an order to list in, and recordings that are compared once."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# A row without words is stale, and so are all at first: `db.search_names` folds them, when the platform is provisioned
# and in every sweep of the extractor.
_NAMES = (
    """
    CREATE TABLE track_names (
        urn text PRIMARY KEY REFERENCES tracks ON DELETE CASCADE,
        folded_from uuid,
        title text COLLATE "C" NOT NULL DEFAULT '',
        credit text COLLATE "C" NOT NULL DEFAULT '',
        album text COLLATE "C" NOT NULL DEFAULT '',
        words tsvector
    )
    """,
    "CREATE INDEX track_names_title ON track_names (title)",
    "CREATE INDEX track_names_credit ON track_names (credit)",
    # Without the list of pending entries: whoever searches would have to read through it.
    "CREATE INDEX track_names_words ON track_names USING gin (words) WITH (fastupdate = off)",
    "CREATE INDEX track_names_stale ON track_names (urn) WHERE words IS NULL",
    """
    CREATE FUNCTION names_digest(title text, artists text[], album text) RETURNS uuid LANGUAGE sql STABLE
    RETURN md5(row(title, artists, album)::text)::uuid
    """,
    """
    CREATE FUNCTION note_names() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.title = '' OR NEW.state = 'forgotten' THEN
            DELETE FROM track_names n WHERE n.urn = NEW.urn;
        ELSE
            INSERT INTO track_names AS n (urn) VALUES (NEW.urn)
            ON CONFLICT (urn) DO UPDATE SET words = NULL
            WHERE n.folded_from IS DISTINCT FROM names_digest(NEW.title, NEW.artists, NEW.album);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER tracks_named AFTER INSERT OR UPDATE OF title, artists, album ON tracks
    FOR EACH ROW EXECUTE FUNCTION note_names()
    """,
    """
    CREATE TRIGGER tracks_forgotten AFTER UPDATE OF state ON tracks
    FOR EACH ROW WHEN (NEW.state = 'forgotten') EXECUTE FUNCTION note_names()
    """,
    "INSERT INTO track_names (urn) SELECT urn FROM tracks WHERE title <> '' AND state <> 'forgotten'",
)

# Two words that one slip of the finger turns into each other have a variant in common.
_WORDS = (
    """
    CREATE FUNCTION one_letter_less(word text) RETURNS text[] LANGUAGE sql IMMUTABLE
    RETURN (
        SELECT array_agg(overlay(word PLACING '' FROM place FOR 1)) || word FROM generate_series(1, length(word)) place
    )
    """,
    """
    CREATE TABLE search_words (
        word text COLLATE "C" PRIMARY KEY,
        variants text[] GENERATED ALWAYS AS (one_letter_less(word)) STORED
    )
    """,
    "CREATE INDEX search_words_variants ON search_words USING gin (variants) WITH (fastupdate = off)",
)

# Each way to find a track is tried only while those before it found fewer than wanted, and stops at `most` tracks.
# 1. Title, or artists and title, begin with what is asked: two ranges of an index, however many tracks there are.
# 2. All words are there: needless where enough of the first begin with them as whole words.
# 3. All words but the last (`others`), and what the last begins with: among some that hold the others, and only where
#    these were not all, by the index of words, which reads whatever begins so.
# 4. Words that no track has stand for those that one slip of the finger makes of them; all words do where even the
#    known ones are found nowhere together.
# How many rows will match is unknown to the planner; a scan of a whole table is never right (hence ROWS, too).
_SEARCH = (
    """
    CREATE FUNCTION search_names(
        asked text, whole tsquery, others tsquery, begun tsquery, unfinished text, typed text[], origin text,
        wanted integer, most integer
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
        IF cardinality(found) < wanted THEN
            unknown := ARRAY(
                SELECT word FROM unnest(typed) AS each (word)
                WHERE length(word) > 3 AND NOT EXISTS (SELECT FROM search_words s WHERE s.word = each.word)
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
    """,
)

# By a collation of its own: who asks for this order gets this index, not the primary key's, which would be read from
# end to end for a state that no track is in.
_LISTING = ('CREATE INDEX tracks_listed ON tracks (state, source, urn COLLATE "C")',)

# Unlogged: what somebody sent to be compared once is in no log and no backup, and need not outlive a crash.
_QUERIES = (
    """
    CREATE UNLOGGED TABLE queries (
        id text PRIMARY KEY,
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'heard', 'rejected')),
        reason text,
        model text,
        vector vector(160),
        tag_probabilities real[],
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
)


# Only the hash of a key: who reads this table, or a backup of it, can call nothing with it.
_KEYS = (
    """
    CREATE TABLE api_keys (
        id text PRIMARY KEY,
        holder text NOT NULL CHECK (length(holder) BETWEEN 1 AND 100),
        scope text NOT NULL CHECK (scope IN ('read', 'write')),
        digest bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        revoked_at timestamptz
    )
    """,
)


def upgrade() -> None:
    """Apply."""
    for statement in (*_NAMES, *_WORDS, *_SEARCH, *_LISTING, *_QUERIES, *_KEYS):
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE api_keys")
    op.execute("DROP TABLE queries")
    op.execute("DROP INDEX tracks_listed")
    op.execute("DROP FUNCTION search_names")
    op.execute("DROP TRIGGER tracks_named ON tracks")
    op.execute("DROP TRIGGER tracks_forgotten ON tracks")
    op.execute("DROP TABLE search_words, track_names")
    op.execute("DROP FUNCTION one_letter_less, note_names, names_digest")
