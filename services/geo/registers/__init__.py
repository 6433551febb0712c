"""Address registers as they are kept: packed as Parquet, compared when replaced, loaded on demand within a bound."""
