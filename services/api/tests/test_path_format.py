from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote_to_bytes

import av
import numpy as np
import pytest

from soundalike.api import openapi_examples
from soundalike.api.path_format import PathForm, PathFormat
from soundalike.api.playlist_formats import Format, write
from soundalike.api.schemas.recommendation import Recommendation, Result
from soundalike.domain.file_paths import PathPrefix
from soundalike.sandbox.composer import encode_mp3
from soundalike.testing.hostile_text import active_characters

FIRST = openapi_examples.RECOMMENDATION.results[0]

NAMES = (
    *(b"plain.mp3", "Ünï cödé.mp3".encode(), "e\u0301.mp3".encode(), b"What's on?.mp3", b"#1 hit.mp3"),
    *(b"100%25.mp3", b"50% off.mp3", b"a:b;c,d.mp3", b"plus+ & more.mp3", b"back\\slash.mp3", b"latin\xe9.mp3"),
    *(b"new\nline.mp3", b" both ends ", b"-x.mp3", b"http: x.mp3", b"[b] 'q\" {c}.mp3", b"\x1b]0;x.mp3"),
    *("\u202egnp.mp3".encode(), b"=1+1.mp3", b"sub#dir/#a?/b.mp3", b"..mp3"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"/m/a.mp3", "/m/a.mp3"),
        (b"/m/#1/a.mp3", "file:///m/%231/a.mp3"),
        (b"/m/50% off.mp3", "/m/50% off.mp3"),
        (b"/m/why?.mp3", "file:///m/why%3F.mp3"),
        (b"/m/100%25.mp3", "file:///m/100%2525.mp3"),
        (b"/m/a\n#EXTM3U", "file:///m/a%0A%23EXTM3U"),
        (b"/m/\xe9.mp3", "file:///m/%E9.mp3"),
        (b"/m/a.mp3 ", "file:///m/a.mp3%20"),
        ("/m/\u202ea.mp3".encode(), "file:///m/%E2%80%AEa.mp3"),
    ],
)
def test_absolute_paths_are_plain_where_every_player_reads_them(path: bytes, text: str) -> None:
    assert PathFormat().write(path).text == text


@pytest.mark.parametrize(
    ("folder", "path", "text", "uri"),
    [
        ("/m", b"/m/A/a.mp3", "A/a.mp3", "A/a.mp3"),
        ("/m/Lists/", b"/m/A/a b.mp3", "../A/a b.mp3", "../A/a%20b.mp3"),
        ("/m", b"/m/#1 why?.mp3", "./#1 why?.mp3", "%231%20why%3F.mp3"),
        ("/m", b"/m/ a.mp3", "./ a.mp3", "%20a.mp3"),
        ("/m", b"/m/c:d.mp3", "c:d.mp3", "c%3Ad.mp3"),
        ("/m", b"/m/a\nb.mp3", "file:///m/a%0Ab.mp3", "a%0Ab.mp3"),
        ("D:\\m", b"/m/a.mp3", "/m/a.mp3", "file:///m/a.mp3"),
    ],
)
def test_relative_paths(folder: str, path: bytes, text: str, uri: str) -> None:
    written = PathFormat(PathForm.RELATIVE, folder).write(path)
    assert (written.text, written.uri) == (text, uri)


@pytest.mark.parametrize(
    ("form", "text", "uri"),
    [
        ("absolute", "D:\\Musik\\A\\a b.mp3", "file:///D:/Musik/A/a%20b.mp3"),
        ("uri", "file:///D:/Musik/A/a%20b.mp3", "file:///D:/Musik/A/a%20b.mp3"),
        ("relative=D:\\Musik\\Lists", "..\\A\\a b.mp3", "../A/a%20b.mp3"),
        ("relative=E:\\Lists", "D:\\Musik\\A\\a b.mp3", "file:///D:/Musik/A/a%20b.mp3"),
    ],
)
def test_paths_of_another_machine(form: str, text: str, uri: str) -> None:
    written = PathFormat.parse(form, PathPrefix("/srv/me/Music", "D:\\Musik")).write(b"/srv/me/Music/A/a b.mp3")
    assert (written.text, written.uri) == (text, uri)


@pytest.mark.parametrize("text", ["", "Absolute", "absolute=/m", "relative", "relative=", "relative=m", "none=1"])
def test_what_says_no_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected absolute|relative needs"):
        PathFormat.parse(text)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Files with every awkward name, by absolute paths."""
    folder = bytes(tmp_path_factory.mktemp("music").resolve())
    sound = encode_mp3(np.zeros((4_410, 2), np.float32))
    paths = []
    for name in NAMES:
        path = Path(os.fsdecode(folder + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sound)
        paths.append(bytes(path))
    return paths


def playlist(form: PathFormat, paths: list[bytes], output_format: Format = Format.M3U) -> str:
    """Return a list of files."""
    results = [
        Result.model_validate({**FIRST.model_dump(), "rank": 1, "urn": f"file:track:{number:064x}", "link": None})
        for number in range(len(paths))
    ]
    recommendation: Recommendation = openapi_examples.RECOMMENDATION.model_copy(update={"results": results})
    return write(
        output_format, recommendation, {each.urn: form.write(path) for each, path in zip(results, paths, strict=True)}
    )


def entries(text: str, folder: bytes) -> list[bytes]:
    """Return the paths of an M3U as players read it: lines without blanks at the ends, comments left out."""
    lines = [line.strip() for line in text.split("\n")]
    read = []
    for line in lines:
        if line and not line.startswith("#"):
            scheme, _, rest = line.partition("://")
            read.append(unquote_to_bytes(rest) if scheme == "file" else folder + b"/" + line.encode())
    return read


@pytest.mark.parametrize("form", [PathForm.ABSOLUTE, PathForm.RELATIVE, PathForm.URI])
def test_every_entry_of_a_list_is_a_file_that_opens(form: PathForm, music: list[bytes]) -> None:
    folder = music[0].rpartition(b"/")[0]
    text = playlist(PathFormat(form, folder.decode()), music)
    base = folder if form is PathForm.RELATIVE else b""
    paths = entries(text, base)
    assert len(paths) == len(NAMES)
    for path in paths:
        with Path(os.fsdecode(path)).open("rb") as file, av.open(file) as container:
            assert container.streams.audio
    assert active_characters(text, keep="\n") == set()


@pytest.mark.skipif(shutil.which("mpv") is None, reason="mpv is not installed")
@pytest.mark.parametrize("form", [PathForm.ABSOLUTE, PathForm.RELATIVE, PathForm.URI])
def test_mpv_plays_every_entry(form: PathForm, music: list[bytes], tmp_path: Path) -> None:
    folder = Path(os.fsdecode(music[0])).parent
    path = (folder if form is PathForm.RELATIVE else tmp_path) / "list.m3u8"
    path.write_text(playlist(PathFormat(form, str(folder)), music))
    command = ["mpv", "--no-config", "--ao=null", "--vo=null", "--untimed", "--length=0.01", str(path)]
    answer = subprocess.run(command, capture_output=True, check=False, timeout=120)
    output = answer.stdout + answer.stderr
    assert output.count(b"Playing: ") == len(NAMES)
    assert b"Failed to open" not in output
    assert answer.returncode == 0
