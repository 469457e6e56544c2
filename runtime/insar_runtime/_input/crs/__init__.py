"""Coordinate reference systems of inputs: from WKT or an EPSG code to PROJJSON."""
