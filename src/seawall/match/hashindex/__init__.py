"""An index of binary hashes by Hamming distance: immutable memory-mapped segments, a journal of changes, a manifest."""
