from __future__ import annotations

from soundalike.local.environment import neutral_environment


def test_variables_of_other_servers_are_left_out() -> None:
    caller = {
        "PATH": "/bin",
        "SPOTIFY_CLIENT_ID": "mine",
        "CHOI_WEIGHTS": "/weights",
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "token",
        "PGSSLMODE": "require",
        "DATABASE_URL": "postgresql://elsewhere",
        "QUEUE_NAME": "elsewhere",
    }
    environment = neutral_environment(caller)
    assert {name: environment[name] for name in ("PATH", "SPOTIFY_CLIENT_ID", "CHOI_WEIGHTS")} == {
        "PATH": "/bin",
        "SPOTIFY_CLIENT_ID": "mine",
        "CHOI_WEIGHTS": "/weights",
    }
    assert not environment.keys() & {"AWS_PROFILE", "AWS_SESSION_TOKEN", "PGSSLMODE", "DATABASE_URL", "QUEUE_NAME"}


def test_this_machine_is_reached_without_the_proxy() -> None:
    environment = neutral_environment({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "intranet, localhost"})
    assert environment["NO_PROXY"] == environment["no_proxy"] == "intranet,localhost,127.0.0.1"
    assert environment["HTTPS_PROXY"] == "http://proxy:3128"
