"""What the tests of all packages share; nothing that runs imports it."""
