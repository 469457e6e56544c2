"""Adapters for cluster engines: ``insar_runtime.engines.spark`` and ``insar_runtime.engines.ray``.

Neither engine is a dependency of the package, and none is imported before one of their functions is called.
"""
