"""The passage index in Weaviate, for more passages than one machine's disk and for several machines.

See docs/adr/0006-weaviate-layout.md.
"""
