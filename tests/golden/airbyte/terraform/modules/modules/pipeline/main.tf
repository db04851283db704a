variable "name" { type = string }
variable "tables" { type = list(string) }
variable "destination_id" {}

resource "airbyte_source_mssql" "this" {
  name = "SQL Server ${var.name}"
}

resource "airbyte_connection" "this" {
  name           = "${var.name} to Redshift"
  source_id      = airbyte_source_mssql.this.source_id
  destination_id = var.destination_id
  prefix         = "${var.name}_"
  configurations = {
    streams = [for table in var.tables : { name = table, namespace = "dbo" }]
  }
}
