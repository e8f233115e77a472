"""Dependencies that the routes share, and the check for unknown parameters."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Query, Request
from pydantic import BeforeValidator

from soundalike.api import problems
from soundalike.api.platform_connection import PlatformConnection
from soundalike.api.recommender import Recommender
from soundalike.api.seed_resolver import SeedResolver
from soundalike.api.settings import Access
from soundalike.db.tracks import State

if TYPE_CHECKING:
    from soundalike.api.middleware.auth import AccessRules
    from soundalike.api.path_access import PathAccess

_FORMER_STATES: Final = {"found": State.PENDING}


def _current_name(state: object) -> object:
    """Read the name that a state had in earlier versions."""
    return _FORMER_STATES.get(state, state) if isinstance(state, str) else state


StateName = Annotated[State, BeforeValidator(_current_name)]
"""A state by its name, or by one of earlier versions."""

# FastAPI sends a dependency that is not asynchronous to a thread, which costs more than any of these does.


async def _platform(request: Request) -> PlatformConnection:
    platform: PlatformConnection = request.app.state.platform
    return platform


async def _recommender(request: Request) -> Recommender:
    recommender: Recommender = request.app.state.recommender
    return recommender


async def _seed_resolver(request: Request) -> SeedResolver:
    resolver: SeedResolver = request.app.state.seed_resolver
    return resolver


def sees_paths(request: Request) -> bool:
    """Tell whether a caller may see where files lie: the person at this machine, and who has a key."""
    access: PathAccess = request.app.state.path_access
    return access.permits(request.scope)


def may_name_folders(request: Request) -> bool:
    """Tell whether a caller may have any folder read: the person at this machine, unless even that one needs a key."""
    rules: AccessRules = request.app.access_rules
    return rules.writes is not Access.KEYED and rules.locality.is_local(request.scope, request.headers)


async def link_parameters(
    expires: Annotated[str | None, Query(description="Of a signed link: when it ends (Unix time)")] = None,
    key: Annotated[str | None, Query(description="Of a signed link: the id of a key")] = None,
    signature: Annotated[str | None, Query(description="Of a signed link")] = None,
) -> None:
    """Take the parameters that `api.signed_links` adds, which `AuthMiddleware` has checked."""


def accept_only(*single: str, repeatable: tuple[str, ...] = ()) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency that refuses parameters of other names, and those of `single` that are repeated."""

    async def check(request: Request) -> None:
        names = ", ".join((*single, *repeatable)) or "none"
        errors = [
            {
                "parameter": name,
                "message": f"given {times} times, expected once" if name in single else f"unknown; known are: {names}",
            }
            for name, times in Counter(name for name, _ in request.query_params.multi_items()).items()
            if name not in repeatable and (name not in single or times > 1)
        ]
        if errors:
            raise problems.invalid_request(errors)

    return check


PlatformDep = Annotated[PlatformConnection, Depends(_platform)]
RecommenderDep = Annotated[Recommender, Depends(_recommender)]
SeedResolverDep = Annotated[SeedResolver, Depends(_seed_resolver)]
