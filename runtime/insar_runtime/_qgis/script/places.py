"""Algorithms of the Processing toolbox for places: find moving areas, and compare two releases.

A part of the scripts that QGIS loads, which stands below ``algorithms.py`` in one file.
"""
# mypy: ignore-errors

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterVectorDestination,
)

from insar_runtime._qgis.script.algorithms import _InsarAlgorithm

_ALERT_EXIT_CODE = 10


class _Areas(_InsarAlgorithm):
    """``insar-rt areas``."""

    def name(self):
        return "findmovingareas"

    def displayName(self):
        return "Find moving areas"

    def tags(self):
        return ["insar", "egms", "landslide", "subsidence", "clusters", "active deformation areas", "ada"]

    def shortHelpString(self):
        return (
            "Joins moving points that lie together and move alike to areas: outline, class, rate with its spread, date "
            "of the break where the points agree, largest displacement, and a quality from 1 (best) to 4. A file "
            "without classes is classified first; of a classified one, leave rate, mix and unit as they are."
        )

    def initAlgorithm(self, config=None):
        self._add_input()
        self._add(
            QgsProcessingParameterNumber(
                "DISTANCE",
                "Distance of neighbours (m)",
                QgsProcessingParameterNumber.Double,
                optional=True,
                minValue=0.0,
            ),
            "Points within it are neighbours. Empty: from the spacing of the points.",
        )
        self._add(
            QgsProcessingParameterNumber(
                "MIN_POINTS", "Least number of moving points", QgsProcessingParameterNumber.Integer, 5, minValue=1
            ),
            "An area has at least so many moving points.",
        )
        self._add(
            QgsProcessingParameterBoolean("SERIES", "Add the mean series", False),
            "Median and quartiles of the series at each date, as text; the file must have its series.",
        )
        self._add_meaning()
        self._add_program()
        destination = QgsProcessingParameterVectorDestination("OUTPUT", "Moving areas", QgsProcessing.TypeVectorPolygon)
        destination.setSupportsNonFileBasedOutput(False)
        self._add(destination, "GeoPackage (.gpkg), which carries its style; also .geojson, .csv and .parquet.")

    def processAlgorithm(self, parameters, context, feedback):
        output = self._output(parameters, context, (".gpkg", ".geojson", ".csv", ".parquet"))
        arguments = ["areas", f"--output={output}", "--overwrite"]
        if parameters.get("DISTANCE") is not None:
            arguments += ["--distance", str(self.parameterAsDouble(parameters, "DISTANCE", context))]
        arguments += ["--min-points", str(self.parameterAsInt(parameters, "MIN_POINTS", context))]
        arguments += ["--series"] if self.parameterAsBool(parameters, "SERIES", context) else []
        arguments += [*self._meaning(parameters, context), "--", self._input(parameters, context, feedback)]
        self._run(parameters, context, feedback, arguments, output)
        self._style(context, output)
        return {"OUTPUT": output}


class _Compare(_InsarAlgorithm):
    """``insar-rt compare``."""

    def name(self):
        return "comparereleases"

    def displayName(self):
        return "Compare releases"

    def tags(self):
        return ["insar", "egms", "change", "update", "monitoring"]

    def shortHelpString(self):
        return (
            "Matches the points of two releases of one place, and says of each what has changed: class, rate with its "
            "standard deviation, new breaks and jumps, recent change, points that are gone or new. Releases without "
            "classes are classified and diagnosed first. The log shows the counts."
        )

    def initAlgorithm(self, config=None):
        text = "EGMS download (.zip), or a table that 'Classify InSAR time series' reads or has written with rates."
        self._add(QgsProcessingParameterFile("OLD", "Older release"), text)
        self._add(QgsProcessingParameterFile("NEW", "Newer release"), text)
        self._add_meaning()
        self._add_program()
        destination = QgsProcessingParameterVectorDestination("OUTPUT", "Changes", QgsProcessing.TypeVectorAnyGeometry)
        destination.setSupportsNonFileBasedOutput(False)
        self._add(destination, "GeoPackage (.gpkg), which carries its style; also .csv and .parquet.")

    def processAlgorithm(self, parameters, context, feedback):
        output = self._output(parameters, context)
        arguments = ["compare", f"--output={output}", "--overwrite", *self._meaning(parameters, context), "--"]
        arguments += [self.parameterAsFile(parameters, name, context) for name in ("OLD", "NEW")]
        # With --alert among the additional options, its exit code says that there is something.
        self._run(parameters, context, feedback, arguments, output, fine=(_ALERT_EXIT_CODE,))
        self._style(context, output)
        return {"OUTPUT": output}
