"""What goes into a process whose environment has no toolkit: standard library and pyarrow only."""
