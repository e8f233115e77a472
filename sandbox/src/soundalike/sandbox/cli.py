"""Command line: `python -m soundalike.sandbox` serves until it is interrupted."""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from soundalike.sandbox.composer import Previews
from soundalike.sandbox.playlists import AWKWARD_PLAYLIST_ID, DEMO_PLAYLIST_ID
from soundalike.sandbox.preview_cache import PreviewCache
from soundalike.sandbox.server import BackgroundComposer
from soundalike.sandbox.settings import PageShape, SandboxSettings
from soundalike.sandbox.spotify import create_app
from soundalike.sandbox.state import Sandbox

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65_535)] = 8899,
    client_id: Annotated[str, typer.Option(envvar="SANDBOX_CLIENT_ID")] = "sandbox",
    client_secret: Annotated[str, typer.Option(envvar="SANDBOX_CLIENT_SECRET")] = "sandbox",  # noqa: S107 - guards nothing
    token_lifetime: Annotated[int, typer.Option(help="Seconds for which access tokens are valid.", min=1)] = 3600,
    page_shape: Annotated[
        PageShape, typer.Option(help="Form of playlist entries: that of 2026, or the earlier one.")
    ] = PageShape.ITEM_AND_TRACK,
    compose_ahead: Annotated[bool, typer.Option(help="Compose all music at the start instead of on demand.")] = True,
    music_cache: Annotated[
        Path | None,
        typer.Option(help="Folder in which the next run finds the composed music.", file_okay=False),
    ] = None,
) -> None:
    """Serve composed music as Spotify's Web API, Deezer, the iTunes Search API and SoundCloud do."""
    settings = SandboxSettings(
        client_id=client_id, client_secret=client_secret, token_lifetime=token_lifetime, page_shape=page_shape
    )
    sandbox = Sandbox(settings, previews=Previews(None if music_cache is None else PreviewCache(music_cache)))
    typer.echo(f"sandbox on http://{host}:{port}: playlists {DEMO_PLAYLIST_ID} (demo), {AWKWARD_PLAYLIST_ID} (awkward)")
    composer = BackgroundComposer(sandbox)
    if compose_ahead:
        composer.start()
    config = uvicorn.Config(
        create_app(sandbox), host=host, port=port, log_level="warning", access_log=False, lifespan="off"
    )
    try:
        uvicorn.Server(config).run()
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(130) from interrupt
    finally:
        if compose_ahead:
            composer.stop()


def main() -> None:
    """Run the command line."""
    app()
