"""Ways to run dbt, behind one protocol."""
