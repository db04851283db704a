"""What a change makes of an asset graph: what differs, what that breaks, who is reached.

Pure: two graphs with their lineage go in, a :class:`~toolkit.diff.model.Diff` comes out.
"""
