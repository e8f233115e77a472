"""`soundalike recommend`: what a text on the command line names."""

from __future__ import annotations

import http.server
import io
import json
import os
import threading
import wave
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest
from typer.testing import CliRunner

from soundalike.local import cli
from soundalike.local.data_directory import DataDirectory
from soundalike.local.recording_file import urn_of
from soundalike.local.running_platform import RunningPlatform, exclusive_lock, publish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

KEY = "sk-secret-of-mine"


def tone_wav(seconds: int) -> bytes:
    rate = 44_100
    tone = np.sin(2 * np.pi * 440 * np.arange(rate * seconds) / rate) * 10_000
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(tone.astype("<i2"), 2).tobytes())
    return buffer.getvalue()


def track(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "urn": f"deezer:track:{number}",
        "title": f"Song {number}",
        "artists": ["Band"],
        "link": None,
        "state": "ready",
        "match": "exact",
        **fields,
    }


@dataclass
class Api:
    """An API that finds these tracks by these names, and recommends one track."""

    by_name: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    by_urn: dict[str, dict[str, Any]] = field(default_factory=dict)
    response: dict[str, Any] = field(default_factory=lambda: {"seeds": [], "results": []})
    requests: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    bodies: list[bytes] = field(default_factory=list)

    def answer(self, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        self.requests.append((method, path, query))
        if path == "/search":
            results = self.by_name.get(query["q"][0], [])
            return 200, {"results": [each for each in results if each["state"] in query.get("state", [each["state"]])]}
        if path.startswith("/tracks/"):
            details = self.by_urn.get(path.removeprefix("/tracks/"))
            return (200, details) if details else (404, {"detail": "unknown"})
        return 200, self.response

    @property
    def recommendations(self) -> list[tuple[str, dict[str, list[str]]]]:
        return [(method, query) for method, path, query in self.requests if path.endswith("/recommend")]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    state = Api()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.keys.add(self.headers["Authorization"])
            parts = urlsplit(self.path)
            code, body = state.answer(self.command, unquote(parts.path), parse_qs(parts.query))
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def do_POST(self) -> None:
            state.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    data = DataDirectory.at(tmp_path / "data")
    data.create()
    with exclusive_lock(data):
        publish(data, RunningPlatform(os.getpid(), f"http://127.0.0.1:{server.server_port}", None, {}))
        yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOUNDALIKE_API_KEY", raising=False)


def run(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["recommend", *arguments, "--data", str(tmp_path / "data")])


def test_a_name_is_looked_up_among_the_tracks_that_are_ready(api: Api, tmp_path: Path) -> None:
    api.by_name["boards of canada roygbiv"] = [track(7, title="Roygbiv"), track(8, match="typo")]
    result = run(tmp_path, "boards of canada roygbiv")
    assert result.exit_code == 0, result.stderr
    assert api.recommendations == [("GET", {"track": ["deezer:track:7"], "n": ["10"]})]
    assert result.stderr == '"boards of canada roygbiv": Roygbiv \N{EN DASH} Band  (deezer:track:7)\n'


def test_of_several_that_match_as_well_the_others_are_shown(api: Api, tmp_path: Path) -> None:
    api.by_name["song"] = [track(1), track(2), track(3, match="prefix")]
    result = run(tmp_path, "song", "--format", "csv")
    assert [query["track"] for _, query in api.recommendations] == [["deezer:track:1"]]
    assert result.stderr.splitlines() == [
        '"song": Song 1 \N{EN DASH} Band  (deezer:track:1)',
        "  or: Song 2 \N{EN DASH} Band  (deezer:track:2)",
        "Name one of these by its URN to choose it.",
    ]
    assert "Song 2" not in result.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no such song", 'Nothing in the catalogue has the name "no such song".'),
        ("song.mp3", 'There is no file "song.mp3", and nothing in the catalogue has that name.'),
        ("late", "(deezer:track:5) cannot be compared yet, its state is rejected: it is silent."),
        ("x" * 5_000, "Nothing in the catalogue has the name"),
        (" ", "An empty text names no track."),
    ],
)
def test_a_name_that_leads_nowhere_says_so(api: Api, tmp_path: Path, text: str, message: str) -> None:
    api.by_name["late"] = [track(5, state="rejected", reason="it is silent")]
    result = run(tmp_path, text)
    assert result.exit_code == 1
    assert message in result.stderr
    assert api.recommendations == []


