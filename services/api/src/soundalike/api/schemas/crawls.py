"""The JSON of crawls that are started over HTTP."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from soundalike.db.crawls import CrawlState, StoredCrawl
from soundalike.domain.file_paths import display_path
from soundalike.domain.service_urls import MAX_TEXT_LENGTH
from soundalike.domain.text import clean, clean_or_none

_MAX_PATH: Final = 4_096


class CrawlOrder(BaseModel):
    """What is to be crawled: exactly one of a folder, a library and a list of a service."""

    model_config = ConfigDict(extra="forbid")

    folder: Annotated[
        str | None,
        Field(
            max_length=_MAX_PATH,
            description="The absolute path of a folder of music files on the machine of the crawler; only from this "
            "machine itself",
            examples=["/srv/music"],
        ),
    ] = None
    library: Annotated[
        int | None, Field(ge=1, le=2**31 - 1, description="The id of a library, as `GET /status` shows it")
    ] = None
    playlist: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=MAX_TEXT_LENGTH,
            description="The address or URI of a playlist, an album or a track of a service, as `soundalike crawl` "
            "accepts it",
            examples=["https://www.deezer.com/playlist/1479458365"],
        ),
    ] = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if sum(value is not None for value in (self.folder, self.library, self.playlist)) != 1:
            raise ValueError("expected exactly one of folder, library and playlist")
        return self


class CrawlSourceInfo(BaseModel):
    """What is crawled."""

    kind: Literal["folder", "library", "playlist"]
    name: Annotated[
        str | None,
        Field(description="A path, null for who may not see paths, or the URN of a list", examples=["/srv/music"]),
    ]
    library: Annotated[int | None, Field(description="The id of the library", examples=[1])] = None


class Crawl(BaseModel):
    """A crawl: it waits for a crawler that watches, runs, and ends."""

    id: Annotated[int, Field(examples=[7])]
    source: CrawlSourceInfo
    state: CrawlState
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    progress: Annotated[
        dict[str, int],
        Field(
            description="How many places of its list were `seen`, of a `total` if that is known, and how they ended",
            examples=[{"seen": 48, "total": 48, "uploaded": 47, "skipped": 1}],
        ),
    ]
    summary: Annotated[
        str | None,
        Field(
            description="How it went, in a sentence; of folders only for who may see paths",
            examples=["47 uploaded, 1 skipped"],
        ),
    ]
    error: Annotated[str | None, Field(description="Why it did not come to its end")]

    @classmethod
    def of(cls, crawl: StoredCrawl) -> Self:
        """Describe a stored crawl, paths included."""
        return cls(
            id=crawl.id,
            source=_source(crawl),
            state=crawl.state,
            requested_at=crawl.requested_at,
            started_at=crawl.started_at,
            ended_at=crawl.ended_at,
            progress=dict(crawl.progress),
            summary=clean_or_none(crawl.summary),
            error=clean_or_none(crawl.error),
        )

    def without_paths(self) -> Self:
        """Return it for somebody who may not see where files lie."""
        if self.source.kind == "playlist":
            return self
        # The summary of a folder may name it; the counts are in the progress, too.
        hidden = {
            "source": self.source.model_copy(update={"name": None}),
            "summary": None,
            "error": self.error and "it failed",
        }
        return self.model_copy(update=hidden)


def _source(crawl: StoredCrawl) -> CrawlSourceInfo:
    source = crawl.source
    if source.folder is not None:
        return CrawlSourceInfo(kind="folder", name=clean(display_path(source.folder)))
    if source.library is not None:
        root = None if crawl.root is None else clean(display_path(crawl.root))
        return CrawlSourceInfo(kind="library", name=root, library=source.library)
    return CrawlSourceInfo(kind="playlist", name=source.playlist)
