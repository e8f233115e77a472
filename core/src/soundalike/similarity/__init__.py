"""The projection of the embedding space: fitted with scikit-learn, applied with NumPy alone."""
