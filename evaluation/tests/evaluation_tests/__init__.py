# A package with a name of its own: pytest would take modules of `evaluation/tests` for parts of `evaluation`.
