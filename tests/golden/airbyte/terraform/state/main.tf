# The state knows what the HCL leaves open; a connection of it was taken out of the HCL.
variable "schema" {}
variable "streams" { type = list(string) }

resource "airbyte_source_postgres" "shop" {
  name = "Shop"
}

resource "airbyte_destination_snowflake" "dwh" {
  name          = "Snowflake"
  configuration = { database = "ANALYTICS", schema = var.schema }
}

resource "airbyte_connection" "shop" {
  for_each       = toset(["eu", "us"])
  name           = "Shop ${each.key}"
  source_id      = airbyte_source_postgres.shop.source_id
  destination_id = airbyte_destination_snowflake.dwh.destination_id
  configurations = {
    streams = [
      { name = "orders" },
      { name = "customers" },
    ]
  }
}

resource "airbyte_connection" "counted" {
  count          = length(var.streams)
  source_id      = airbyte_source_postgres.shop.source_id
  destination_id = airbyte_destination_snowflake.dwh.destination_id
}
