"""`python -m evaluation`, the name of `soundalike evaluate` until the next release."""

if __name__ == "__main__":
    from soundalike.deprecation import run_deprecated

    run_deprecated("evaluation", "soundalike.research.evaluation", {"": "soundalike evaluate"})
