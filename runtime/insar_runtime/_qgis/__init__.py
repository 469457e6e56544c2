"""Algorithms for the Processing toolbox of QGIS: the scripts, and their installation into the folders of QGIS."""
