"""Words that say something of a recording, folded as `domain.titles.fold` folds."""

from __future__ import annotations

from typing import Final

# fmt: off
COMPOSERS: Final = frozenset((
    "albeniz", "albinoni", "bach", "barber", "bartok", "beethoven", "berlioz", "bernstein", "bizet", "boccherini",
    "borodin", "brahms", "britten", "bruckner", "chopin", "copland", "corelli", "couperin", "debussy", "dvorak",
    "elgar", "faure", "gershwin", "glass", "grieg", "handel", "haydn", "holst", "janacek", "khachaturian",
    "liszt", "mahler", "mendelssohn", "messiaen", "monteverdi", "mozart", "mussorgsky", "offenbach", "pachelbel",
    "paganini", "part", "poulenc", "prokofiev", "puccini", "purcell", "rachmaninoff", "rachmaninov", "ravel",
    "rimsky", "rossini", "saint", "satie", "scarlatti", "schoenberg", "schubert", "schumann", "scriabin",
    "shostakovich", "sibelius", "smetana", "strauss", "stravinsky", "tchaikovsky", "telemann", "vaughan", "verdi",
    "vivaldi", "wagner", "weber", "мусоргский", "прокофьев", "рахманинов", "чайковский", "шостакович",
))
"""Last names under which one work is found in many performances."""

SECTION_WORDS: Final = frozenset((
    "commentary", "finale", "instrumental", "interlude", "intro", "introduction", "outro", "overture", "prelude",
    "reprise", "skit",
))
"""In brackets behind a song's name: a piece of its own that opens, closes or resumes the song."""

VERSION_WORDS: Final = frozenset((
    "a", "acoustic", "acustica", "an", "and", "at", "by", "demo", "down", "edit", "from", "in", "inst",
    "instrumental", "karaoke", "live", "mix", "mixed", "mono", "on", "original", "remix", "remixed", "reverb",
    "rmx", "session", "sessions", "slowed", "sped", "speed", "the", "up", "ver", "version", "with",
))
"""Words in a note that only say what kind of version it is, not which one."""

SHORTENING_WORDS: Final = frozenset((
    "7", "censored", "clean", "inch", "radio", "short", "single", "video",
))
"""Words in a note on an edit for radio or a single."""
# fmt: on
