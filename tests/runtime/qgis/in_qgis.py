"""Run the algorithms within QGIS, and write what happens; run by QGIS's own Python, not by ours.

Arguments: the folder of the plugins of QGIS, a JSON list of steps, and a JSON result file. A step is an algorithm, its
parameters, and what else is to be done.
"""

# mypy: ignore-errors
# ruff: noqa: N802
import json
import os
import sys
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsVectorLayer,
)

sys.path.append(sys.argv[1])


class Feedback(QgsProcessingFeedback):
    """Keeps what an algorithm reports, and cancels it when it has begun to write the output, if that is wanted."""

    def __init__(self, cancelled):
        super().__init__(False)
        self.log, self.percents, self.cancelled = [], [], cancelled and Path(cancelled)
        self.progressChanged.connect(self.percents.append)

    def isCanceled(self):
        return bool(self.cancelled and list(self.cancelled.parent.glob(f".{self.cancelled.name}.partial-*")))

    def pushInfo(self, info):
        self.log.append(info)

    def pushConsoleInfo(self, info):
        self.log.append(info)

    def pushWarning(self, warning):
        self.log.append(f"warning: {warning}")

    def setProgressText(self, text):
        self.log.append(text)


def run(algorithm, parameters, layer="", cancelled=""):
    """Run an algorithm as the toolbox does, and return results, messages and the layers that it puts on the map."""
    import processing

    project = QgsProject.instance()
    project.clear()
    if layer:
        provider, _, uri = layer.partition(" ")
        given = QgsVectorLayer(uri, "given", provider)
        assert given.isValid(), layer
        project.addMapLayer(given)
        parameters = {**parameters, "LAYER": given.id()}
    feedback, context = Feedback(cancelled), QgsProcessingContext()
    context.setProject(project)
    try:
        results = processing.runAndLoadResults(algorithm, parameters, feedback, context)
    except QgsProcessingException as error:
        return {"error": str(error), "log": feedback.log}
    layers = [describe(one) for one in project.mapLayers().values() if one.name() != "given"]
    return {"results": results, "log": feedback.log, "percents": feedback.percents, "layers": layers}


def describe(layer):
    """Return the classes of a layer, how it is drawn, and the map tips of its points by their ids."""
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    tips = {}
    names = [field.name() for field in layer.fields()]
    key = "pid" if "pid" in names else names[1]
    for feature in layer.getFeatures():
        context.setFeature(feature)
        tips[feature[key]] = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context)
    return {
        "renderer": layer.renderer().type(),
        "aliases": {field.name(): layer.attributeAlias(i) for i, field in enumerate(layer.fields())},
        "classes": [feature["class_name"] or None for feature in layer.getFeatures()] if "class_name" in names else [],
        "tips": tips,
    }


def main():
    application = QgsApplication([], False)
    application.initQgis()
    from processing.core.Processing import Processing

    Processing.initialize()
    registry = QgsApplication.processingRegistry()
    found = {"algorithms": [a.id() for a in registry.algorithms() if a.id().startswith("script:")]}
    found["steps"] = [run(**step) for step in json.loads(sys.argv[2])]
    Path(sys.argv[3]).write_text(json.dumps(found), encoding="utf-8")
    # The teardown of an application without windows may crash.
    os._exit(0)


main()
