"""Training of `soundalike-1`: Choi's architecture, taught by stronger listeners and judged on albums it never heard."""
