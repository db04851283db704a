variable "schema" {}
variable "password" {}

resource "airbyte_destination_redshift" "this" {
  name = "Redshift"
  configuration = {
    database = "dwh"
    schema   = var.schema
    password = var.password
  }
}

output "destination_id" {
  value = airbyte_destination_redshift.this.destination_id
}
