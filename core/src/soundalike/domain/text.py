"""Cleaning text from outside for a UTF-8 database column."""


def clean(text: str) -> str:
    """Drop NUL and lone surrogates, which PostgreSQL refuses, and surrounding white space."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8").strip()


def clean_or_none(text: str | None) -> str | None:
    """Like `clean`, with nothing left becoming None."""
    return (clean(text) or None) if text is not None else None
