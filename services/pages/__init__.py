"""The shared front: layout, catalogue of texts, map and table components, static files. Knows no room."""
