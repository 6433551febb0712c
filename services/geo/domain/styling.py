"""The look of an exported GeoPackage: a style that QGIS finds in the file itself, one symbol a group of event types."""

from xml.sax.saxutils import escape, quoteattr

from schemas.taxonomy import current

COLOURS = {
    "A": "#0b4f5f", "B": "#b3771f", "C": "#9c4a2f", "D": "#5b6b73", "E": "#3d7f8f", "F": "#8a8f7a", "G": "#444b52",
}  # fmt: skip
"""Petrol, ochre, rust and their neighbours: told apart in grey too, together with the letter in the legend."""
_RULE = """<se:Rule><se:Name>{2}</se:Name><ogc:Filter>
<ogc:PropertyIsLike wildCard="*" singleChar="." escapeChar="!">
<ogc:PropertyName>event_type</ogc:PropertyName><ogc:Literal>{0}*</ogc:Literal></ogc:PropertyIsLike></ogc:Filter>
<se:PointSymbolizer><se:Graphic><se:Mark><se:WellKnownName>circle</se:WellKnownName>
<se:Fill><se:SvgParameter name="fill">{1}</se:SvgParameter></se:Fill></se:Mark><se:Size>9</se:Size></se:Graphic>
</se:PointSymbolizer></se:Rule>"""


def qml() -> str:
    """QGIS' own style language: categories by the first letter of the type."""
    groups = [(g.code, g.label) for g in current().groups]
    categories = "".join(
        f'<category render="true" symbol="{i}" value={quoteattr(code)} label={quoteattr(f"{code} {label}")}/>'
        for i, (code, label) in enumerate(groups)
    )
    symbols = "".join(
        f'<symbol type="marker" name="{i}"><layer class="SimpleMarker"><prop k="name" v="circle"/>'
        f'<prop k="color" v="{_rgb(COLOURS.get(code, "#444b52"))}"/><prop k="outline_color" v="255,255,255,255"/>'
        f'<prop k="size" v="2.6"/></layer></symbol>'
        for i, (code, _) in enumerate(groups)
    )
    attribute = quoteattr('substr("event_type", 1, 1)')
    return (
        '<!DOCTYPE qgis><qgis version="3.22" styleCategories="Symbology">'
        f'<renderer-v2 type="categorizedSymbol" attr={attribute} forceraster="0" symbollevels="0" enableorderby="0">'
        f"<categories>{categories}</categories><symbols>{symbols}</symbols></renderer-v2></qgis>"
    )


def sld() -> str:
    """The same for programs that read OGC's styles."""
    rules = "".join(
        _RULE.format(g.code, COLOURS.get(g.code, "#444b52"), escape(f"{g.code} {g.label}")) for g in current().groups
    )
    return (
        '<StyledLayerDescriptor xmlns="http://www.opengis.net/sld" xmlns:se="http://www.opengis.net/se" '
        'xmlns:ogc="http://www.opengis.net/ogc" version="1.1.0"><NamedLayer><se:Name>rapporter</se:Name><UserStyle>'
        f"<se:FeatureTypeStyle>{rules}</se:FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>"
    )


def _rgb(colour: str) -> str:
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5)) + ",255"
