"""Crawls that are started over HTTP and run by a crawler that watches."""

import os
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request

from soundalike.api import openapi_examples, problems
from soundalike.api.routes.dependencies import PlatformDep, accept_only, may_name_folders, sees_paths
from soundalike.api.routes.status import FeedDep
from soundalike.api.schemas.crawls import Crawl, CrawlOrder
from soundalike.db import crawls, libraries
from soundalike.db.crawls import CrawlSource, StoredCrawl
from soundalike.domain.file_paths import path_bytes
from soundalike.domain.service_urls import Kind, parse_address
from soundalike.domain.text import clean
from soundalike.errors import TooManyCrawls

router = APIRouter()

_LISTS: Final = {
    "spotify": frozenset({Kind.PLAYLIST, Kind.ALBUM, Kind.TRACK}),
    "deezer": frozenset({Kind.PLAYLIST, Kind.ALBUM, Kind.ARTIST, Kind.TRACK}),
}
_FORMS: Final = (
    "the address or URI of a playlist, an album or a track of Spotify, or of a playlist, an album, an artist or a "
    "track of Deezer"
)

CrawlId = Annotated[int, Path(alias="id", ge=1, le=2**63 - 1, description="The id of the crawl", examples=[7])]


@router.post(
    "/crawls",
    summary="Start a crawl",
    status_code=HTTPStatus.ACCEPTED,
    dependencies=[Depends(accept_only())],
    responses=openapi_examples.responses(
        openapi_examples.CRAWL,
        openapi_examples.UNKNOWN_PARAMETER,
        openapi_examples.NO_CRAWL_TARGET,
        openapi_examples.FOLDER_REFUSED,
        openapi_examples.UNKNOWN_LIBRARY,
        openapi_examples.LIST_FORGOTTEN,
        openapi_examples.TOO_MANY_CRAWLS,
        openapi_examples.DATABASE_UNAVAILABLE,
        status=HTTPStatus.ACCEPTED,
    ),
)
async def start_crawl(order: CrawlOrder, platform: PlatformDep, feed: FeedDep, request: Request) -> Crawl:
    """Have a crawler crawl a folder, a library or a list of a service, one after the other, and return its row.

    Who comes with a key may name libraries and lists, but no folders. Whether a list may be read is decided by the
    settings of the crawler: its answer is the `error` of the crawl. The same one is not started twice.
    """
    source = _source(order, request)
    async with platform.database() as db:
        if source.library is not None and all(each.id != source.library for each in await libraries.all_libraries(db)):
            raise problems.unknown_library(source.library)
    async with platform.database() as db, db.acquire() as connection:
        try:
            crawl = await crawls.add(connection, source)
        except TooManyCrawls as error:
            raise problems.too_many_crawls(str(error)) from error
    if crawl is None:
        raise problems.list_forgotten(source.playlist or "")
    feed.expire()
    return _answer(crawl, request)


@router.get(
    "/crawls/{id}",
    summary="A crawl",
    dependencies=[Depends(accept_only())],
    responses=openapi_examples.responses(
        openapi_examples.CRAWL,
        openapi_examples.UNKNOWN_CRAWL,
        openapi_examples.UNKNOWN_PARAMETER,
        openapi_examples.DATABASE_UNAVAILABLE,
    ),
)
async def show_crawl(crawl_id: CrawlId, platform: PlatformDep, request: Request) -> Crawl:
    """Return a crawl with its progress."""
    async with platform.database() as db:
        crawl = await crawls.get(db, crawl_id)
    if crawl is None:
        raise problems.unknown_crawl(crawl_id)
    return _answer(crawl, request)


@router.delete(
    "/crawls/{id}",
    summary="Stop a crawl",
    status_code=HTTPStatus.ACCEPTED,
    dependencies=[Depends(accept_only())],
    responses=openapi_examples.responses(
        openapi_examples.CRAWL,
        openapi_examples.UNKNOWN_CRAWL,
        openapi_examples.UNKNOWN_PARAMETER,
        openapi_examples.DATABASE_UNAVAILABLE,
        status=HTTPStatus.ACCEPTED,
    ),
)
async def stop_crawl(crawl_id: CrawlId, platform: PlatformDep, feed: FeedDep, request: Request) -> Crawl:
    """Stop a crawl that waits or runs; what it has added stays. One that runs ends within some seconds."""
    async with platform.database() as db:
        crawl = await crawls.stop(db, crawl_id)
    if crawl is None:
        raise problems.unknown_crawl(crawl_id)
    feed.expire()
    return _answer(crawl, request)


def _answer(crawl: StoredCrawl, request: Request) -> Crawl:
    return Crawl.of(crawl) if sees_paths(request) else Crawl.of(crawl).without_paths()


def _absolute(folder: str) -> str:
    """Return a folder that a person at this machine names from their home, as their shell would."""
    return os.path.expanduser(folder) if folder == "~" or folder.startswith("~/") else folder  # noqa: PTH111 - no file


def _source(order: CrawlOrder, request: Request) -> CrawlSource:
    if order.folder is not None:
        if not may_name_folders(request):
            raise problems.folder_refused()
        folder = path_bytes(_absolute(order.folder))
        if folder is None or not folder.startswith(b"/"):
            raise problems.no_crawl_target(f"{clean(order.folder)[:80]!r} is not the absolute path of a folder")
        return CrawlSource(folder=folder)
    if order.playlist is not None:
        address = parse_address(clean(order.playlist), expected=Kind.PLAYLIST)
        if address is None or address.kind not in _LISTS.get(address.source, ()):
            raise problems.no_crawl_target(f"{clean(order.playlist)[:80]!r} names no list; accepted is {_FORMS}")
        return CrawlSource(playlist=address.urn)
    return CrawlSource(library=order.library)
