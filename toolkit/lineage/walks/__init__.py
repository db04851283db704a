"""Questions to a finished lineage: what a change reaches, what fails, what lies between."""