def test_links_names_and_counterexamples_go_together(api: Api, tmp_path: Path) -> None:
    api.by_name |= {"song": [track(1)], "other": [track(2)]}
    api.response = {
        "seeds": [track(1)],
        "not_like": [track(2)],
        "results": [],
        "shortage": "No track passes: 3 were left out by min_score.",
    }
    link = "https://www.deezer.com/track/9"
    spotify = "4uLU6hMCjMI75M1A2tKUQC"
    result = run(tmp_path, "song", link, "--not-like", "other", "--not-like", spotify)
    assert api.recommendations == [
        ("GET", {"track": ["deezer:track:1", link], "not_like": ["deezer:track:2", spotify], "n": ["10"]})
    ]
    assert result.stdout.splitlines() == [
        "sounds like Song 1 \N{EN DASH} Band",
        "and unlike Song 2 \N{EN DASH} Band",
        "  No track passes: 3 were left out by min_score.",
    ]


def test_a_file_of_the_catalogue_is_that_track(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "song.wav"
    file.write_bytes(tone_wav(seconds=10))
    urn = urn_of(file)
    api.by_urn[urn] = track(1, urn=urn)
    result = run(tmp_path, str(file))
    assert api.recommendations == [("GET", {"track": [urn], "n": ["10"]})]
    assert "is in the catalogue: Song 1" in result.stderr
    assert api.bodies == []


@pytest.mark.parametrize("state", [None, "queued"])
def test_another_file_is_sent_as_its_excerpts(api: Api, tmp_path: Path, state: str | None) -> None:
    file = tmp_path / "long song.wav"
    # Larger than an upload may be.
    file.write_bytes(tone_wav(seconds=75))
    assert file.stat().st_size > 12_000_000
    if state:
        api.by_urn[urn_of(file)] = track(1, state=state)
    result = run(tmp_path, str(file), "-n", "3", "--not-like", "deezer:track:4")
    assert result.exit_code == 0, result.stderr
    assert api.recommendations == [("POST", {"not_like": ["deezer:track:4"], "n": ["3"]})]
    [body] = api.bodies
    assert body.startswith(b"RIFF")
    assert len(body) < 12_000_000
    assert result.stdout.startswith("sounds like long song.wav\n")


def test_a_file_that_the_catalogue_lacks_stands_alone(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "song.wav"
    file.write_bytes(tone_wav(seconds=10))
    for arguments in ([str(file), "deezer:track:1"], ["deezer:track:1", "--not-like", str(file)]):
        result = run(tmp_path, *arguments)
        assert result.exit_code == 1
        assert "is not in the catalogue" in result.stderr
    assert api.recommendations == []


def test_a_file_that_is_no_music_says_so(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "notes.mp3"
    file.write_text("no music")
    result = run(tmp_path, str(file))
    assert result.exit_code == 1
    assert f"{file} cannot be analysed" in result.stderr


def test_a_key_of_the_environment_goes_along_and_is_shown_nowhere(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.by_name["song"] = [track(1)]
    run(tmp_path, "song")
    assert api.keys == {None}
    api.keys.clear()
    monkeypatch.setenv("SOUNDALIKE_API_KEY", KEY)
    result = run(tmp_path, "song")
    assert api.keys == {f"Bearer {KEY}"}
    assert KEY not in result.output
    monkeypatch.setenv("SOUNDALIKE_API_KEY", "s\N{LATIN SMALL LETTER E WITH ACUTE}cret")
    result = run(tmp_path, "song")
    assert result.exit_code == 1
    assert "SOUNDALIKE_API_KEY is no key" in result.stderr
    assert "cret" not in result.output
