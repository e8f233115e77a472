"""The forms of notes in titles, on version, edition and guests, and of numbers in names.

All are regular expressions; those of `VERSION_PATTERNS` and `EDITION` are for folded text (`domain.titles.fold`).
"""

import re
from enum import StrEnum
from typing import Final


class VersionClass(StrEnum):
    """In what way a recording differs from the one that the bare title names."""

    LIVE = "live"
    REMIX = "remix"
    ACOUSTIC = "acoustic"
    INSTRUMENTAL = "instrumental"
    KARAOKE = "karaoke"
    A_CAPPELLA = "a-cappella"
    DEMO = "demo"
    EDIT = "edit"
    EXTENDED = "extended"
    SPED_UP = "sped-up"
    SLOWED = "slowed"
    RERECORDED = "rerecorded"
    COVER = "cover"
    ORCHESTRAL = "orchestral"
    MONO = "mono"
    MIXED = "mixed"
    OTHER = "other"


DASHES: Final = "-\u2013\u2014"
YEAR: Final = r"(?:19|20)\d\d"

# White space from its first character on. Begun anew at each of its characters, a search for `\s+x` takes a time that
# grows with the square of a run's length. A possessive repetition (`\s++`) does not help against that.
SPACES: Final = r"(?:(?<!\s)\s+)"

# Searched in folded notes, in this order; a match is removed, so that an "extended mix" is not a remix.
VERSION_PATTERNS: Final = tuple(
    (kind, re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)"))
    for kind, patterns in (
        (
            VersionClass.KARAOKE,
            [
                "karaoke(?: version)?|カラオケ|караоке|минус|off vocal|backing tracks?",
                "(?:originally )?performed by .+|(?:as )?made famous by .+|in the style of .+",
            ],
        ),
        (VersionClass.COVER, [r"cover of .+|cover(?: version)?$|tribute(?: to .+| version)?$|кавер|カバー|커버"]),
        (VersionClass.A_CAPPELLA, ["a ?cap+el+a|vocals? only"]),
        (VersionClass.SPED_UP, ["sped up(?: version)?|speed(?:ed)? up(?: version)?|nightcore"]),
        (VersionClass.SLOWED, ["slowed(?: down)?(?: and)?(?: reverb)?|chopped and screwed|daycore"]),
        (
            VersionClass.LIVE,
            [
                "^live|(?<!i )(?<!we )(?<!to )(?<!you )(?<!they )live$|unplugged|^in concert",
                "live (?:at|in|from|on|aus|à|en|im|bei) .+",
                "live (?:version|session|acoustic|performance|recording|take|mix|video)",
                "(?:en|ao|al|dal) (?:vivo|directo|direct)|sessions?$|концерт|живой|ライ[ブヴ]|라이브|现场|現場",
            ],
        ),
        (VersionClass.INSTRUMENTAL, ["instrumental[es]?|inst$|инструментал|インスト|インストゥルメンタル|연주곡|伴奏"]),
        (
            VersionClass.ORCHESTRAL,
            ["orchestral|symphonic|strings version", "with (?:the )?(?:\\w+ )?(?:strings|orchestra)"],
        ),
        (
            VersionClass.ACOUSTIC,
            [
                "acoustic|acustic[ao]|acoustique|akustik|akustisch|stripped|piano version",
                "акустика|アコースティック|어쿠스틱",
            ],
        ),
        (
            VersionClass.DEMO,
            [
                "demos?|демо|デモ|rough (?:mix|cut)|work ?tapes?|rehearsal|out ?takes?|early (?:take|version|mix)",
                "alternat(?:e|ive) (?:take|version|mix)|take (?:\\d+|one|two|three)",
            ],
        ),
        (VersionClass.RERECORDED, ["re ?record(?:ed|ing)|re ?imagined|revisited|redux|new (?:recording|version)"]),
        (
            VersionClass.EXTENDED,
            ["extended(?: (?:club )?(?:mix|version|cut|play))?|12 inch|12 (?:inch )?(?:mix|version|single)"],
        ),
        (
            VersionClass.EDIT,
            [
                "(?:radio|single|video|short|clean|censored|7|7 inch) (?:edit|version|mix|cut)|7 inch",
                f"^(?:radio|clean|censored)$|edit(?: {YEAR})?$",
            ],
        ),
        (
            VersionClass.REMIX,
            [
                "re ?mix(?:ed|es)?|rmx|ремикс|リミックス|리믹스|mash ?up|bootleg|re ?work(?:ed)?|re ?fix|re ?edit",
                f"(?:mix|flip|vip|dub)(?: {YEAR})?$",
            ],
        ),
        (VersionClass.MONO, ["mono"]),
        (VersionClass.MIXED, ["mixed$"]),
        (VersionClass.OTHER, ["(?:8|16)d(?: audio)?$", "(?:version|ver|take|arrangement|versione|versión)$"]),
    )
)
POSSESSIVE: Final = re.compile(r"\w['\u2019]s (?:\w+ )?version\b", re.IGNORECASE)

