environment = "staging"
schema      = "from_terraform_tfvars"
