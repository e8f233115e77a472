"""Where track lists come from: one module, or a few with a common beginning, for each source."""
