"""The picture's only place with SQL: ``facts`` (written by consumers), ``numbers`` (read by people)."""
