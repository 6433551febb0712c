"""Files of other people in: tables of any encoding, vector formats by GDAL, and what their columns mean."""
