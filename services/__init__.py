"""The rooms of Lägesbild, in flow order: ingest, geo, analysis, notify; with runtime as plant room and pages as shared front."""