# A folded note of only these does not make another recording.
EDITION: Final = re.compile(
    rf"(?:{YEAR} )?(?:digital(?:ly)? |newly )?re ?master(?:ed|s)?(?: (?:version|edition|(?:in )?{YEAR}))?"
    r"|ремастер|リマスター|リマスタリング|리마스터"
    r"|(?:album|lp|original(?: album)?|explicit|full) version|original(?: mix| recording| song)?|explicit(?: lyrics)?"
    r"|(?:the )?official(?: music| lyrics?| hd)?(?: video| audio| visuali[sz]er)?|lyrics?(?: video)?|audio|hd|hq|4k"
    r"|(?:\w+ )?bonus(?: tracks?)?|(?:super )?deluxe(?: edition| version)?|single"
    rf"|(?:{YEAR} |\d+th )?anniversary(?: edition)?"
    r"|(?:from )?.* ?(?:original )?(?:motion picture )?soundtrack|from .+ (?:motion picture|score|film|movie|game)"
)
FROM_QUOTED: Final = re.compile(r"\s*from\s+[\"'\u201c\u2018\u201e\u00ab].+", re.IGNORECASE)

GUESTS: Final = r"(?:feat(?:uring)?\b\.?|ft\.)"
# In a credit, where "ft" is no measure but in "10 Ft. Ganja Plant".
CREDITED_GUESTS: Final = re.compile(r"(?<=[^\d\s]) (?:feat(?:uring)?\.?|ft\.?|w/) ", re.IGNORECASE)
NOTE_IN_BRACKETS: Final = re.compile(r"[(\[]([^()\[\]]+)[)\]]")
GUEST_NOTE: Final = re.compile(
    rf"\s*(?:{GUESTS}|ft\b|with\b(?! (?:or|me|myself|you|him|her|us|them|love)\b))\s*(?P<names>\S.*)", re.IGNORECASE
)
GUESTS_INLINE: Final = re.compile(
    rf"(?<=[^\d\s])\s+{GUESTS}\s+(?P<names>[^()\[\]]+?)(?={SPACES}?(?:[()\[\]]|\s[{DASHES}]\s|$))", re.IGNORECASE
)
NO_ARTIST: Final = frozenset({"unknown", "unknown artist", "various", "various artists", "va"})
BETWEEN_GUESTS: Final = re.compile(rf"({SPACES}?[,;&+/]\s*|{SPACES}(?:and|x|y|und|et)\s+)", re.IGNORECASE)

REMASTER_YEAR: Final = re.compile(rf"({YEAR})\s+[{DASHES}]\s+(?=(?:digital(?:ly)?\s+)?remaster)", re.IGNORECASE)
# A bracket that opens the title is part of it: "(I Can't Get No) Satisfaction".
BRACKETS: Final = re.compile(r"(?!^)[(\[{\u3010]([^()\[\]{}\u3010\u3011]+)[)\]}\u3011]")
DASH: Final = re.compile(rf"{SPACES}[{DASHES}]\s+|^[{DASHES}]\s+")
PARTS_OF_NOTE: Final = re.compile(rf"{SPACES}[{DASHES}/]\s+|{SPACES}?[/;]\s+")

# Every note has one of these; most titles have none.
MAY_HOLD_NOTES: Final = re.compile(rf"[^\x00-\x7f]|[(\[{{]|[{DASHES}]\s|f(?:ea)?t", re.IGNORECASE)

NUMBERED: Final = re.compile(
    r"\b(pt|part|no|nr|vol|volume|act|chapter|mvt|movement) ([ivx]+|\d+|one|two|three|four|five)\b"
)
KINDS: Final = {"pt": "part", "nr": "no", "vol": "volume", "mvt": "movement"}
NUMERALS: Final = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"
NUMBER_WORDS: Final = "one two three four five"
NUMBERS: Final = {
    word: str(number) for words in (NUMERALS, NUMBER_WORDS) for number, word in enumerate(words.split(), 1)
}

# Folded titles that many pieces of one artist have, and that alone tell nothing apart.
COMMON_TITLE: Final = re.compile(
    r"(?:(?:the |an? )?(?:"
    r"intro|introduction|introducci[oó]n|introduzione|einleitung|intermission|interlude|interl[uú]dio|intermezzo|outro"
    r"|prelude|pr[aeé]ludi(?:um|o|e)|preludio|vorspiel|zwischenspiel|nachspiel|postlude|prolog(?:ue|o)?|epilog(?:ue|o)?"
    r"|overture|ouvert[uü]re|obertura|skit|reprise|finale?|coda"
    r"|(?:main |opening |ending |end |closing )?(?:theme|titles?|credits)|opening|ending|closing"
    r"|untitled|no title|unbenannt|sans titre|sin titulo|unknown(?: title)?|(?:hidden|bonus|ghost|secret) track"
    r"|sonat[ae]|symphony|concerto|etude|fugue?|aria|waltz|walzer|valse|mazurka|nocturne|rondo|scherzo|m[ei]n[ue]et\w*"
    r"|allegr\w+|adagi\w+|andant\w+|larg\w+|lento|grave|moderato|prest\w+|vivace"
    r"|интро|вступление|интерлюдия|скит|аутро|увертюра|イントロ|インタールード|間奏|序曲|前奏|인트로)"
    r"(?: (?:(?:no|part|number) )?(?:\d{1,3}|[ivx]{1,5}|[a-d]))?"
    r"|(?:(?:track|titel|piste|pista|no|part|teil|movement|satz|act|scene|chapter|kapitel) ?)?(?:\d{1,3}|[ivx]{1,5}))"
)
