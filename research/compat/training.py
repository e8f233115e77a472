"""`python -m training`, the name of `python -m soundalike.research.training` until the next release."""

if __name__ == "__main__":
    from soundalike.deprecation import run_deprecated

    run_deprecated("training", "soundalike.research.training")
