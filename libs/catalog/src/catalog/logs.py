"""One line a log record on stderr, the same in every service."""

from __future__ import annotations

import logging
import sys


def configure(service: str, level: str = "INFO") -> None:
    """Send the records of a service to stderr; libraries that print tokens at DEBUG stay at WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s {service} %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("boto3", "botocore", "urllib3", "httpx", "httpcore", "spotipy", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
