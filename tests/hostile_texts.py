"""Texts that make a slow regular expression slow, derived from the expression itself.

A backtracking engine is slow where a part of the text can be shared out between two repetitions in many ways, or where
every position of the text is a start from which much has to be read in vain. Both show on the same texts: a beginning
that the expression accepts, then something that it repeats, many times over, then an end that it does not accept.
"""

from __future__ import annotations

import itertools
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_USUAL: Final = "aZ0 \t\n-_.,:;/|=&+'\"()[]~!é\u2013あ\x00"
_MAX_PREFIXES: Final = 8
_MAX_PUMPS: Final = 120
_MAX_RUN: Final = 5
_MAX_CHOICES: Final = 3
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_SINGLE: Final = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.IN, _constants.ANY)


def hostile_texts(pattern: str | bytes, flags: int) -> Iterator[tuple[str, str, str]]:
    """Yield (beginning, repetition, end) triples for an expression."""
    tree = _parser.parse(pattern, flags)
    alphabet = _Alphabet(tree, isinstance(pattern, bytes))
    prefixes = dict.fromkeys(["", *_prefixes(tree, "", alphabet)])
    own = dict.fromkeys(pump for pump in _pumps(tree, alphabet) if pump)
    letters = alphabet.representatives
    pumps = dict.fromkeys([*letters, *own, *map("".join, itertools.permutations(letters, 2))])
    for prefix in itertools.islice(prefixes, _MAX_PREFIXES):
        for pump in itertools.islice(pumps, _MAX_PUMPS):
            common = next((letter for letter in letters if letter not in pump), "")
            for suffix in dict.fromkeys(("", alphabet.strangest, common)):
                yield prefix, pump, suffix


class _Alphabet:
    """One character for each way in which the single-character parts of an expression accept characters."""

    def __init__(self, tree: Any, is_bytes: bool) -> None:
        self._atoms = [
            (item, _compiler.compile(_parser.SubPattern(tree.state, [item]), tree.state.flags))
            for item in {repr(item): item for item in _single_items(tree)}.values()
        ]
        self._is_bytes = is_bytes
        literals = [chr(value) for op, value in _leaves(tree) if op is _constants.LITERAL]
        classes: dict[tuple[bool, ...], str] = {}
        for character in dict.fromkeys([*literals, *_USUAL]):
            if not is_bytes or ord(character) < 256:
                classes.setdefault(self._signature(character), character)
        self.representatives = list(classes.values())
        self.strangest = classes[min(classes, key=sum)]

    def accepted(self, item: Any) -> list[str]:
        """Return representatives that a single-character part accepts."""
        atom = next(atom for one, atom in self._atoms if repr(one) == repr(item))
        accepted = [character for character in self.representatives if atom.fullmatch(self._text(character))]
        if not accepted and item[0] is _constants.LITERAL:
            return [chr(item[1])]
        return accepted

    def _signature(self, character: str) -> tuple[bool, ...]:
        return tuple(bool(atom.fullmatch(self._text(character))) for _, atom in self._atoms)

    def _text(self, character: str) -> Any:
        return character.encode("latin-1") if self._is_bytes else character


def _children(item: Any) -> list[Any]:
    op, value = item
    if op in _REPEATS:
        return [value[2]]
    if op is _constants.BRANCH:
        return list(value[1])
    if op in (_constants.SUBPATTERN, _constants.ASSERT):
        return [value[-1]]
    if op is _constants.ATOMIC_GROUP:
        return [value]
    if op is _constants.GROUPREF_EXISTS:
        return [part for part in value[1:] if part is not None]
    return []


def _looks_ahead(item: Any) -> bool:
    return item[0] is _constants.ASSERT and item[1][0] > 0


def _single_items(sequence: Any) -> Iterator[Any]:
    for item in sequence:
        if item[0] in _SINGLE:
            yield item
        elif item[0] is _constants.ASSERT_NOT:
            yield from _single_items(item[1][1])
        for child in _children(item):
            yield from _single_items(child)


def _leaves(sequence: Any) -> Iterator[tuple[Any, int]]:
    for op, value in _single_items(sequence):
        yield from ((op, value),) if op is not _constants.IN else ((o, v) for o, v in value)


def _example(sequence: Iterable[Any], alphabet: _Alphabet, choice: int = 0, repeats: int = 1) -> str:
    """Return a text that a sequence accepts, save for what it looks ahead and behind for."""
    return "".join(_item_example(item, alphabet, choice, repeats) for item in sequence)


def _item_example(item: Any, alphabet: _Alphabet, choice: int, repeats: int) -> str:
    op, value = item
    if op in _SINGLE:
        accepted = alphabet.accepted(item)
        return accepted[choice % len(accepted)] if accepted else ""
    if op in _REPEATS:
        return _example(value[2], alphabet, choice, repeats) * min(max(value[0], repeats), value[1])
    children = [] if _looks_ahead(item) else _children(item)
    return _example(children[choice % len(children)], alphabet, choice, repeats) if children else ""


def _prefixes(sequence: Any, before: str, alphabet: _Alphabet) -> Iterator[str]:
    """Yield a text that leads to each repetition in an expression."""
    for position, item in enumerate(sequence):
        here = before + _example(list(sequence)[:position], alphabet)
        if item[0] in _REPEATS and item[1][1] > _MAX_RUN:
            yield here
        for child in _children(item):
            yield from _prefixes(child, here, alphabet)


def _pumps(sequence: Any, alphabet: _Alphabet) -> Iterator[str]:
    """Yield what an expression may accept again and again: runs of its smallest parts, and the whole of each level."""
    for choice in range(_MAX_CHOICES):
        parts = _parts(sequence, alphabet, choice)
        for length in range(1, _MAX_RUN + 1):
            for start in range(max(1, len(parts) - length + 1)):
                yield "".join(parts[start : start + length])
    yield from _levels(sequence, alphabet)


def _levels(sequence: Any, alphabet: _Alphabet) -> Iterator[str]:
    for choice in range(_MAX_CHOICES):
        yield _example(sequence, alphabet, choice)
    for item in sequence:
        for child in _children(item):
            yield from _levels(child, alphabet)


def _parts(sequence: Any, alphabet: _Alphabet, choice: int) -> list[str]:
    """Return an example of each single-character part along one way through an expression; words are one part."""
    parts: list[str] = []
    in_word = False
    for item in sequence:
        is_letter = item[0] is _constants.LITERAL and chr(item[1]).isalpha()
        if is_letter and in_word:
            parts[-1] += chr(item[1])
        elif item[0] in _SINGLE:
            parts.append(_item_example(item, alphabet, choice, 1))
        elif children := _children(item):
            parts += _parts(children[choice % len(children)], alphabet, choice)
        in_word = is_letter
    return parts
