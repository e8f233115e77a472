"""The root of all exceptions of Soundalike, and those that everything shares; the type says whether to try again."""


class SoundalikeError(Exception):
    """Root of everything that Soundalike raises on purpose."""


class PermanentError(SoundalikeError):
    """Trying again with the same input gives the same failure."""


class TransientError(SoundalikeError):
    """The network, the database or a service was away or busy: trying again later can succeed."""


class InvalidTrackId(PermanentError, ValueError):
    """The text names no track in any of the accepted forms."""


class InvalidPlaylistId(PermanentError, ValueError):
    """The text names no playlist in any of the accepted forms."""


class InvalidUserId(PermanentError, ValueError):
    """The text names no SoundCloud account in any of the accepted forms."""


class UnknownTag(PermanentError, ValueError):
    """The text names none of the tags that the networks know."""


class ObjectMissing(PermanentError):
    """The object store holds nothing under the key."""


class ObjectTooLarge(PermanentError):
    """The object exceeds the size the caller is ready to read."""


class UnusableDirectory(PermanentError):
    """A folder of ours cannot be made, or other users of the machine can write to it, or exchange it."""


class DatabaseUnavailable(TransientError):
    """The database did not answer through every try."""


class StoreUnavailable(TransientError):
    """The object store did not answer, or asked to wait."""


class ObjectTruncated(StoreUnavailable):
    """The object store sent less of the object than it announced."""


class ObjectAltered(StoreUnavailable):
    """What the object store sent is not what its own checksum of the object says."""


class QueueUnavailable(TransientError):
    """The queue did not answer, or asked to wait."""


class TooManyKeys(SoundalikeError):
    """The holder has two valid keys already, which is all that replacing one needs."""


class TooManyCrawls(SoundalikeError):
    """So many crawls wait already that no other is taken."""
