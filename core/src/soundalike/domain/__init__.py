"""Values shared by everything: identities, addresses, titles, tags; no input or output."""
