"""Open layers in QGIS and say what is seen; run by QGIS's own Python, not by ours.

Arguments: a JSON list of [uri, provider], and a folder for pictures. Prints a JSON list.
"""

# mypy: ignore-errors
import json
import os
import struct
import sys
from collections import Counter
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsPointXY,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage


def look(uri, provider, picture):
    layer = QgsVectorLayer(uri, "layer", provider)
    seen = {"valid": layer.isValid()}
    if not layer.isValid():
        return seen
    renderer = layer.renderer()
    extent = layer.extent()
    part = QgsRectangle(extent.xMinimum(), extent.yMinimum(), extent.center().x(), extent.center().y())
    seen.update(
        features=layer.featureCount(),
        crs=layer.crs().authid(),
        extent=[extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
        renderer=renderer.type() if renderer else None,
        labels=layer.labelsEnabled() and layer.labeling() is not None,
        indexed=layer.hasSpatialIndex() == layer.SpatialIndexPresent,
        part=sum(1 for _ in layer.getFeatures(QgsFeatureRequest(part))),
        fields={field.name(): field.isNumeric() for field in layer.fields()},
    )
    if renderer and renderer.type() == "categorizedSymbol":
        seen["attribute"] = renderer.classAttribute()
        seen["levels"] = renderer.usingSymbolLevels()
        seen["categories"] = [
            [c.value(), c.label(), c.symbol().color().name(), c.symbol().symbolLayer(0).renderingPass()]
            for c in renderer.categories()
        ]
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    context.setFeature(next(layer.getFeatures()))
    seen["tip"] = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context)
    seen["pixels"] = draw(layer, extent, picture)
    return seen


def draw(layer, extent, picture):
    """Return the number of pixels by colour, those that occur often."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setOutputSize(QSize(900, 700))
    settings.setBackgroundColor(QColor("white"))
    settings.setDestinationCrs(layer.crs())
    settings.setFlag(QgsMapSettings.Antialiasing, False)
    extent.scale(1.05)
    settings.setExtent(extent)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage().convertToFormat(QImage.Format_RGB32)
    image.save(picture)
    bits = image.bits()
    bits.setsize(image.sizeInBytes())
    counts = Counter(value for (value,) in struct.iter_unpack("<I", bytes(bits)))
    return {f"#{value & 0xFFFFFF:06x}": count for value, count in counts.most_common(40)}


def edit(path, layer_name):
    """Delete, move and add points as a person would."""
    layer = QgsVectorLayer(f"{path}|layername={layer_name}", "layer", "ogr")
    layer.startEditing()
    ids = [feature.id() for feature in layer.getFeatures()]
    layer.deleteFeatures(ids[: len(ids) // 3])
    layer.changeGeometry(ids[-1], QgsGeometry.fromPointXY(QgsPointXY(0, 0)))
    added = QgsFeature(layer.fields())
    added.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(1, 1)))
    layer.addFeature(added)
    return {"committed": layer.commitChanges(), "errors": layer.commitErrors()}


def main():
    application = QgsApplication([], False)
    application.initQgis()
    seen = []
    for place, (what, *arguments) in enumerate(json.loads(sys.argv[1])):
        if what == "edit":
            seen.append(edit(*arguments))
        else:
            seen.append(look(*arguments, str(Path(sys.argv[2]) / f"{place}.png")))
    sys.stdout.write(json.dumps(seen) + "\n")
    sys.stdout.flush()
    # The teardown of an application without windows may crash.
    os._exit(0)


main()
