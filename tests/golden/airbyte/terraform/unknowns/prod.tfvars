schema = "prod"
