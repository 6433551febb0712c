"""Whom the door asks and tells: the other rooms, the mail server, polisen.se, identity providers, object stores."""
