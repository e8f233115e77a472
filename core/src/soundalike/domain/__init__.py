"""Values that everything agrees on: identities, titles, tags; no input, no output."""
