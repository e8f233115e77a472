from __future__ import annotations

import http.server
import json
import os
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from typer.testing import CliRunner

from soundalike.db.losses import Loss
from soundalike.db.overview import Overview
from soundalike.db.platform_status import PlatformStatus, RequestBacklog
from soundalike.db.tracks import State
from soundalike.domain.playlist_id import list_urn
from soundalike.local import cli, other_programs, recommendation, status
from soundalike.local.data_directory import DataDirectory
from soundalike.local.platform import Platform
from soundalike.local.ports import free_port
from soundalike.local.program import Program
from soundalike.local.running_platform import RunningPlatform, exclusive_lock, publish
from soundalike.storage.message_queue import Depth
from soundalike.testing.hostile_text import HOSTILE_TEXTS, active_characters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

runner = CliRunner()

_NO_RESULT = "  no track meets these conditions"


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    directory = DataDirectory.at(tmp_path / "data")
    directory.create()
    return directory


@pytest.fixture
def api() -> Iterator[Callable[[int, dict[str, Any]], tuple[str, list[dict[str, list[str]]]]]]:
    """Start an API that gives one response to everything; returns its URL and the queries that it gets."""
    servers: list[tuple[http.server.HTTPServer, threading.Thread]] = []

    def make(code: int, body: dict[str, Any]) -> tuple[str, list[dict[str, list[str]]]]:
        requests: list[dict[str, list[str]]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append(parse_qs(urlsplit(self.path).query))
                self.send_response(code)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *args: object) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}", requests

    yield make
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _up(data: DataDirectory, api_url: str) -> Iterator[None]:
    with exclusive_lock(data):
        publish(data, RunningPlatform(pid=os.getpid(), api_url=api_url, sandbox_url=None, environment={}))
        yield


@contextmanager
def _up_again(data: DataDirectory, api_url: str) -> Iterator[None]:
    publish(data, RunningPlatform(pid=os.getpid(), api_url=api_url, sandbox_url=None, environment={}))
    yield


@pytest.mark.parametrize(
    "arguments", [["status"], ["recommend", "file:track:abc"], ["crawl", "--watch"], ["index", "build"], ["open"]]
)
def test_without_a_platform_the_message_says_how_to_start_it(data: DataDirectory, arguments: list[str]) -> None:
    result = runner.invoke(cli.app, [*arguments, "--data", str(data.root)])
    assert result.exit_code == 1
    assert f"soundalike up --data {data.root}" in result.stderr


def test_results_are_listed_by_rank(data: DataDirectory, api: Callable[..., tuple[str, list[Any]]]) -> None:
    first = {
        "urn": "file:track:b",
        "title": "Blue",
        "artists": ["A", "B"],
        "link": "https://x.example/b",
        "rank": 1,
        "score": 0.98765,
        "why": "Similar in rhythm; both soul, jazz.",
    }
    second = {"urn": "file:track:c", "title": "Red", "artists": [], "link": None, "rank": 2, "score": 0.5}
    seed = {"urn": "file:track:a", "title": "Green", "artists": ["C"], "link": None, "tags": ["soul", "jazz", "funk"]}
    url, requests = api(200, {"seeds": [seed], "index": {"version": "7"}, "results": [first, second]})
    with _up(data, url):
        result = runner.invoke(cli.app, ["recommend", "file:track:a", "-n", "2", "--data", str(data.root)])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "sounds like Green \N{EN DASH} C  (soul, jazz, funk)",
        "  1  0.988  Blue \N{EN DASH} A, B  https://x.example/b",
        "            Similar in rhythm; both soul, jazz.",
        "  2  0.500  Red",
    ]
    assert requests == [{"track": ["file:track:a"], "n": ["2"]}]


