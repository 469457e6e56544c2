"""Reading of classified tables, shared by ``show`` and ``report``."""
