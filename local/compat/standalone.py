"""`python -m standalone`, the name of `soundalike` until the next release."""

if __name__ == "__main__":
    from soundalike.deprecation import run_deprecated

    run_deprecated("standalone", "soundalike.local", {"": "soundalike"})
