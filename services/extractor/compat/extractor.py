"""`python -m extractor`, the name of `python -m soundalike.extractor` until the next release."""

if __name__ == "__main__":
    from soundalike.deprecation import run_deprecated

    run_deprecated(
        "extractor",
        "soundalike.extractor",
        {"extract": "soundalike extract", "redrive": "soundalike redrive"},
    )
