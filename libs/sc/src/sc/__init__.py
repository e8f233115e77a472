"""A client of SoundCloud's public API (its OpenAPI file of 2026-07-19): typed replies, pages, one access token.

async with connect(Account(client_id, client_secret)) as connection:
me = await Resolve(connection).resolve("https://soundcloud.com/somebody")
async for page in Users(connection).favorites(me.urn):
...
"""

from sc.connection import Connection, connect
from sc.pages import Page
from sc.replies import Track, User
from sc.resources import Resolve, Tracks, Users
from sc.tokens import Account

__all__ = ["Account", "Connection", "Page", "Resolve", "Track", "Tracks", "User", "Users", "connect"]
