"""`python -m soundalike.extractor`."""

from soundalike.extractor.cli import main

if __name__ == "__main__":
    main()
