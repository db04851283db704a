variable "environment" {
  type    = string
  default = "dev"
}

variable "schema" {
  type = string
}

variable "excluded" {
  type    = set(string)
  default = ["audit_log"]
}

variable "airbyte_url" {}
variable "airbyte_client_id" {}
variable "airbyte_client_secret" { sensitive = true }
variable "workspace_id" {}
