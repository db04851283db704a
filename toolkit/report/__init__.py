"""Graph, lineage and ledger as files for people and machines."""
