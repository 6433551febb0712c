"""Whom the voice talks with: other rooms, and every way in which a message leaves the house."""
