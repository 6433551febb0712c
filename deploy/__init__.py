"""How Lägesbild is put on machines: one machine without Docker (``local``), compose, topics and database roles."""
