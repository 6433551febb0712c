"""Event contracts between the rooms, and nothing else.

Everything that two rooms exchange over Kafka is named here, one module per hop in flow order. This package
depends on pydantic and the standard library only; it imports no room and no runtime.
"""
