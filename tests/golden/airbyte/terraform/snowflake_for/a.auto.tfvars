schema = "LANDING"
