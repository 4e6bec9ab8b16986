"""Names beside features, as QGIS's label settings."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from cop.catalogue.models import Layer
from cop_server.clients.elements import node, rgba
from cop_server.clients.rules import quoted
from cop_server.clients.symbols import GROUND
from cop_server.clients.words import Tongue
from cop_tiles.styling.looks import Shape, shapes_of

# QGIS's own numbers of ways to place a label (QgsPalLayerSettings::Placement).
_PLACEMENT: Final[dict[Shape, int]] = {"point": 6, "line": 3, "area": 4}
_LINE_FLAGS: Final = 9  # on the line, turned to be read
_FAMILY: Final = "Arial"  # or what stands for it; Chinese comes from the system's own fallback
_POINTS_PER_PIXEL: Final = 0.75


def label_expression(layer: Layer, tongue: Tongue, *, tiled: bool) -> str | None:
    """What is written beside a feature: its names in the language asked for; None where the layer has no labels."""
    if layer.style.labels is None:
        return None
    order = ("title_zh", "title") if tongue == "zh" else ("title", "title_zh")
    columns = [column for role in order if (column := layer.with_role(role)) is not None]
    names = [f"coalesce({quoted(column.name)}, '')" for column in columns if column.tile or not tiled]
    if len(names) < 2:
        return names[0] if names else None
    one, other = names
    if tongue != "both":
        return f"if({one} <> '', {one}, {other})"
    between = "' '" if shapes_of(layer)[-1] == "line" else "'\\n'"
    return f"trim({one} || if({one} <> '' AND {other} <> '' AND {one} <> {other}, {between}, '') || " \
           f"if({one} = {other}, '', {other}))"  # fmt: skip


def settings(parent: Element, layer: Layer, expression: str, shape: Shape) -> None:
    """The settings of a layer's labels."""
    assert layer.style.labels is not None
    made = node(parent, "settings", calloutType="simple")
    text = node(
        made, "text-style", fieldName=expression, isExpression=True, fontFamily=_FAMILY, namedStyle="Regular",
        fontSize=layer.style.labels.size * _POINTS_PER_PIXEL, fontSizeUnit="Point", fontWeight=50, fontItalic=False,
        textColor=rgba(GROUND.text), textOpacity=1, multilineHeight=1, fontKerning=True, textOrientation="horizontal",
        blendMode=0, allowHtml=False, capitalization=0, useSubstitutions=False, legendString="Aa",
    )  # fmt: skip
    node(
        text, "text-buffer", bufferDraw=True, bufferSize=0.5, bufferSizeUnits="MM", bufferColor=rgba(GROUND.halo),
        bufferOpacity=0.9, bufferNoFill=True, bufferJoinStyle=128, bufferBlendMode=0,
    )  # fmt: skip
    node(made, "text-format", multilineAlign=1, wrapChar="", autoWrapLength=0, useMaxLineLengthForAutoWrap=True)
    node(
        made, "placement", placement=_PLACEMENT[shape], placementFlags=_LINE_FLAGS, priority=5, dist=1,
        distUnits="MM", offsetType=1, offsetUnits="MM", quadOffset=7, xOffset=0, yOffset=0, repeatDistance=60,
        repeatDistanceUnits="MM", predefinedPositionOrder="B,T,R,L,BR,TR,BL,TL", fitInPolygonOnly=False,
        centroidInside=True, polygonPlacementFlags=2, maxCurvedCharAngleIn=25, maxCurvedCharAngleOut=-25,
    )  # fmt: skip
    node(
        made, "rendering", drawLabels=True, obstacle=True, obstacleFactor=1, displayAll=False, upsidedownLabels=0,
        limitNumLabels=False, mergeLines=shape == "line", minFeatureSize=0, scaleVisibility=False,
        fontMinPixelSize=3, fontMaxPixelSize=10000, zIndex=0,
    )  # fmt: skip
