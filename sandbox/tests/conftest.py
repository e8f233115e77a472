from collections.abc import Callable, Iterator

import pytest
import requests
import spotipy
from spotipy.oauth2 import SpotifyClientCredentials

from soundalike.sandbox.catalogue import Piece, pieces
from soundalike.sandbox.composer import compose
from soundalike.sandbox.mixer import Stereo
from soundalike.sandbox.server import SandboxServer


@pytest.fixture(scope="session")
def music() -> dict[Piece, Stereo]:
    return {piece: compose(piece) for piece in pieces()}


@pytest.fixture(scope="session")
def running_server() -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


@pytest.fixture
def server(running_server: SandboxServer) -> SandboxServer:
    """A sandbox without faults and with an empty journal."""
    running_server.sandbox.faults.clear()
    running_server.sandbox.journal.clear()
    return running_server


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def client(http: requests.Session) -> Callable[..., spotipy.Spotify]:
    """Make a spotipy client of a sandbox, with credentials that are right unless others are given."""

    def connect(server: SandboxServer, client_id: str = "sandbox", secret: str = "sandbox") -> spotipy.Spotify:  # noqa: S107
        class Credentials(SpotifyClientCredentials):
            OAUTH_TOKEN_URL = server.token_url

        auth = Credentials(client_id, secret, cache_handler=spotipy.MemoryCacheHandler())
        auth._session.close()
        auth._session = http
        spotify = spotipy.Spotify(auth_manager=auth, requests_session=http)
        spotify.prefix = server.api_url
        return spotify

    return connect


@pytest.fixture
def spotify(server: SandboxServer, client: Callable[..., spotipy.Spotify]) -> spotipy.Spotify:
    return client(server)
