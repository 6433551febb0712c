"""The rooms of Lägesbild, in flow order: ingest, geo, analysis, notify; plant room and front beside."""
