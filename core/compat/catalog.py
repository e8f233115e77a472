"""`python -m catalog provision`, the name of `python -m soundalike.provisioning` until the next release."""

if __name__ == "__main__":
    import sys

    from soundalike.deprecation import run_deprecated

    # The one subcommand that there was; anything else is refused as it was then.
    if sys.argv[1:] == ["provision"]:
        del sys.argv[1]
    elif not sys.argv[1:]:
        sys.exit("usage: python -m soundalike.provisioning (formerly: python -m catalog provision)")
    run_deprecated("catalog provision", "soundalike.provisioning")
