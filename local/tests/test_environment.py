from __future__ import annotations

from soundalike.local.environment import neutral_environment


def test_what_leads_elsewhere_is_left_out() -> None:
    own = {
        "PATH": "/bin",
        "SPOTIFY_CLIENT_ID": "mine",
        "CHOI_WEIGHTS": "/weights",
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "token",
        "PGSSLMODE": "require",
        "DATABASE_URL": "postgresql://elsewhere",
        "QUEUE_NAME": "elsewhere",
    }
    left = neutral_environment(own)
    assert {name: left[name] for name in ("PATH", "SPOTIFY_CLIENT_ID", "CHOI_WEIGHTS")} == {
        "PATH": "/bin",
        "SPOTIFY_CLIENT_ID": "mine",
        "CHOI_WEIGHTS": "/weights",
    }
    assert not left.keys() & {"AWS_PROFILE", "AWS_SESSION_TOKEN", "PGSSLMODE", "DATABASE_URL", "QUEUE_NAME"}


def test_this_machine_is_reached_without_the_proxy() -> None:
    left = neutral_environment({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "intranet, localhost"})
    assert left["NO_PROXY"] == left["no_proxy"] == "intranet,localhost,127.0.0.1"
    assert left["HTTPS_PROXY"] == "http://proxy:3128"
