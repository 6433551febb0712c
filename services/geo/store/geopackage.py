"""SQL of a GeoPackage file that is exported: its style, where QGIS looks for it."""

import sqlite3
from contextlib import closing
from pathlib import Path

_STYLES = """
    create table if not exists layer_styles (
        id integer primary key autoincrement, f_table_catalog text(256), f_table_schema text(256),
        f_table_name text(256), f_geometry_column text(256), styleName text(30), styleQML text, styleSLD text,
        useAsDefault boolean, description text, owner text(30), ui text(30),
        update_time datetime default (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"""
_STYLE = """
    insert into layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML,
        styleSLD, useAsDefault, description, owner)
    values ('', '', ?, 'geometry', 'lagesbild', ?, ?, 1, ?, '')"""
_CONTENTS = """
    insert or ignore into gpkg_contents (table_name, data_type, identifier)
    values ('layer_styles', 'attributes', 'layer_styles')"""


def embed(path: Path, layer: str, *, qml: str, sld: str, description: str) -> None:
    """Write a style into a GeoPackage as its layer's default."""
    with closing(sqlite3.connect(path)) as file:
        file.execute(_STYLES)
        file.execute(_STYLE, (layer, qml, sld, description))
        file.execute(_CONTENTS)
        file.commit()
