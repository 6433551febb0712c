"""geo's pages."""
