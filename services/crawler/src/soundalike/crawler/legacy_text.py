"""Texts of tags whose code page nobody tells, or tells wrongly: programs of all countries say Latin-1.

UTF-8 and UTF-16 show by their form. For the rest, it is compared for every code page how likely the characters of a
file's texts are in a language that it is for: naive Bayes with the frequencies of letters and characters. Another code
page than Windows-1252 must be likelier by far, so that names such as "Sigur Rós" stay. General detectors need more text
than a name: charset-normalizer 3.5 takes "Björk" for Arabic and "周杰伦" for Big5.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from soundalike.crawler.frequent_characters import JAPANESE_KANJI, KOREAN, SIMPLIFIED_CHINESE, TRADITIONAL_CHINESE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

WESTERN: Final = "cp1252"
_MIN_ODDS: Final = 7.5
"""Natural logarithm of how many times likelier than Windows-1252 another code page must be, for all texts together."""

_MIN_ODDS_AMONG_OTHERS: Final = 1.5
_MIN_LETTERS: Final = 4
"""Beyond ASCII, for another alphabet: somebody is called "ÆØÅ"."""

_MAX_BYTES: Final = 300
"""Of each text; more tells nothing new."""

_ID3V1_LENGTHS: Final = (28, 29, 30)
_LONGEST_CHARACTER: Final = 4
_ESCAPES_OF_JIS: Final = (b"\x1b$B", b"\x1b$@")
_FOREIGN_NEIGHBOUR: Final = math.log(1e-3)
_IMPOSSIBLE: Final = math.log(1e-12)
_CONTROLS: Final = re.compile(rb"[\0-\x08\x0e-\x1f]")
_AMID_LATIN: Final = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f](?=[A-Za-z])")
_WORD: Final = re.compile(r"[^\s\d_]+")


def decode_all(texts: Iterable[bytes]) -> Mapping[bytes, str]:
    """Decode the texts of one file; most files use one code page."""
    decoded = {text: _decode_by_form(text) for text in texts}
    open_texts = [text for text, known in decoded.items() if known is None]
    codec = _code_page(open_texts)
    for text in open_texts:
        # Foreign names stand beside names in one's own script.
        is_own = codec != WESTERN and _score(text, codec) + _MIN_ODDS > _score(text, WESTERN)
        decoded[text] = _decode(text, codec if is_own else WESTERN)
    return {text: known or "" for text, known in decoded.items()}


def restore_byte_order(text: str) -> str:
    """Return a text that was read from UTF-16, with its bytes swapped where only that gives a text."""
    swapped = text.encode("utf-16-le", "surrogatepass").decode("utf-16-be", "replace")
    if not _is_printable(text) and _is_printable(swapped):
        return swapped
    rows, swapped_rows = ({ord(character) >> 8 for character in each} for each in (text, swapped))
    if len(swapped_rows - {0}) <= 1 and len(rows) > max(2, len(swapped_rows)):
        return swapped
    return swapped if text and swapped_rows == {0} and swapped.isascii() and _is_printable(swapped) else text


def _decode_by_form(text: bytes) -> str | None:
    if text.isascii() and not _CONTROLS.search(text):
        return text.decode("ascii")
    if any(escape in text for escape in _ESCAPES_OF_JIS):
        return text.decode("iso2022_jp", "replace")
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        return text[: len(text) // 2 * 2].decode("utf-16", "replace")
    if (wide := _decode_wide(text)) is not None:
        return wide
    try:
        decoded = _whole_characters(text, "utf-8").decode("utf-8")
    except UnicodeDecodeError:
        return None
    # Pairs of bytes that Chinese code pages have, too, are UTF-8 only where they make letters that are in use.
    return decoded if all(character > "\u07ff" or character in _LETTERS_OF_UTF8 for character in decoded) else None


def _whole_characters(text: bytes, codec: str) -> bytes:
    """Return a text without the part of a character that its end may be, where a field of ID3v1 ends."""
    if len(text) not in _ID3V1_LENGTHS:
        return text
    for end in range(len(text), len(text) - _LONGEST_CHARACTER, -1):
        try:
            decoded = text[:end].decode(codec)
        except UnicodeDecodeError:
            continue
        return text if decoded.isascii() else text[:end]
    return text


def _decode_wide(text: bytes) -> str | None:
    """Decode UTF-16 without its mark: every other byte is NUL, or the same row of few characters."""
    padded = text + b"\0" * (len(text) % 2)
    if len(padded) < 8:
        return None
    for codec, rows in (("utf-16-le", padded[1::2]), ("utf-16-be", padded[::2])):
        if max(rows) < 0x20 and len(set(rows) - {0}) <= 1 and b"\t" not in rows and b"\n" not in rows:
            wide = padded.decode(codec, "replace").strip("\0")
            return wide if _is_printable(wide) else None
    return None


def _is_printable(text: str) -> bool:
    return all(unicodedata.category(character)[0] != "C" for character in text)


def _code_page(texts: list[bytes]) -> str:
    if not texts:
        return WESTERN
    count = sum(byte >= 0x80 for text in texts for byte in text)
    codecs = [codec for codec, language in _LANGUAGES.items() if count >= _MIN_LETTERS or not _is_alphabet(language)]
    scores = sorted(((sum(_score(text, codec) for text in texts), codec) for codec in codecs), reverse=True)
    (best, codec), (second, _) = [score for score in scores if score[1] != WESTERN][:2]
    western = next(score for score, name in scores if name == WESTERN)
    return codec if best - western >= _MIN_ODDS and best - second >= _MIN_ODDS_AMONG_OTHERS else WESTERN


def _is_alphabet(language: Callable[[str], float]) -> bool:
    return isinstance(language, _Alphabet)


def _decode(text: bytes, codec: str) -> str:
    if codec == WESTERN:
        # The five bytes that Windows-1252 leaves open are control characters of Latin-1.
        return "".join(bytes([byte]).decode(WESTERN, "ignore") or chr(byte) for byte in text)
    return _whole_characters(text, codec).decode(codec, "replace")


@lru_cache(maxsize=256)
def _score(text: bytes, codec: str) -> float:
    """Return the logarithm of how likely a text is."""
    head = text if len(text) <= _MAX_BYTES else text[: text.rfind(b" ", 0, _MAX_BYTES) + 1] or text
    decoded = _decode(head, codec)
    if "\ufffd" in decoded:
        return len(head) * _IMPOSSIBLE
    return _LANGUAGES[codec](decoded) + sum(_ascii(character) for character in decoded if character.isascii())


def _ascii(character: str) -> float:
    if character.isalnum():
        return math.log(1 / 30)
    return math.log(1 / 6 if character == " " else 3e-4 if character in _RARE_SIGNS else 1e-2)


@dataclass(frozen=True, slots=True)
class _Alphabet:
    """A script with its letters, the most frequent first, which fill words alone."""

    ranks: Mapping[str, int]
    usual: float = 0.0

    def __call__(self, text: str) -> float:
        score = self.usual
        for word in _WORD.findall(text):
            if word.isascii():
                continue
            letters = [letter for letter in word if not letter.isascii()]
            for letter in letters:
                rank = self.ranks.get(letter.lower())
                score += _IMPOSSIBLE if rank is None else math.log(0.11) + rank * math.log(0.9)
            changes = sum(one.isascii() != other.isascii() for one, other in pairwise(word))
            score += _case(letters) + changes * _FOREIGN_NEIGHBOUR
        return score


def _case(letters: list[str]) -> float:
    word = "".join(letters)
    if word == word.lower():
        return math.log(0.5)
    if word[1:] == word[1:].lower():
        return math.log(0.35)
    return math.log(0.1) if word == word.upper() else math.log(1e-4)


@dataclass(frozen=True, slots=True)
class _Characters:
    """A script of many characters: those that are frequent, and which others are in use."""

    ranks: Mapping[str, int]
    is_common: Callable[[str], bool]
    share: float
    is_sound: Callable[[str], bool] = lambda _: False

    def __call__(self, text: str) -> float:
        score = sum(self._letter(character) for character in text if not character.isascii())
        # "Super\u661f" is a title, a single character amid Latin letters is none.
        return score + len(_AMID_LATIN.findall(text)) * 2 * _FOREIGN_NEIGHBOUR

    def _letter(self, character: str) -> float:
        if (rank := self.ranks.get(character)) is not None:
            return math.log(self.share / (rank + 60) / math.log((len(self.ranks) + 60) / 60))
        if self.is_sound(character):
            return math.log(0.4 / 170)
        if self.is_common(character):
            return math.log((1 - self.share) / 4000)
        # Punctuation and letters as wide as the characters.
        return math.log(1e-4) if "\u3000" <= character <= "\u301c" or character >= "\uff01" else math.log(1e-7)


def _western(text: str) -> float:
    score = 0.0
    run = 0
    for before, character, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        run = 0 if character.isascii() else run + 1
        if run:
            # "Henkilöön" has two of them side by side, hardly anything three.
            score += math.log((0.06, 0.05, 0.003)[min(run, 3) - 1]) + _western_letter(character, before, after)
    return score


def _western_letter(character: str, before: str, after: str) -> float:
    if character.isalpha() and character not in "\xaa\xba":
        rank = _WESTERN_LETTERS.find(character.lower())
        score = math.log(0.1) + (40 if rank < 0 else rank) * math.log(0.9)
        # No capital follows a small letter, and no small letter begins what capitals go on with.
        odd = (character.isupper() and before.islower()) or (
            character.islower() and before.isupper() and after.isupper()
        )
        return score + (math.log(0.02) if odd else 0.0)
    is_within = before.isalpha() and after.isalpha()
    if character in _APOSTROPHES:
        return math.log(0.02)
    if character in _SIGNS:
        return math.log(1e-4 if is_within else 5e-3)
    return math.log(1e-6 if unicodedata.category(character)[0] == "C" else 1e-5 if is_within else 2e-3)


def _in_rows(codec: str, first: int, last: int) -> Callable[[str], bool]:
    def is_common(character: str) -> bool:
        return first <= character.encode(codec, "replace")[0] <= last

    return is_common


def _ranks(characters: str) -> Mapping[str, int]:
    return {character: rank for rank, character in enumerate(characters)}


def _is_kana(character: str) -> bool:
    return "\u3041" <= character <= "\u30fc" or character == "\u3005"


_RARE_SIGNS: Final = "{|}~^`\\@_[]<>=$%"
_APOSTROPHES: Final = "\u2019\xb4"
_SIGNS: Final = "\u2018\u201c\u201d\u2013\u2014\u2026\xb7\xab\xbb\xb0\xbf\xa1\xae\u2122\xa9"
_WESTERN_LETTERS: Final = "éöüäáíóñçèåøãêàúæôâëîïßðòõþùìýûœšžÿ"
_CYRILLIC: Final = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґўјљњћђџ"
_GREEK: Final = "αοιετσνηυρπκμςλάόίωέήδγύχθφβώξζψϊϋΐΰ"
_HEBREW: Final = "יוהלאתרמבשעדנחקפכםסגצטזןךףץ"
_ARABIC: Final = "اليمنوتربةعدسفهكقحجشصطخأىءضغذثظزئؤإآ"
_THAI: Final = "านรอกเ่ง้มยลัวดทสตีะิปบคหแจุพช์็ขืใไูผโำธซศฟถภณษญฐ๊ฉฎฏฬฮฝๆ๋ฆฑฌฒฤ"

_LETTERS_OF_UTF8: Final = frozenset(
    map(
        chr, [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x386, 0x3CF), *range(0x401, 0x460), *range(0x5D0, 0x5EB)]
    )
) | frozenset("\r\n\t\u0490\u0491\u0218\u0219\u021a\u021b")

_LANGUAGES: Final[Mapping[str, Callable[[str], float]]] = {
    WESTERN: _western,
    "cp1251": _Alphabet(_ranks(_CYRILLIC)),
    "koi8-r": _Alphabet(_ranks(_CYRILLIC), usual=-2.0),
    "cp1253": _Alphabet(_ranks(_GREEK), usual=-4.0),
    "cp1255": _Alphabet(_ranks(_HEBREW), usual=-2.0),
    "cp1256": _Alphabet(_ranks(_ARABIC), usual=-2.0),
    "cp874": _Alphabet(_ranks(_THAI), usual=-2.0),
    "gb18030": _Characters(_ranks(SIMPLIFIED_CHINESE), _in_rows("gb2312", 0xB0, 0xF7), 0.97),
    "big5": _Characters(_ranks(TRADITIONAL_CHINESE), _in_rows("big5", 0xA4, 0xF9), 0.97),
    "cp932": _Characters(_ranks(JAPANESE_KANJI), _in_rows("cp932", 0x88, 0x9F), 0.5, _is_kana),
    "cp949": _Characters(_ranks(KOREAN), _in_rows("cp949", 0xB0, 0xC8), 0.98),
}

# A confined process (`audio.confinement`) can load no codec later, nor the tables that it shares with another.
for _codec in (*_LANGUAGES, "gb2312", "utf-16-le", "utf-16-be", "iso2022_jp"):
    "\u0416\u3042".encode(_codec, "replace").decode(_codec, "replace")
