"""The database before its schemas: roles and the database itself, made once by whoever may."""