def test_every_option_reaches_the_api(data: DataDirectory, api: Callable[..., tuple[str, list[Any]]]) -> None:
    url, requests = api(200, {"seeds": [], "results": []})
    parameters = {
        "n": ["3"], "min_score": ["0.5"], "max_per_artist": ["1"], "max_per_album": ["4"], "diversity": ["0.0"],
        "not_like": ["deezer:track:8", "file:track:9"],
        "tag": ["jazz", "soul"], "not_tag": ["sad"], "exclude": ["z"], "exclude_artist": ["A", "B"],
        "source": ["file"], "min_duration": ["0.0"], "max_duration": ["600.0"], "by": ["both"], "blend": ["0.3"],
    }  # fmt: skip
    options = [
        part
        for name, values in parameters.items()
        for value in values
        for part in ("-n" if name == "n" else "--" + name.replace("_", "-"), value)
    ]
    with _up(data, url):
        result = runner.invoke(
            cli.app, ["recommend", "deezer:track:1", "deezer:track:2", *options, "--data", str(data.root)]
        )
    assert result.exit_code == 0, result.stderr
    assert requests == [{"track": ["deezer:track:1", "deezer:track:2"], **parameters}]


def test_recommendations_for_a_playlist(data: DataDirectory, api: Callable[..., tuple[str, list[Any]]]) -> None:
    response = {"seeds": [], "playlist": {"urn": "spotify:playlist:a", "title": "Mine"}, "results": []}
    url, requests = api(200, response)
    with _up(data, url):
        result = runner.invoke(cli.app, ["recommend", "--playlist", "https://a.example/p?x", "--data", str(data.root)])
        both = runner.invoke(cli.app, ["recommend", "x", "--playlist", "y", "--data", str(data.root)])
        neither = runner.invoke(cli.app, ["recommend", "--data", str(data.root)])
    assert (result.exit_code, result.stdout) == (0, f"for Mine\n{_NO_RESULT}\n")
    assert requests == [{"n": ["10"]}]
    assert (both.exit_code, neither.exit_code) == (2, 2)


def test_the_scores_of_both_signals_are_shown_where_taste_is_used(
    data: DataDirectory, api: Callable[..., tuple[str, list[Any]]]
) -> None:
    common = {"artists": [], "link": None, "score": 0.9}
    first = {**common, "urn": "x", "title": "Blue", "rank": 1, "why": "So.", "scores": {"sound": 0.91, "taste": 0.95}}
    second = {**common, "urn": "y", "title": "Red", "rank": 2, "why": "", "scores": {"taste": 0.9}}
    body = {
        "seeds": [{"urn": "z", "title": "Green", "artists": []}],
        "taste": {"version": "1"},
        "results": [first, second],
    }
    url, _ = api(200, body)
    with _up(data, url):
        result = runner.invoke(cli.app, ["recommend", "deezer:track:3", "--by", "both", "--data", str(data.root)])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "goes with Green",
        "  1  0.900  Blue",
        "            So.  (sound 0.910, taste 0.950)",
        "  2  0.900  Red",
        "            (taste 0.900)",
    ]


def test_a_folder_of_paths_and_a_list_file_are_those_of_this_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert recommendation.absolute_folder("relative=Lists") == f"relative={tmp_path}/Lists"
    assert recommendation.absolute_folder("relative=~").startswith("relative=/")
    for form in (None, "uri", "relative", "relative=", "relative=D:\\Lists", "other=x"):
        assert recommendation.absolute_folder(form) == form
    (tmp_path / "Road trip.m3u8").write_text("x")
    assert recommendation.playlist_of("./Road trip.m3u8") == list_urn("Road trip.m3u8")
    assert recommendation.playlist_of("gone.m3u8") == "gone.m3u8"


def test_recommendations_for_a_user(data: DataDirectory, api: Callable[..., tuple[str, list[Any]]]) -> None:
    user = "soundcloud:users:5"
    url, requests = api(200, {"seeds": [], "user": {"urn": user, "favorites": 31}, "results": []})
    with _up(data, url):
        result = runner.invoke(cli.app, ["recommend", "--user", user, "--data", str(data.root)])
        both = runner.invoke(cli.app, ["recommend", "x", "--user", user, "--data", str(data.root)])
        other = runner.invoke(cli.app, ["recommend", "--playlist", "y", "--user", user, "--data", str(data.root)])
    assert (result.exit_code, result.stdout) == (0, f"for soundcloud:users:5  (31 favourites)\n{_NO_RESULT}\n")
    assert requests == [{"user": [user], "n": ["10"]}]
    assert (both.exit_code, other.exit_code) == (2, 2)


