"""scikit-learn transformers over a pandas DataFrame: columns of tracks and favourites to features."""
