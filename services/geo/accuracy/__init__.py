"""How right the geocoder is: labelled queries held against its answers, among invented streets."""
