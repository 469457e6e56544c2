"""Algorithms of the Processing toolbox: classify InSAR time series, and write a report of them.

A part of the scripts that QGIS loads, which stand below ``command.py`` in one file.
"""
# mypy: ignore-errors

from __future__ import annotations

import shlex
from pathlib import Path

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingLayerPostProcessorInterface,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
    QgsProcessingParameterVectorLayer,
    QgsProviderRegistry,
)

from insar_runtime._qgis.script.command import PROGRAM, CommandCancelledError, CommandError, Run

_UNITS = ("auto", "mm", "cm", "m")
_SECONDS_BETWEEN_PROGRESS = 0.5
_WRITTEN = (".gpkg", ".csv", ".parquet")
_NAMES_IN_DIALOG = {
    "--units": "Unit of the series",
    "priors": "Mix of classes",
    "--diagnose": "Estimate rates, breaks and jumps",
    "--stable-rate": "Rate below which a point is Stable",
}
"""Words that messages of the command have, as the dialog calls them."""


class _InsarAlgorithm(QgsProcessingAlgorithm):
    """What all algorithms share: the input, the program, and a run of it."""

    def createInstance(self):
        return type(self)()

    def group(self):
        return "InSAR"

    def groupId(self):
        return "insar"

    def _add_input(self):
        self._add(
            QgsProcessingParameterFile("FILE", "File with time series", optional=True),
            "EGMS download (.zip), CSV, Parquet, GeoPackage, shapefile or Arrow file, with one point in each row. Give "
            "a file or a layer, not both.",
        )
        self._add(
            QgsProcessingParameterVectorLayer(
                "LAYER", "or a layer of the project", [QgsProcessing.TypeVector], optional=True
            ),
            "Points or a table that is open in QGIS. The whole file of the layer is read: filters, selections and "
            "edits that are not saved do not count.",
        )

    def _add_meaning(self):
        """Add the parameters that say what the file means, and what the classes are."""
        self._add(
            QgsProcessingParameterNumber(
                "STABLE_RATE",
                "Rate below which a point is Stable (mm/yr)",
                QgsProcessingParameterNumber.Double,
                optional=True,
                minValue=0.0,
            ),
            "From this rate on a point is Linear. Empty: that of the model, 2 mm/yr.",
        )
        self._add(
            QgsProcessingParameterString("CLASS_MIX", "Mix of classes", "auto", optional=True),
            "How common each class is: auto (estimated from the file), trained (the mix that the model was trained "
            "with), or shares such as stable=.94,linear=.02,quadratic=.01,bilinear=.01,pue=.01,other=.01.",
        )
        self._add(
            QgsProcessingParameterEnum("UNITS", "Unit of the series", list(_UNITS), defaultValue=0),
            "auto: as the file proves by its column of velocities, or as its producer documents.",
        )

    def _add_diagnose(self, default):
        self._add(
            QgsProcessingParameterBoolean("DIAGNOSE", "Estimate rates, breaks and jumps", default),
            "Adds velocity, acceleration and season of each point, the date of a break and its 90 % interval, jumps.",
        )

    def _add_program(self):
        self._add(
            QgsProcessingParameterString("EXTRA", "Additional options", "", optional=True),
            "Further options of the command, as in a terminal, such as --crs EPSG:32633 or --id-column CODE.",
            advanced=True,
        )
        self._add(
            # Not a file: QGIS refuses a file that is gone in words that do not help.
            QgsProcessingParameterString("PROGRAM", "Program of insar-rt", PROGRAM, optional=True),
            "Python of the environment that has insar-runtime, or insar-rt itself. 'insar-rt qgis install' sets it.",
            advanced=True,
        )

    def _add(self, parameter, text, advanced=False):
        parameter.setHelp(text)
        if advanced:
            parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
        self.addParameter(parameter)

    def _input(self, parameters, context, feedback):
        """Return the file that is read."""
        file = self.parameterAsFile(parameters, "FILE", context)
        layer = self.parameterAsVectorLayer(parameters, "LAYER", context)
        if bool(file) == (layer is not None):
            raise QgsProcessingException("Give a file with time series, or a layer of the project, one of them.")
        return file or _file_of(layer, feedback)

    def _options(self, parameters, context):
        """Return the options of the algorithms that classify: what the command reports, and what a file means."""
        options = ["--log-format=json", f"--log-every={_SECONDS_BETWEEN_PROGRESS}"]
        options += ["--diagnose"] if self.parameterAsBool(parameters, "DIAGNOSE", context) else []
        return options + self._meaning(parameters, context)

    def _meaning(self, parameters, context):
        """Return the options that all algorithms have."""
        options = []
        if parameters.get("STABLE_RATE") is not None:
            options += ["--stable-rate", str(self.parameterAsDouble(parameters, "STABLE_RATE", context))]
        mix = self.parameterAsString(parameters, "CLASS_MIX", context).strip()
        if mix not in {"", "auto"}:
            options += ["--priors", mix]
        unit = _UNITS[self.parameterAsEnum(parameters, "UNITS", context)]
        if unit != "auto":
            options += ["--units", unit]
        try:
            return options + shlex.split(self.parameterAsString(parameters, "EXTRA", context))
        except ValueError as error:
            raise QgsProcessingException(f"The additional options cannot be read ({error}).") from error

    def _output(self, parameters, context, endings=_WRITTEN):
        """Return the file of the output layer."""
        output = self.parameterAsOutputLayer(parameters, "OUTPUT", context)
        if not output.lower().endswith(endings):
            raise QgsProcessingException(
                f"The output {output} is no file that insar-rt writes; save to a file that ends with .gpkg (or "
                f"{', '.join(endings[1:])})."
            )
        return output

    def _style(self, context, output):
        """Give the layer of an output the style of its file, if it is put on the map."""
        if context.willLoadLayerOnCompletion(output):
            _STYLERS.append(_Styler())
            context.layerToLoadOnCompletionDetails(output).setPostProcessor(_STYLERS[-1])

    def _run(self, parameters, context, feedback, arguments, output, fine=()):
        """Run the command, and return the summary of what it did."""
        run = Run(self.parameterAsString(parameters, "PROGRAM", context).strip() or PROGRAM, feedback)
        feedback.setProgressText("insar-rt is reading the file")
        try:
            run.follow(arguments, Path(output), fine)
        except CommandCancelledError:
            raise QgsProcessingException("Cancelled: nothing was written.") from None
        except CommandError as error:
            raise QgsProcessingException(_in_dialog(str(error))) from None
        feedback.setProgress(100)
        return run.summary


