"""From the codes of one system to those of another."""

from __future__ import annotations

from icdcoder.systems.mapping.gems import CodeMapping, map_codes

__all__ = ["CodeMapping", "map_codes"]
