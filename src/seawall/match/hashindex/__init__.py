"""An index of 256-bit hashes that are searched within a radius, in memory or in files that several processes share.

- ``index``: the index on disk: a journal of changes over immutable segments that are merged from time to time
- ``hamming``: the same search over hashes that do not change, in memory
- ``bits``, ``segments``: comparing hashes, and a sorted table that finds the near ones
- ``journal``, ``manifest``, ``state``: the files, and what they hold together
"""
