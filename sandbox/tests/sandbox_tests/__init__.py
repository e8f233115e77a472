# A package with a name of its own: pytest would take modules of `sandbox/tests` for parts of the package `sandbox`.
