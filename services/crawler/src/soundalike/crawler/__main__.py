"""`python -m soundalike.crawler`."""

from soundalike.crawler.cli import main

if __name__ == "__main__":
    main()
