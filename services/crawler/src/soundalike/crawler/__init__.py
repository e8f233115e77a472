"""Reads track lists, finds 30 s previews and drops them into the object store; knows nothing of the network behind."""
