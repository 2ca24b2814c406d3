"""Mobility: from raw location records to a release folder.

Names that Python users need are re-exported here.
"""
