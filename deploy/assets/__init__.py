"""What the browser needs and others wrote: ``package.json`` with its lock file, and the copying of the built files."""
