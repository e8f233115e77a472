"""The excerpts of an opened recording: where a rule puts them, and elsewhere where it is silent there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.audio.errors import Silent
from soundalike.audio.silence import PAUSE_SECONDS, first_sound, sounds, without_pauses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.audio.excerpt_rule import ExcerptRule
    from soundalike.audio.pcm_file import PcmFile

MIN_SECONDS: Final = 7.0
"""Less than that is too little to compare a piece of music by."""

MIN_COMPLETE_SHARE: Final = 0.95
"""Decoders add or drop some hundredths of a second at the ends; an interrupted download lacks more."""

_MAX_PROBES: Final = 600
_PROBE_SECONDS: Final = 0.25
_MIN_PROBE_STRIDE_SECONDS: Final = 1
"""Of an hour every sixth second is probed, which takes about as long as to decode one of its minutes."""


@dataclass(frozen=True, slots=True, eq=False)
class PcmExcerpts:
    """The excerpts of a recording, float32 [n, channels] each, at `rate` Hz and `bits` deep.

    The rule asked for `frames_declared` frames, of which the file had `frames_read`; `is_usable` says whether that is
    enough. The recording has `seconds_total` s.
    """

    excerpts: tuple[NDArray[np.float32], ...]
    rate: int
    bits: int
    seconds_total: float
    frames_declared: int
    frames_read: int
    is_complete: bool
    is_usable: bool


def select(
    file: PcmFile, rule: ExcerptRule, part: range | None = None, *, accepts_beginning: bool = False
) -> PcmExcerpts:
    """Read the excerpts that `rule` selects of a recording, or of `part` of its frames.

    Pauses are left out of them. Where most of one would be silent, they are put where the recording sounds; only one
    that is silent throughout raises `Silent`. With `accepts_beginning` one excerpt of a recording that ends early is
    enough; where it has none, that is its beginning. Raises `errors.Undecodable` as reading does.
    """
    rate = file.rate
    whole = _Recording(file, part if part is not None else range(file.frames_total))
    spans = rule.spans(len(whole), rate) if len(whole) else (rule.span_from(0, 1 << 62, rate),)
    read = [whole.read(span) for span in spans]
    declared = [len(span) if len(whole) else len(frames) for span, frames in zip(spans, read, strict=True)]
    complete = [
        frames for frames, length in zip(read, declared, strict=True) if len(frames) >= MIN_COMPLETE_SHARE * length
    ]
    # An interrupted download that has the middle of a recording has always been enough.
    is_usable = 2 * len(complete) >= len(read)
    if accepts_beginning and not is_usable:
        beginning = whole.read(rule.span_from(0, len(whole), rate))
        complete = complete or [beginning]
        is_usable = len(complete[0]) >= MIN_SECONDS * rate
    return PcmExcerpts(
        excerpts=tuple(_sounding(whole, rule, complete)) if is_usable else tuple(read),
        rate=rate,
        bits=file.bits,
        seconds_total=(len(whole) or len(read[0])) / rate,
        frames_declared=sum(declared),
        frames_read=sum(map(len, read)),
        is_complete=len(complete) == len(read),
        is_usable=is_usable,
    )


class _Recording:
    """A file, or a part of it, whose frames are counted from the start of the part."""

    def __init__(self, file: PcmFile, part: range) -> None:
        self.rate = file.rate
        self._file = file
        self._part = part

    def __len__(self) -> int:
        return len(self._part)

    def read(self, span: range, *, roughly: bool = False) -> NDArray[np.float32]:
        return self._file.read(range(self._part.start + span.start, self._part.start + span.stop), roughly=roughly)


def _sounding(whole: _Recording, rule: ExcerptRule, excerpts: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    rate = whole.rate
    shorter = [without_pauses(excerpt, rate) for excerpt in excerpts]
    if all(short is excerpt for short, excerpt in zip(shorter, excerpts, strict=True)):
        return excerpts
    if sum(map(len, excerpts)) < MIN_SECONDS * rate:
        return excerpts
    if 0 < len(whole) <= rule.single_up_to_seconds * rate:
        frames = whole.read(range(len(whole)))
        sound = without_pauses(frames, rate)
        if len(sound) >= MIN_SECONDS * rate:
            return [sound[span.start : span.stop] for span in rule.spans(len(sound), rate)]
        if not sounds(frames, rate):
            raise Silent("the recording is silent throughout")
        return [_around_first_sound(frames, rule, rate)]
    if any(2 * len(short) < len(excerpt) for short, excerpt in zip(shorter, excerpts, strict=True)):
        excerpts = [whole.read(span) for span in _spans_of_sound(whole, rule)] or excerpts
        shorter = [without_pauses(excerpt, rate) for excerpt in excerpts]
    if long_enough := [excerpt for excerpt in shorter if len(excerpt) >= MIN_SECONDS * rate]:
        return long_enough
    if not any(sounds(excerpt, rate) for excerpt in excerpts):
        raise Silent("the recording is silent throughout")
    return [excerpt for excerpt in excerpts if sounds(excerpt, rate)][:1]


def _around_first_sound(frames: NDArray[np.float32], rule: ExcerptRule, rate: int) -> NDArray[np.float32]:
    """Return the excerpt that begins a second before the first sound, or so that it still ends with the recording."""
    span = rule.span_from(0, len(frames), rate)
    start = max(0, min(first_sound(frames, rate) - rate, len(frames) - len(span)))
    return frames[start : start + len(span)]


def _spans_of_sound(whole: _Recording, rule: ExcerptRule) -> list[range]:
    """Return where the excerpts lie if the rule counts only what sounds; nothing where nothing does.

    What sounds is looked for by short probes. An excerpt stays within the stretch of sound that it lies in, where that
    is long enough; one that would repeat more than half of another is left out.
    """
    rate = whole.rate
    runs = _runs_of_sound(whole)
    length = rule.seconds * rate
    before = np.cumsum([0, *map(len, runs)])
    starts: list[int] = []
    # The middle first: of little sound it is the only one, as of a short recording.
    for tenth in sorted(rule.tenths, key=lambda tenth: abs(tenth - 5)) if runs else ():
        place = tenth * int(before[-1]) // 10
        number = int(np.searchsorted(before, place, "right")) - 1
        run = runs[number]
        start = run.start + place - int(before[number]) - length // 2
        start = max(run.start, min(start, run.stop - length))
        if all(abs(start - other) >= length // 2 for other in starts):
            starts.append(start)
    return [rule.span_from(start, len(whole), rate) for start in sorted(starts)]


def _runs_of_sound(whole: _Recording) -> list[range]:
    """Probe the recording, and return the stretches of it in which the probes sound."""
    rate = whole.rate
    stride = max(_MIN_PROBE_STRIDE_SECONDS * rate, -(-len(whole) // _MAX_PROBES))
    probe = round(_PROBE_SECONDS * rate)
    runs: list[range] = []
    for start in range(0, len(whole), stride):
        if not sounds(whole.read(range(start, min(start + probe, len(whole))), roughly=True), rate):
            continue
        stop = min(start + stride, len(whole))
        if runs and start - runs[-1].stop < PAUSE_SECONDS * rate:
            runs[-1] = range(runs[-1].start, stop)
        else:
            runs.append(range(start, stop))
    return runs
