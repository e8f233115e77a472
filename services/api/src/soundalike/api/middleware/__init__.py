"""What stands between the socket and the routes, one module for each concern."""
