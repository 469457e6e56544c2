"""Tables, triggers and constants of GeoPackage 1.4 (OGC 12-128r19), as SQL."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x47504B47
"""``GPKG``."""
USER_VERSION: Final = 10400

TABLES: Final = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT
);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id)
);
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id)
);
CREATE TABLE gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name)
);
CREATE TABLE gpkg_metadata (
  id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL, md_scope TEXT NOT NULL DEFAULT 'dataset',
  md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml', metadata TEXT NOT NULL DEFAULT ''
);
CREATE TABLE gpkg_metadata_reference (
  reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT, row_id_value INTEGER,
  timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  md_file_id INTEGER NOT NULL, md_parent_id INTEGER,
  CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
  CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id)
);
"""

LAYER_STYLES: Final = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
  update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
);
"""
"""Where QGIS keeps the styles of a GeoPackage's layers."""

RTREE_EXTENSION: Final = ("gpkg_rtree_index", "http://www.geopackage.org/spec120/#extension_rtree", "write-only")
METADATA_EXTENSION: Final = ("gpkg_metadata", "http://www.geopackage.org/spec120/#extension_metadata", "read-write")
"""Name, definition and scope, as the standard spells them."""

_BOX: Final = "ST_MinX(NEW.{g}), ST_MaxX(NEW.{g}), ST_MinY(NEW.{g}), ST_MaxY(NEW.{g})"
_SOME: Final = "(NEW.{g} NOTNULL AND NOT ST_IsEmpty(NEW.{g}))"
_NONE: Final = "(NEW.{g} ISNULL OR ST_IsEmpty(NEW.{g}))"
_RTREE_TRIGGERS: Final = {
    "insert": f"AFTER INSERT ON {{t}} WHEN {_SOME} BEGIN INSERT OR REPLACE INTO {{r}} VALUES (NEW.{{k}}, {_BOX}); END",
    "update2": f"AFTER UPDATE OF {{g}} ON {{t}} WHEN OLD.{{k}} = NEW.{{k}} AND {_NONE} "
    "BEGIN DELETE FROM {r} WHERE id = OLD.{k}; END",
    "update4": f"AFTER UPDATE ON {{t}} WHEN OLD.{{k}} != NEW.{{k}} AND {_NONE} "
    "BEGIN DELETE FROM {r} WHERE id IN (OLD.{k}, NEW.{k}); END",
    "update5": f"AFTER UPDATE ON {{t}} WHEN OLD.{{k}} != NEW.{{k}} AND {_SOME} BEGIN DELETE FROM {{r}} "
    f"WHERE id = OLD.{{k}}; INSERT OR REPLACE INTO {{r}} VALUES (NEW.{{k}}, {_BOX}); END",
    "update6": f"AFTER UPDATE OF {{g}} ON {{t}} WHEN OLD.{{k}} = NEW.{{k}} AND {_SOME} "
    "AND (OLD.{g} NOTNULL AND NOT ST_IsEmpty(OLD.{g})) BEGIN UPDATE {r} SET minx = ST_MinX(NEW.{g}), "
    "maxx = ST_MaxX(NEW.{g}), miny = ST_MinY(NEW.{g}), maxy = ST_MaxY(NEW.{g}) WHERE id = NEW.{k}; END",
    "update7": f"AFTER UPDATE OF {{g}} ON {{t}} WHEN OLD.{{k}} = NEW.{{k}} AND {_SOME} "
    f"AND (OLD.{{g}} ISNULL OR ST_IsEmpty(OLD.{{g}})) BEGIN INSERT INTO {{r}} VALUES (NEW.{{k}}, {_BOX}); END",
    "delete": "AFTER DELETE ON {t} WHEN OLD.{g} NOT NULL BEGIN DELETE FROM {r} WHERE id = OLD.{k}; END",
}
"""They keep the index in step with edits; the functions are the editor's (annex F.3)."""


def rtree_name(table: str, geometry: str) -> str:
    """Return the name of the index of a geometry column."""
    return f"rtree_{table}_{geometry}"


def rtree_triggers(table: str, geometry: str, key: str) -> list[str]:
    """Return the statements that make the triggers of an index."""
    name = rtree_name(table, geometry)
    parts = {"t": quoted(table), "g": quoted(geometry), "k": quoted(key), "r": quoted(name)}
    return [
        f"CREATE TRIGGER {quoted(f'{name}_{event}')} {body.format(**parts)}" for event, body in _RTREE_TRIGGERS.items()
    ]


def quoted(name: str) -> str:
    """Spell a name in SQL."""
    return '"' + name.replace('"', '""') + '"'
