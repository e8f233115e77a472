"""What a running sandbox holds."""

from dataclasses import dataclass, field

from soundalike.sandbox.access_tokens import Grants, Tokens
from soundalike.sandbox.composer import Previews
from soundalike.sandbox.deezer import Deezer
from soundalike.sandbox.faults import Faults
from soundalike.sandbox.itunes import ITunes
from soundalike.sandbox.journal import Journal
from soundalike.sandbox.playlists import Library
from soundalike.sandbox.settings import SandboxSettings
from soundalike.sandbox.soundcloud import SoundCloud


@dataclass
class Sandbox:
    """Everything a running sandbox holds; tests reach into it."""

    settings: SandboxSettings = field(default_factory=SandboxSettings)
    library: Library = field(default_factory=Library)
    previews: Previews = field(default_factory=Previews)
    deezer: Deezer = field(default_factory=Deezer)
    itunes: ITunes = field(default_factory=ITunes)
    soundcloud: SoundCloud = field(default_factory=SoundCloud)
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    tokens: Tokens = field(init=False)
    grants: Grants = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.settings.token_lifetime)
        self.grants = Grants(self.settings.refresh_token)
