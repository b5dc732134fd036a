"""Models behind Ollama (https://ollama.com): an embedder and a generator over its HTTP API."""
