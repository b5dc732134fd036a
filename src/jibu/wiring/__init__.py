"""Builds everything from settings. The only package that names adapters.

One module for each thing that is built; adapters are imported where they are built, so that a command pays
for those alone that it uses.
"""
