"""One module per candidate; each has a class `Candidate` with the methods described in `index.measure`."""
