"""The only place of geo with SQL: ``placements`` of reports and context, ``registers`` of addresses."""
