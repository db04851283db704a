"""What changed at a source since it was last seen, and what of the graph that breaks."""
