"""What a function's code says of it: its version, what it imports, whether it is volatile."""
