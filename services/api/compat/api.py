"""`python -m api`, the name of `python -m soundalike.api` until the next release."""

if __name__ == "__main__":
    from soundalike.deprecation import run_deprecated

    run_deprecated("api", "soundalike.api", {"keys": "soundalike keys"})
