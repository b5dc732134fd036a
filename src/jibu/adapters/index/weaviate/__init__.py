"""The passage index in Weaviate, for more passages than one machine's disk and for several machines.

See docs/adr/0009-weaviate-layout.md.
"""
