"""`python -m crawler`, the name of `python -m soundalike.crawler` until the next release."""

if __name__ == "__main__":
    from soundalike.deprecation import run_deprecated

    run_deprecated("crawler", "soundalike.crawler", {"": "soundalike crawl", "forget": "soundalike forget"})
