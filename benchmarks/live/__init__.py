"""Questions about records of registries: which field answers, if any."""
