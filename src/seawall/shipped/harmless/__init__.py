"""Harmless sentences, one file per language: against them a threshold of meaning is measured.

Written for this purpose, as people write on a platform for music, with strong words, farewells, quarrels and trade in
them. Not taken from any data set.
"""
