"""Project files for desktop GIS, made from the catalogue: QGIS projects (.qgz) and layer definitions (.qlr).

QGIS is not needed to write them: they are XML, in the form that QGIS 3.22 reads and newer versions still read.
"""