class _Classify(_InsarAlgorithm):
    """``insar-rt classify``."""

    def name(self):
        return "classifyinsartimeseries"

    def displayName(self):
        return "Classify InSAR time series"

    def tags(self):
        return ["insar", "egms", "persistent scatterers", "deformation", "landslide", "subsidence", "trend"]

    def shortHelpString(self):
        return (
            "Says for every point which trend its displacements show: Stable, Linear, Quadratic, Bilinear, PUE (phase "
            "unwrapping error) or Other, with a calibrated confidence. All points of the input are in the output; "
            "those that are too uncertain have no class. The result comes coloured by class; hold the mouse over a "
            "point to see its class, rate, break and jumps (View > Show Map Tips). Nothing leaves this computer."
        )

    def initAlgorithm(self, config=None):
        self._add_input()
        self._add_diagnose(True)
        self._add(
            QgsProcessingParameterBoolean("KEEP_SERIES", "Keep the time series", False),
            "Adds a column for each date, which plugins such as InSAR Explorer plot. The file becomes much larger.",
        )
        self._add_meaning()
        self._add_program()
        destination = QgsProcessingParameterVectorDestination(
            "OUTPUT", "Classified points", QgsProcessing.TypeVectorAnyGeometry
        )
        destination.setSupportsNonFileBasedOutput(False)
        self._add(destination, "GeoPackage (.gpkg), which carries its style; also .csv and .parquet.")
        self.addOutput(QgsProcessingOutputNumber("POINTS", "Points"))
        self.addOutput(QgsProcessingOutputNumber("WITHOUT_CLASS", "Points without a class"))

    def processAlgorithm(self, parameters, context, feedback):
        output = self._output(parameters, context)
        arguments = ["classify", f"--output={output}", "--overwrite"]
        arguments += ["--keep-series"] if self.parameterAsBool(parameters, "KEEP_SERIES", context) else []
        arguments += [] if output.lower().endswith(".gpkg") else ["--qml"]
        arguments += [*self._options(parameters, context), "--", self._input(parameters, context, feedback)]
        summary = self._run(parameters, context, feedback, arguments, output)
        _describe(summary, feedback)
        self._style(context, output)
        rows = summary.get("rows", 0)
        return {"OUTPUT": output, "POINTS": rows, "WITHOUT_CLASS": rows - sum(summary.get("classes", {}).values())}


