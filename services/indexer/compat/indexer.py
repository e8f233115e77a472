"""`python -m indexer`, the name of `python -m soundalike.indexer` until the next release."""

if __name__ == "__main__":
    from soundalike.deprecation import run_deprecated

    commands = ("list", "build", "taste", "publish", "rollback")
    run_deprecated("indexer", "soundalike.indexer", {command: f"soundalike index {command}" for command in commands})