def test_other_formats_are_printed_unchanged(data: DataDirectory, api: Callable[..., tuple[str, list[Any]]]) -> None:
    url, requests = api(200, {"seeds": 3})
    with _up(data, url):
        result = runner.invoke(cli.app, ["recommend", "deezer:track:1", "--format", "jspf", "--data", str(data.root)])
    assert (result.exit_code, result.stdout) == (0, '{"seeds": 3}\n')
    assert requests == [{"track": ["deezer:track:1"], "n": ["10"], "format": ["jspf"]}]


@pytest.mark.parametrize(
    ("code", "body", "message"),
    [
        (404, {"detail": "the catalogue does not know it; crawl it"}, "the catalogue does not know it; crawl it"),
        (503, {"detail": "nothing was extracted yet"}, "nothing was extracted yet"),
        (500, {}, "status 500"),
        (200, {"results": 3}, "Unexpected response"),
    ],
)
def test_errors_of_the_api_are_shown_in_its_words(
    data: DataDirectory, api: Callable[..., tuple[str, list[Any]]], code: int, body: dict[str, Any], message: str
) -> None:
    with _up(data, api(code, body)[0]):
        result = runner.invoke(cli.app, ["recommend", "deezer:track:1", "--data", str(data.root)])
    assert result.exit_code == 1
    assert message in result.stderr


def test_an_api_that_does_not_respond(data: DataDirectory) -> None:
    with _up(data, f"http://127.0.0.1:{free_port()}"):
        result = runner.invoke(cli.app, ["recommend", "deezer:track:1", "--data", str(data.root)])
    assert result.exit_code == 1
    assert "does not respond" in result.stderr


