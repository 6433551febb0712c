"""Order of the steps: ``facts`` (live through), ``rebuilding`` (fold from nothing, beside the living views)."""
