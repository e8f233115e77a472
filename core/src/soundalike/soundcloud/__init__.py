"""A client of SoundCloud's public API (its OpenAPI file of 2026-07-19): typed replies, pages, one access token.

async with connect(Account(client_id, client_secret)) as connection:
me = await Resolve(connection).resolve("https://soundcloud.com/anna")
async for page in Users(connection).favorites(me.urn):
...
"""

from soundalike.soundcloud.access_tokens import Account
from soundalike.soundcloud.connection import Connection, connect
from soundalike.soundcloud.pages import Page
from soundalike.soundcloud.replies import Track, User
from soundalike.soundcloud.resources import Resolve, Tracks, Users

__all__ = ["Account", "Connection", "Page", "Resolve", "Track", "Tracks", "User", "Users", "connect"]
