"""Picture of the page on QGIS: the demo file as QGIS draws it, with its legend and the map tip of a point.

``python3 docs/qgis_picture.py GEOPACKAGE`` writes ``docs/qgis.png``; run by the Python of QGIS. The GeoPackage is that
of ``insar-rt demo --save-input demo.zip`` and ``insar-rt classify demo.zip -o demo.gpkg --diagnose``.
"""

# mypy: ignore-errors
import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (
    QgsApplication,
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QPointF, QRectF, QSize
from qgis.PyQt.QtGui import QColor, QFont, QImage, QPainter, QPen, QTextDocument

WIDTH, HEIGHT, LEGEND = 660, 440, 220
PICTURE = Path(__file__).resolve().with_name("qgis.png")


def main():
    """Draw the map, the legend beside it, and one map tip."""
    application = QgsApplication([], True)
    application.initQgis()
    layer = QgsVectorLayer(sys.argv[1], "layer", "ogr")
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setOutputSize(QSize(WIDTH, HEIGHT))
    settings.setBackgroundColor(QColor("white"))
    settings.setDestinationCrs(layer.crs())
    extent = layer.extent()
    extent.scale(1.05)
    settings.setExtent(extent)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    picture = QImage(WIDTH + LEGEND, HEIGHT, QImage.Format_RGB32)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.Antialiasing)
    painter.setFont(QFont("DejaVu Sans", 10))
    painter.drawImage(LEGEND, 0, job.renderedImage())
    for row, category in enumerate(layer.renderer().categories()):
        symbol = category.symbol().asImage(QSize(16, 16))
        painter.drawImage(QPointF(12, 16 + 26 * row), symbol)
        painter.drawText(QPointF(36, 29 + 26 * row), category.label())
    painter.setPen(QPen(QColor("#bbbbbb")))
    painter.drawLine(LEGEND - 1, 0, LEGEND - 1, HEIGHT)
    _draw_tip(painter, layer, settings)
    painter.end()
    picture.save(str(PICTURE))
    # The teardown of an application without windows may crash.
    os._exit(0)


def _draw_tip(painter, layer, settings):
    """Draw the map tip of the Bilinear point with a break that lies highest within the upper left of the map."""
    places = {}
    for feature in layer.getFeatures("class_name = 'Bilinear' AND break_date IS NOT NULL"):
        place = settings.mapToPixel().transform(feature.geometry().asPoint())
        if place.x() < WIDTH - 380 and 40 < place.y() < HEIGHT - 150:
            places[place.y()] = place, feature
    place, feature = places[min(places)]
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    context.setFeature(feature)
    document = QTextDocument()
    document.setDefaultFont(QFont("DejaVu Sans", 9))
    document.setHtml(QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context))
    corner = QPointF(LEGEND + place.x() + 8, place.y() + 8)
    box = QRectF(corner, document.size())
    painter.setPen(QPen(QColor("#888888")))
    painter.setBrush(QColor("#ffffe8"))
    painter.drawRect(box)
    painter.setBrush(QColor(0, 0, 0, 0))
    painter.setPen(QPen(QColor("black"), 1.5))
    painter.drawEllipse(QPointF(LEGEND + place.x(), place.y()), 6, 6)
    painter.translate(corner)
    document.drawContents(painter)
    painter.resetTransform()


main()
