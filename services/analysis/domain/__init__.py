"""Pure decisions of the picture: ``selection`` (what is asked), ``certainty`` (what the numbers bear)."""
