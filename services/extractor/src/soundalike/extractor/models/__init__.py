"""The models there are: weights, statistics and tags of each, by the name that MODEL gives."""