def test_other_programs_get_their_arguments_and_the_platform(
    data: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed: list[tuple[list[str], dict[str, str]]] = []

    def execute(command: list[str], environment: dict[str, str]) -> NoReturn:
        executed.append((command, dict(environment)))
        raise SystemExit(0)

    monkeypatch.setattr(other_programs, "execute", execute)
    monkeypatch.setenv("AWS_PROFILE", "work")
    with exclusive_lock(data):
        environment = {"S3_BUCKET": "soundalike"}
        publish(data, RunningPlatform(os.getpid(), "http://127.0.0.1:1", None, environment))
        for arguments in (
            ["crawl", "--data", str(data.root), "--watch", "--folder", "~/Music", "--retry-rejected"],
            ["index", "build", "--data", str(data.root)],
            ["library", "scan", "--data", str(data.root), "--full"],
            ["extract", "a.mp3", "--out", "v.npz", "--statistics", "clip"],
        ):
            assert runner.invoke(cli.app, arguments).exit_code == 0
    commands = [command[command.index("-m") + 1 :] for command, _ in executed]
    assert commands == [
        ["soundalike.crawler", "--watch", "--folder", "~/Music", "--retry-rejected"],
        ["soundalike.indexer", "build"],
        ["soundalike.crawler", "library", "scan", "--full"],
        ["soundalike.extractor", "extract", "a.mp3", "--out", "v.npz", "--statistics", "clip"],
    ]
    for _, environment in executed[:3]:
        assert environment["S3_BUCKET"] == "soundalike"
        assert "AWS_PROFILE" not in environment
    assert executed[3][1]["AWS_PROFILE"] == "work"


@pytest.mark.parametrize(
    ("options", "has_browser", "message"),
    [([], True, ""), ([], False, "open this address"), (["--no-browser"], False, "")],
)
def test_open_prints_the_address_and_opens_it(
    data: DataDirectory, monkeypatch: pytest.MonkeyPatch, options: list[str], has_browser: bool, message: str
) -> None:
    opened: list[str] = []

    def browse(url: str) -> bool:
        opened.append(url)
        return has_browser

    monkeypatch.setattr("webbrowser.open", browse)
    with _up(data, "http://127.0.0.1:8123"):
        result = runner.invoke(cli.app, ["open", *options, "--data", str(data.root)])
    assert (result.exit_code, result.stdout) == (0, "http://127.0.0.1:8123/\n")
    assert opened == ([] if options else ["http://127.0.0.1:8123/"])
    assert message in result.stderr
    assert (result.stderr == "") == (message == "")


def test_the_help_of_crawl_shows_its_own_options_too(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def execute(command: list[str], environment: object) -> None:
        raise SystemExit(command[command.index("-m") + 1 :] != ["soundalike.crawler", "--help"])

    monkeypatch.setattr(other_programs, "execute", execute)
    result = runner.invoke(cli.app, ["crawl", "--help"])
    assert result.exit_code == 0
    assert {"--data", "--stay", "--no-wait"} <= set(result.stdout.split())


def test_evaluate_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_programs, "find_spec", lambda _: None)
    result = runner.invoke(cli.app, ["evaluate", "--corpus", "somewhere"])
    assert result.exit_code == 1
    assert "make install" in result.stderr


def test_the_status_as_text_and_json() -> None:
    counts = dict.fromkeys(State, 0) | {State.READY: 90, State.REJECTED: 1}
    totals = Overview(
        total=91,
        by_state=counts,
        queue=Depth(visible=3, in_flight=2, delayed=1),
        dead_letters=4,
        model="choi-m1",
        version="20260101",
        in_version=80,
        tail=10,
    )
    due = datetime(2026, 1, 2, tzinfo=UTC)
    losses = [
        Loss("bucket", "music", 1, due),
        Loss("previews", "of tracks", 12, due),
        Loss("index_version", "2", 1, due),
    ]
    content = status.DatabaseContent(PlatformStatus(totals, RequestBacklog(5, due), losses))
    programs, missing = {"api": True, "indexer": True, "watcher": False}, {"queue": "the queue does not exist"}
    report = status.Status(content, programs, missing)
    lines = status.render(report).splitlines()
    rows = [line.split() for line in lines]
    assert ["ready", "90"] in rows
    assert ["total", "91"] in rows
    assert lines[0] == "missing       the queue does not exist"
    moment = f"{due.astimezone():%Y-%m-%d %H:%M}"
    assert lines[1:4] == [
        f"lost          {moment}  the bucket music; created again",
        f"lost          {moment}  12 previews that waited; the next crawl fetches them again, requested ones sooner",
        f"lost          {moment}  files of index version 2; the indexer builds it again",
    ]
    assert lines[-7:] == [
        "queue         3 waiting, 2 in progress, 1 delayed",
        "dead letters  4",
        "model         choi-m1",
        "index         20260101 with 80 tracks, 10 newer",
        "requests      5 due",
        "running       api, indexer",
        "not running   watcher (see its log)",
    ]
    content = json.loads(json.dumps(status.as_json(report)))
    assert content["by_state"]["ready"] == 90
    assert content["requests"] == {"due": 5, "next_due": "2026-01-02T00:00:00+00:00"}
    assert content["programs"] == programs
    assert content["missing"] == missing
    assert content["losses"][1] == {
        "kind": "previews", "name": "of tracks", "count": 12, "noticed_at": "2026-01-02T00:00:00+00:00"
    }  # fmt: skip


def test_the_status_without_database_and_queue() -> None:
    away = status.Status(None, {"api": True}, {"database": "the database does not answer"})
    assert status.render(away).splitlines() == ["missing       the database does not answer", "running       api"]
    content = status.as_json(away)
    assert (content["total"], content["by_state"], content["requests"]) == (None, None, None)
    totals = Overview(0, dict.fromkeys(State, 0), None, None, None, None, 0, 0)
    content = status.DatabaseContent(PlatformStatus(totals, RequestBacklog(0, None)))
    rows = status.render(status.Status(content, {})).splitlines()
    assert "queue         not available" in rows
    assert "dead letters  not available" in rows


async def test_the_status_of_an_empty_platform(data: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    async with Platform(data, port=free_port(), services=()).running() as running:
        for name in {*running.child_environment(os.environ), *os.environ}:
            # monkeypatch restores the environment, which the command replaces.
            monkeypatch.setenv(name, os.environ.get(name, ""))
        # boto3 keeps the credentials of its first session.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        report = await status.read_status(data)
    totals = report.content.overview
    assert report.missing == {}
    assert totals.total == sum(totals.by_state.values()) == 0
    # S3 sends a test event to each new destination: that of previews and that of uploads.
    assert totals.queue.total == 2
    assert totals.dead_letters == totals.tail == 0
    assert totals.version is None
    assert report.programs == {"postgres": True, "ministack": True}
    assert [line.split(maxsplit=1)[1] for line in status.render(report).splitlines()[-3:]] == [
        "not built yet, 0 newer",
        "none",
        "postgres, ministack",
    ]


def printed(result: Result) -> str:
    assert active_characters(result.stdout + result.stderr, keep="\n") == set()
    return result.stdout


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
def test_names_reach_the_terminal_as_one_line_of_text(
    data: DataDirectory, api: Callable[..., tuple[str, list[Any]]], hostile: str
) -> None:
    hostile = hostile.replace("\udcff", "")  # which JSON cannot hold
    names = {"urn": hostile, "title": hostile, "artists": [hostile], "link": hostile}
    body = {
        "seeds": [{**names, "tags": [hostile]}],
        "results": [{**names, "rank": 1, "score": 0.5, "why": hostile, "scores": {hostile: 0.5}}],
        "taste": {"version": "1"},
    }
    with _up(data, api(200, body)[0]):
        tracks = runner.invoke(cli.app, ["recommend", "deezer:track:1", "--data", str(data.root)])
        playlist = {"urn": hostile, "title": hostile}
        with _up_again(data, api(200, {**body, "playlist": playlist})[0]):
            listed = runner.invoke(cli.app, ["recommend", "--playlist", "x", "--data", str(data.root)])
        with _up_again(data, api(404, {"detail": hostile})[0]):
            refused = runner.invoke(cli.app, ["recommend", "deezer:track:1", "--data", str(data.root)])
    assert len(printed(tracks).splitlines()) == len(printed(listed).splitlines()) == 3
    assert refused.exit_code == 1
    assert printed(refused) == ""
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
def test_other_formats_reach_the_terminal_without_control_characters(
    data: DataDirectory, api: Callable[..., tuple[str, list[Any]]], monkeypatch: pytest.MonkeyPatch, hostile: str
) -> None:
    monkeypatch.setattr(recommendation, "recommend_as_text", lambda *_: f"{hostile}\r\n")
    with _up(data, api(200, {})[0]):
        result = runner.invoke(cli.app, ["recommend", "deezer:track:1", "--format", "csv", "--data", str(data.root)])
    assert active_characters(result.stdout, keep="\r\n\t") == set()
    assert "\r" not in result.stdout.replace("\r\n", "")


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
def test_the_status_shows_names_as_one_line_of_text(hostile: str) -> None:
    totals = Overview(1, dict.fromkeys(State, 0), Depth(0, 0, 0), 0, hostile, hostile, 1, 0)
    losses = [Loss("index_version", hostile), Loss(hostile, hostile)]
    content = status.DatabaseContent(PlatformStatus(totals, RequestBacklog(0, None), losses))
    text = status.render(status.Status(content, {}, {"index": hostile}))
    assert active_characters(text, keep="\n") == set()
    assert len(text.splitlines()) == len(State) + 12


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
def test_the_end_of_a_log_is_shown_as_text(tmp_path: Path, hostile: str) -> None:
    log_file = tmp_path / "a.log"
    log_file.write_bytes(f"first\n{hostile}\nlast\n".encode("utf-8", "surrogateescape"))
    tail = Program("a", (), {}, log_file).log_tail()
    assert active_characters(tail, keep="\n") == set()
    assert tail.splitlines()[-1] == "last"
