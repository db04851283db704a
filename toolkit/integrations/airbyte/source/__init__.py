"""A source as a process of ours: its environment, its configuration, the protocol it speaks."""