class _Report(_InsarAlgorithm):
    """``insar-rt report``."""

    def name(self):
        return "reportinsartimeseries"

    def displayName(self):
        return "Report of InSAR time series"

    def tags(self):
        return ["insar", "egms", "html", "page", "map", "plot"]

    def shortHelpString(self):
        return (
            "Writes one HTML page with a map of the classes, their shares, and the time series of each point at a "
            "click. It opens in any browser, without a network. A file without classes is classified first; of a "
            "classified one, leave diagnosis, rate, mix and unit as they are, and keep the time series when you "
            "classify."
        )

    def initAlgorithm(self, config=None):
        self._add_input()
        self._add(QgsProcessingParameterString("TITLE", "Title", "", optional=True), "Empty: the name of the file.")
        self._add_diagnose(False)
        self._add_meaning()
        self._add_program()
        self._add(
            QgsProcessingParameterFileDestination("OUTPUT", "Report", "HTML files (*.html)"),
            "Page for the browser; a file of this name is replaced.",
        )

    def processAlgorithm(self, parameters, context, feedback):
        output = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        arguments = ["report", f"--output={output}", "--overwrite"]
        title = self.parameterAsString(parameters, "TITLE", context)
        arguments += [f"--title={title}"] if title else []
        arguments += [*self._options(parameters, context), "--", self._input(parameters, context, feedback)]
        summary = self._run(parameters, context, feedback, arguments, output)
        feedback.pushInfo(
            f"{summary.get('points', 0):,} of {summary.get('rows', 0):,} points, {summary.get('series', 0):,} with "
            f"their series, {summary.get('bytes', 0) / 1e6:.1f} MB"
        )
        feedback.pushInfo(f"Open it in a browser: {Path(output).as_uri()}")
        return {"OUTPUT": output}


class _Styler(QgsProcessingLayerPostProcessorInterface):
    """Gives a result the style of its file when it is on the map; Processing loads layers without it."""

    def postProcessLayer(self, layer, context, feedback):
        layer.loadDefaultStyle()
        layer.triggerRepaint()


_STYLERS = []
"""All that were made, since Python must not delete them: the context of a run does, when the run is over."""


def _file_of(layer, feedback):
    """Return the file of a layer."""
    parts = QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source())
    path = str(parts.get("path") or "")
    if not Path(path).is_file():
        raise QgsProcessingException(
            f"The layer {layer.name()} lies in no file (it is of {layer.providerType()}). Save it as a GeoPackage "
            "first: right-click it, Export > Save Features As."
        )
    if layer.subsetString() or layer.isModified():
        feedback.pushWarning(
            f"The whole file of the layer {layer.name()} is read, without its filter and without "
            "edits that are not saved."
        )
    return path


def _describe(summary, feedback):
    """Write what was found, and the reasons to doubt it, into the log."""
    rows, classes = summary.get("rows", 0), summary.get("classes", {})
    counted = {**classes, "without a class": rows - sum(classes.values())}
    shares = ", ".join(f"{name} {count:,} ({count / rows:.1%})" for name, count in counted.items() if count)
    feedback.pushInfo(f"{rows:,} points: {shares or 'none'}")
    feedback.pushInfo(
        f"{summary.get('epochs')} dates, {summary.get('first_date')} to {summary.get('last_date')}; unit "
        f"{summary.get('unit')}; {summary.get('model')} {summary.get('model_version')}"
    )
    for note in summary.get("notes", ()):
        feedback.pushInfo(f"Note: {note}")
    for finding in summary.get("findings", ()):
        feedback.pushWarning(f"Doubt: {finding['sentence']}")


def _in_dialog(message):
    """Return a message of the command, with the names that its options have in the dialog."""
    named = [f"{option} is '{name}' here" for option, name in _NAMES_IN_DIALOG.items() if option in message]
    if not named and "--" in message:
        named = ["options that begin with -- go to the advanced parameter 'Additional options'"]
    return message + (f" ({'; '.join(named)})" if named else "")
