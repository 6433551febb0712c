"""HTTP in, JSON out: numbers (``counts``), cases and lägesbilder (``situations``)."""
