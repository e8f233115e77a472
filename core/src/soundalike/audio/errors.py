"""What can be wrong with a recording; the type tells whether a retry can help."""

from soundalike.errors import SoundalikeError


class AudioError(SoundalikeError):
    """Root of everything this package raises on purpose; the message is meant to be read by a person."""


class PermanentAudioError(AudioError):
    """The same bytes will fail the same way again."""


class TransientAudioError(AudioError):
    """The bytes may be fine: a retry can succeed."""


class NotAudio(PermanentAudioError):
    """The content is in none of the supported formats."""


class Undecodable(PermanentAudioError):
    """The content looks like audio, but no decoder gets usable samples out of it."""


class Protected(PermanentAudioError):
    """The sound is encrypted, and nobody gave the key."""


class Truncated(PermanentAudioError):
    """Far less sound can be decoded than the file itself declares."""


class TooShort(PermanentAudioError):
    """The recording is too short to be analysed."""


class Silent(PermanentAudioError):
    """The part of the recording that would be analysed is silent."""


class TooDemanding(PermanentAudioError):
    """Decoding needs more time or memory than allowed."""


class DecoderCrashed(TransientAudioError):
    """The decoding process died; the next call starts a new one."""


class DecoderUnavailable(DecoderCrashed):
    """The decoding process died, did not start or was stopped through no fault of the recording."""


class InternalDecoderError(TransientAudioError):
    """Our code, or a library as we call it, fails: that says nothing about the recording, and never rejects it."""
