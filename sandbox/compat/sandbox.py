"""`python -m sandbox`, the name of `python -m soundalike.sandbox` until the next release."""

if __name__ == "__main__":
    import runpy
    import sys

    # Its own words, because the sandbox shares no code with the platform.
    print(
        "`python -m sandbox` is deprecated and stops working with the next release. "
        "Use `python -m soundalike.sandbox`.",
        file=sys.stderr,
        flush=True,
    )
    runpy.run_module("soundalike.sandbox", run_name="__main__", alter_sys=True)
